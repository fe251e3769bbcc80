"""One line of a table: what was measured, against what, and what it should be."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from bench.figure import Figure
from bench.spread import percentile


@dataclass(frozen=True, slots=True)
class Row:
    """`value` in `unit` against `bar`; lower is better unless `at_least`.

    `runs` has the value of each run, where there were several.
    """

    name: str
    value: float
    unit: str
    bar: float
    detail: str = ""
    at_least: bool = False
    runs: tuple[float, ...] = ()
    figure: Figure | None = None

    @property
    def holds(self) -> bool:
        return self.value >= self.bar if self.at_least else self.value <= self.bar

    @property
    def mark(self) -> str:
        return "✓" if self.holds else "✗"

    @property
    def asked(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.bar:g}"

    @property
    def spread(self) -> str:
        """The least and the greatest of the runs."""
        return f"{min(self.runs):.3g}…{max(self.runs):.3g}" if len(self.runs) > 1 else ""

    def as_json(self) -> dict[str, object]:
        found = {**asdict(self), "holds": self.holds}
        return {**found, "value": self.value if math.isfinite(self.value) else None}


def failed(name: str, reason: str) -> Row:
    """Return the row of a measurement that could not be made."""
    return Row(f"{name}: not measured", math.nan, "", 0.0, reason)


def table(rows: Sequence[Row]) -> str:
    """Return the rows as text, one a line."""
    lines = [f"  {'measurement':<58}{'value':>9}  {'asked':>8}  {'unit':<11}runs"]
    for row in rows:
        figures = f"{row.value:>9.3f}  {row.asked:>8}  {row.unit:<11}{row.spread}"
        lines.append(f"{row.mark} {row.name:<58}{figures}".rstrip())
        if row.detail:
            lines.append(f"    {row.detail}")
    return "\n".join(lines)


def median_ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Return the ratio of two series' medians."""
    return statistics.median(ours) / statistics.median(theirs)


def milliseconds(values: Sequence[float]) -> str:
    """Return p50 and p99 of seconds as text."""
    p50, p99 = percentile(values, 0.5), percentile(values, 0.99)
    return f"p50 {1000 * p50:.1f} ms, p99 {1000 * p99:.1f} ms"
