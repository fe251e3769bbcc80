"""Buttons where there are none: signs that people react with; pure.

A button's sign is the emoji that its label begins with, else a number. The
signs stand below the message, and in the event itself with what they mean, so
that a reaction is understood after a restart. Whether a press counts is
decided elsewhere: what an event says may be forged.
"""

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

from navi_bot.messages import Button
from navi_bot.texts import matrix as texts

FIELD = "org.navi-bot.buttons"
"""In the event's content: sign → data."""

_VARIATION = "\ufe0f"
"""Some clients add it to an emoji, some do not."""
_NUMBERS = tuple(f"{number}{_VARIATION}\u20e3" for number in range(1, 10))
_KEYCAP = "\u20e3"


def signs(rows: Sequence[Sequence[Button]]) -> tuple[tuple[str, Button], ...]:
    """Return each button with its sign; at most nine have none of their own."""
    found: dict[str, Button] = {}
    numbers = iter(_NUMBERS)
    for button in chain.from_iterable(rows):
        own = _own_sign(button.label)
        sign = own if own and own not in found else next(numbers, "")
        if sign:
            found[sign] = button
    return tuple(found.items())


def caption(rows: Sequence[Sequence[Button]]) -> str:
    """Return the line that tells which signs there are, "" without buttons."""
    shown = [
        button.label if button.label.startswith(sign) else f"{sign} {button.label}"
        for sign, button in signs(rows)
    ]
    return texts.SIGNS(signs="  ·  ".join(shown)) if shown else ""


def field(rows: Sequence[Sequence[Button]]) -> dict[str, str]:
    """Return what goes into the event: sign → data."""
    return {plain(sign): button.data for sign, button in signs(rows)}


def read_field(content: Mapping[str, Any]) -> dict[str, str]:
    """Return sign → data of an event's content, {} where there is nothing usable."""
    found = content.get(FIELD)
    if not isinstance(found, Mapping):
        return {}
    return {str(sign): data for sign, data in found.items() if isinstance(data, str)}


def plain(sign: str) -> str:
    """Return a sign as it is compared."""
    return sign.strip().replace(_VARIATION, "").replace(_KEYCAP, "")


def _own_sign(label: str) -> str:
    """Return the emoji that a label begins with, "" when it begins with a word."""
    first = label.split(maxsplit=1)[0] if label.strip() else ""
    return "" if not first or any(letter.isalnum() for letter in first) else first
