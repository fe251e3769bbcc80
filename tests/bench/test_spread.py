"""Percentiles and ratios are those that the table says."""

import random

import pytest

from bench.spread import curve, percentile, ratios

PERCENTILES = {
    "one value": ([7.0], 0.99, 7.0),
    "the middle of three": ([3.0, 1.0, 2.0], 0.5, 2.0),
    "the lower middle of four": ([4.0, 3.0, 2.0, 1.0], 0.5, 2.0),
    "nothing exceeds all": ([1.0, 2.0, 3.0], 1.0, 3.0),
    "the least": ([1.0, 2.0, 3.0], 0.0, 1.0),
    "one in a hundred is left out": ([float(n) for n in range(1, 101)], 0.99, 99.0),
    "a share that floats miss": ([float(n) for n in range(1, 11)], 0.7, 7.0),
}


@pytest.mark.parametrize("case", PERCENTILES)
def test_a_percentile_is_a_value_that_was_measured(case: str) -> None:
    """The smallest one that the share of the values does not exceed."""
    values, share, expected = PERCENTILES[case]
    assert percentile(values, share) == expected


def test_a_curve_ends_at_the_greatest_value_and_rises() -> None:
    seeded = random.Random(3)
    values = [seeded.random() for _ in range(5000)]
    percents, heights = curve(values)
    assert len(percents) == len(heights) <= 200
    assert list(heights) == sorted(heights)
    assert (percents[-1], heights[-1]) == (100.0, max(values))
    assert heights[99] == pytest.approx(percentile(values, 0.5))


def test_a_ratio_is_of_the_same_run() -> None:
    """A slow run of both is no difference between them."""
    assert ratios([[2.0, 4.0, 6.0], [40.0]], [[2.0], [20.0]]) == [2.0, 2.0]


def test_a_run_without_values_has_no_ratio() -> None:
    assert ratios([[1.0], []], [[1.0], [1.0]]) == [1.0]
