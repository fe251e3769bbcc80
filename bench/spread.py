"""How values are spread: percentiles, and ratios of two series; pure."""

import math
import statistics
from collections.abc import Sequence

CURVE = 200
"""Points of a curve at most; more are not seen."""


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that `share` (0..1) of the values do not exceed."""
    return sorted(values)[_place(share, len(values))]


def curve(values: Sequence[float]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return percents and the value that so many per cent of the values do not exceed."""
    steps = min(CURVE, len(values))
    percents = tuple(100 * (number + 1) / steps for number in range(steps))
    ordered = sorted(values)
    return percents, tuple(ordered[_place(percent / 100, len(ordered))] for percent in percents)


def ratios(ours: Sequence[Sequence[float]], theirs: Sequence[Sequence[float]]) -> list[float]:
    """Return the ratio of the medians of each run; `ours` and `theirs` have one list a run."""
    return [
        statistics.median(mine) / statistics.median(others)
        for mine, others in zip(ours, theirs, strict=True)
        if mine and others
    ]


def _place(share: float, count: int) -> int:
    """Return which of `count` rising values has `share` of them up to it."""
    return max(0, math.ceil(share * count - 1e-9) - 1)


def flat(runs: Sequence[Sequence[float]]) -> list[float]:
    """Return all values of all runs."""
    return [value for run in runs for value in run]
