"""Plots say what they were given."""

from xml.etree import ElementTree

import pytest

from bench.drawing import Scale, picture, ticks
from bench.figure import Figure, Line

SVG = "{http://www.w3.org/2000/svg}"
FIGURE = Figure(
    "f",
    "Less < more & so on",
    "rooms",
    "seconds",
    (Line("ours", (100, 150, 200), (1.0, 1.5, 4.0)), Line("theirs", (100, 200), (1.0, 2.0))),
    mark=2.0,
)

RANGES = {
    "ones": (0.0, 5.0, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]),
    "small": (0.0, 0.013, [0.0, 0.005, 0.01, 0.015]),
    "away from zero": (0.953, 1.0, [0.95, 0.96, 0.97, 0.98, 0.99, 1.0]),
    "large": (0.0, 612.0, [0.0, 200.0, 400.0, 600.0, 800.0]),
    "no width": (3.0, 3.0, [3.0]),
}


@pytest.mark.parametrize("case", RANGES)
def test_ticks_are_round_and_enclose_the_values(case: str) -> None:
    low, high, expected = RANGES[case]
    assert ticks(low, high) == pytest.approx(expected)


def test_every_line_is_drawn_through_its_points() -> None:
    tree = ElementTree.fromstring(picture(FIGURE))
    drawn = [line.get("points", "").split() for line in tree.iter(f"{SVG}polyline")]
    assert [len(points) for points in drawn] == [3, 2]
    heights = [[float(point.split(",")[1]) for point in points] for points in drawn]
    assert heights[0] == sorted(heights[0], reverse=True), "up is more"
    assert heights[0][0] == heights[1][0], "equal values stand equally high"


def test_words_are_there_and_escaped() -> None:
    tree = ElementTree.fromstring(picture(FIGURE))
    words = {text.text for text in tree.iter(f"{SVG}text")}
    assert {"Less < more & so on", "rooms", "seconds", "ours", "theirs", "asked: 2"} <= words


def test_values_that_vary_little_do_not_begin_at_zero() -> None:
    shares = Figure("s", "t", "x", "y", (Line("a", (1, 2), (0.97, 0.99)),))
    tree = ElementTree.fromstring(picture(shares))
    assert "0" not in {text.text for text in tree.iter(f"{SVG}text")}


def test_a_scale_takes_its_ends_to_the_ends() -> None:
    scale = Scale(10.0, 20.0, 300.0, 60.0)
    assert [scale.at(value) for value in (10.0, 15.0, 20.0)] == [300.0, 180.0, 60.0]
