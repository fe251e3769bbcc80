"""What one stop took, and what many took together."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stop:
    """One stop, in seconds after it was asked for; None: does not apply.

    `carried`: the model's connection was closed, or the turn marked as stopped;
    `closed`: the connection was; `gone`: every process of the tool was;
    `shown`: a message of the chat said so.
    """

    state: str
    carried: float
    closed: float | None = None
    gone: float | None = None
    shown: float | None = None


def p99(values: Sequence[float]) -> float:
    """Return what 99 of 100 do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * 99 // 100) - 1)]


def told(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def line(name: str, values: Sequence[float]) -> str:
    """Return count, p50, p99 and worst as text."""
    p50, worst = statistics.median(values), max(values)
    return f"{name:<32}{len(values):>6}{p50:>9.3f}{p99(values):>9.3f}{worst:>9.3f}"


def report(stops: Iterable[Stop]) -> str:
    """Return a line for every state and what was measured in it."""
    by_state: dict[str, list[Stop]] = {}
    for stop in stops:
        by_state.setdefault(stop.state, []).append(stop)
    lines = [f"{'seconds':<32}{'stops':>6}{'p50':>9}{'p99':>9}{'worst':>9}"]
    for state, group in by_state.items():
        for part in ("carried", "closed", "gone", "shown"):
            if values := told(getattr(stop, part) for stop in group):
                lines.append(line(f"{state}: {part}", values))
    return "\n".join(lines)
