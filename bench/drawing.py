"""A figure as an SVG picture: axes, lines, a legend; light and dark; pure."""

import math
from collections.abc import Iterator, Sequence
from html import escape

from bench.figure import Figure, Line

WIDTH, HEIGHT = 640.0, 360.0
LEFT, RIGHT, TOP, BOTTOM = 64.0, 16.0, 64.0, 52.0
"""Pixels of the whole, and of the room around the plot."""

TICKS = 5
"""About so many marks on an axis."""
DOT = 24
"""Lines of at most so many points have their points marked."""

STYLE = """
  .paper { fill: #ffffff } .rule { stroke: #dfe5ea; stroke-width: 1 }
  .said { fill: #17212b } .dim { fill: #5d6a76 }
  .l0 { stroke: #1f6fd0; color: #1f6fd0 } .l1 { stroke: #d0651f; color: #d0651f }
  .l2 { stroke: #5a8f29; color: #5a8f29 } .mark { stroke: #b3261e; stroke-dasharray: 6 4 }
  text { font-size: 12px; font-family: "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif }
  .title { font-size: 14px; font-weight: 600 }
  polyline { fill: none; stroke-width: 2 } circle { fill: currentColor }
  @media (prefers-color-scheme: dark) {
    .paper { fill: #0e1621 } .rule { stroke: #26333f }
    .said { fill: #f1f5f8 } .dim { fill: #8fa1b3 }
    .l0 { stroke: #6ab3f3; color: #6ab3f3 } .l1 { stroke: #f0a06a; color: #f0a06a }
    .l2 { stroke: #9ccc65; color: #9ccc65 } .mark { stroke: #f2b8b5 }
  }
"""


class Scale:
    """Takes values of one axis to pixels."""

    def __init__(self, low: float, high: float, start: float, end: float) -> None:
        self.low, self.high = low, high if high > low else low + 1
        self._start, self._end = start, end

    def at(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return self._start + share * (self._end - self._start)


def ticks(low: float, high: float) -> list[float]:
    """Return round values from at most `low` to at least `high`."""
    span = high - low or 1.0
    step = 10 ** math.floor(math.log10(span / TICKS))
    step *= next(factor for factor in (1, 2, 5, 10) if span / (step * factor) <= TICKS + 1)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(number * step, 10) for number in range(first, last + 1)]


def picture(figure: Figure) -> str:
    """Return the text of an SVG file."""
    heights = [value for line in figure.lines for value in line.up]
    heights += [figure.mark] if figure.mark is not None else []
    low = 0.0 if min(heights) < 0.8 * max(heights) else min(heights)
    rows = ticks(low, max(heights))
    widths = [value for line in figure.lines for value in line.across]
    columns = [tick for tick in ticks(min(widths), max(widths)) if min(widths) <= tick]
    columns = [tick for tick in columns if tick <= max(widths)]
    across = Scale(min(widths), max(widths), LEFT, WIDTH - RIGHT)
    up = Scale(rows[0], rows[-1], HEIGHT - BOTTOM, TOP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH:g}" height="{HEIGHT:g}" '
        f'viewBox="0 0 {WIDTH:g} {HEIGHT:g}" role="img" aria-label="{escape(figure.title)}">',
        f"<style>{STYLE}</style>",
        f'<rect width="{WIDTH:g}" height="{HEIGHT:g}" rx="8" class="paper"/>',
        _text(LEFT, 24, figure.title, "said title"),
        *_axes(figure, columns, rows, across, up),
        *_legend(figure),
    ]
    if figure.mark is not None:
        parts.append(_rule(LEFT, WIDTH - RIGHT, up.at(figure.mark), up.at(figure.mark), "mark"))
    for number, line in enumerate(figure.lines):
        parts += _line(line, f"l{number}", across, up)
    return "\n".join([*parts, "</svg>\n"])


def _axes(
    figure: Figure, columns: Sequence[float], rows: Sequence[float], across: Scale, up: Scale
) -> Iterator[str]:
    for value in rows:
        height = up.at(value)
        yield _rule(LEFT, WIDTH - RIGHT, height, height, "rule")
        yield _text(LEFT - 8, height + 4, f"{value:g}", "dim", "end")
    for value in columns:
        place = across.at(value)
        yield _rule(place, place, HEIGHT - BOTTOM, HEIGHT - BOTTOM + 5, "rule")
        yield _text(place, HEIGHT - BOTTOM + 20, f"{value:g}", "dim", "middle")
    middle = (LEFT + WIDTH - RIGHT) / 2
    yield _text(middle, HEIGHT - 12, figure.across, "dim", "middle")
    yield _text(LEFT - 48, TOP - 12, figure.up, "dim")


def _legend(figure: Figure) -> Iterator[str]:
    place = LEFT + 112
    for number, line in enumerate(figure.lines):
        yield _rule(place, place + 18, 48, 48, f"l{number}")
        yield _text(place + 24, 52, line.name, "said")
        place += 40 + 7 * len(line.name)
    if figure.mark is not None:
        yield _rule(place, place + 18, 48, 48, "mark")
        yield _text(place + 24, 52, f"asked: {figure.mark:g}", "said")


def _line(line: Line, kind: str, across: Scale, up: Scale) -> Iterator[str]:
    places = [(across.at(x), up.at(y)) for x, y in zip(line.across, line.up, strict=True)]
    drawn = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    yield f'<polyline points="{drawn}" class="{kind}"/>'
    if len(places) <= DOT:
        yield from (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" class="{kind}"/>' for x, y in places)


def _rule(left: float, right: float, top: float, bottom: float, kind: str) -> str:
    return (
        f'<line x1="{left:.1f}" x2="{right:.1f}" y1="{top:.1f}" y2="{bottom:.1f}" '
        f'class="{kind}" stroke-width="{1 if kind == "rule" else 2}"/>'
    )


def _text(left: float, base: float, words: str, kind: str, anchor: str = "start") -> str:
    place = f'x="{left:.1f}" y="{base:.1f}" text-anchor="{anchor}"'
    return f'<text {place} class="{kind}">{escape(words, quote=False)}</text>'
