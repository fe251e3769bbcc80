"""The slot for what the turn means to do: its plan, its checklist."""

from collections.abc import Sequence

from navi_bot.events import Todo
from navi_bot.live.items import shorten
from navi_bot.messages import Block, Fold, Line
from navi_bot.texts import live as texts

MOST = 12
ITEM = 100
"""Items shown, and characters of each."""

PLAN_LENGTH = 1200

_MARKS = {"open": "☐", "active": "▶", "done": "☑", "failed": "☒"}


def plan_block(plan: str) -> Block:
    text = plan.strip()
    return Fold(texts.PLAN(), text if len(text) <= PLAN_LENGTH else f"{text[:PLAN_LENGTH]}…")


def checklist(items: Sequence[Todo]) -> list[Block]:
    """Return a line an item; of a long list those around the work."""
    shown = list(items)
    if len(shown) > MOST:
        at = next((n for n, item in enumerate(shown) if item.state in ("active", "open")), 0)
        begin = max(0, min(at - MOST // 2, len(shown) - MOST))
        shown = shown[begin : begin + MOST]
    return [
        Line(
            f"{_MARKS.get(item.state, '☐')} {shorten(item.text, ITEM)}",
            "bold" if item.state == "active" else "plain",
        )
        for item in shown
    ]
