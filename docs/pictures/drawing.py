"""Frames of a chat as one SVG that reads well on a light and on a dark page; pure."""

from collections.abc import Iterable, Iterator
from html import escape

from adapters.telegram.markup import Rendered
from docs.pictures.lines import SIZE, Row, Run, rows_of, width_of
from docs.pictures.scene import QUESTION, Frame
from navi_bot.messages import Button

PANEL, GAP, EDGE = 292.0, 12.0, 12.0
"""Pixels: a panel's width, the room between two, the room around all."""

STEP, PAD = 18.0, 10.0
"""Pixels from row to row, and inside a bubble."""

BLANK = 0.55
"""The share of a row that an empty one takes."""

STYLE = """
  .room { fill: #dfe7ee } .head { fill: #51606d } .its { fill: #ffffff } .mine { fill: #d9f2c4 }
  .said { fill: #17212b } .dim { fill: #6b7885 } .mark { fill: #3a8ee6 } .soft { fill: #eaf2fb }
  .key { fill: #c9d5e0 } .key-text { fill: #17212b } .danger { fill: #f3c9c6 }
  text { font-size: 13px; font-family: "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif }
  .bold { font-weight: 600 } .italic { font-style: italic }
  .code { font-family: ui-monospace, Menlo, Consolas, monospace; font-size: 12px }
  @media (prefers-color-scheme: dark) {
    .room { fill: #0e1621 } .head { fill: #8fa1b3 } .its { fill: #182533 } .mine { fill: #2b5278 }
    .said { fill: #f1f5f8 } .dim { fill: #8fa1b3 } .mark { fill: #6ab3f3 } .soft { fill: #1e3145 }
    .key { fill: #22384e } .key-text { fill: #f1f5f8 } .danger { fill: #5b2f31 }
  }
"""


def picture(frames: Iterable[Frame]) -> str:
    """Return the frames side by side, as the text of an SVG file."""
    panels: list[str] = []
    tallest = 0.0
    left = EDGE
    for frame in frames:
        body, height = _panel(frame, left)
        panels.append(body)
        tallest = max(tallest, height)
        left += PANEL + GAP
    width, height = left - GAP + EDGE, tallest + EDGE
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}" '
            f'viewBox="0 0 {width:g} {height:g}" role="img" '
            'aria-label="One live message: at work, writing, done">',
            f"<style>{STYLE}</style>",
            _box(0, 0, width, height, "room", 14),
            *panels,
            "</svg>\n",
        ]
    )


def _panel(frame: Frame, left: float) -> tuple[str, float]:
    """Return one frame's drawing and where it ends."""
    parts = [_text(left + 4, EDGE + 14, [Run(frame.caption, frozenset(["bold"]))], "head")]
    top = EDGE + 26.0
    question, top = _bubble(Rendered(QUESTION, ()), left + 36, top, PANEL - 36, "mine")
    answer, top = _bubble(frame.shown, left, top + 8, PANEL, "its")
    parts += [*question, *answer]
    for row in frame.buttons:
        parts += _keys(row, left, top + 4)
        top += 36
    return "\n".join(parts), top


def _bubble(
    shown: Rendered, left: float, top: float, width: float, kind: str
) -> tuple[list[str], float]:
    """Return a bubble's drawing and its lower edge."""
    rows = rows_of(shown, width - 2 * PAD)
    height = 2 * PAD + sum(_step(row) for row in rows) - 4
    parts = [_box(left, top, width, height, kind, 12)]
    line = top + PAD
    for row in rows:
        if row.quoted:
            parts.append(_box(left + PAD, line, width - 2 * PAD, STEP, "soft", 0))
            parts.append(_box(left + PAD, line, 3, STEP, "mark", 0))
        inset = PAD + (12 if row.quoted else 0)
        parts.append(_text(left + inset, line + SIZE, row.runs, "said"))
        line += _step(row)
    return parts, top + height


def _step(row: Row) -> float:
    return STEP if row.runs else STEP * BLANK


def _keys(row: tuple[Button, ...], left: float, top: float) -> Iterator[str]:
    """Yield the buttons below a message."""
    width = (PANEL - 4 * (len(row) - 1)) / len(row)
    for number, button in enumerate(row):
        start = left + number * (width + 4)
        yield _box(start, top, width, 32, "danger" if button.style == "danger" else "key", 8)
        run = Run(button.label, frozenset(["bold"]))
        yield _text(start + (width - width_of(run)) / 2, top + 21, [run], "key-text")


def _box(left: float, top: float, width: float, height: float, kind: str, round_: float) -> str:
    return (
        f'<rect x="{left:g}" y="{top:g}" width="{width:g}" height="{height:g}" '
        f'rx="{round_:g}" class="{kind}"/>'
    )


def _text(left: float, base: float, runs: Iterable[Run], kind: str) -> str:
    words = "".join(_span(run, kind) for run in runs)
    return f'<text x="{left:g}" y="{base:g}" xml:space="preserve">{words}</text>' if words else ""


def _span(run: Run, kind: str) -> str:
    looks = [style for style in ("bold", "italic", "code") if style in run.styles]
    colour = "dim" if "italic" in run.styles else "mark" if "code" in run.styles else kind
    return f'<tspan class="{" ".join([colour, *looks])}">{escape(run.text, quote=False)}</tspan>'
