"""One line of a table: what was measured, against what, and what it should be."""

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """`value` in `unit` against `bar`; `lower` is better unless it says otherwise."""

    name: str
    value: float
    unit: str
    bar: float
    detail: str = ""

    @property
    def holds(self) -> bool:
        return self.value <= self.bar

    def as_json(self) -> dict[str, object]:
        return {**asdict(self), "holds": self.holds}


def table(rows: Sequence[Row]) -> str:
    """Return the rows as text, one a line."""
    lines = [f"{'measurement':<52}{'value':>10}  {'bar':>8}  unit"]
    for row in rows:
        mark = "✓" if row.holds else "✗"
        lines.append(f"{mark} {row.name:<50}{row.value:>10.3f}  {row.bar:>8.3g}  {row.unit}")
        if row.detail:
            lines.append(f"    {row.detail}")
    return "\n".join(lines)


def median_ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Return the ratio of two series' medians."""
    return statistics.median(ours) / statistics.median(theirs)


def milliseconds(values: Sequence[float]) -> str:
    """Return p50 and p99 of seconds as text."""
    ordered = sorted(values)
    p99 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    return f"p50 {1000 * statistics.median(ordered):.1f} ms, p99 {1000 * p99:.1f} ms"
