"""Where a text that does not fit is cut: at the end of something, if it can be."""

import re
import unicodedata

_ENDS = (
    re.compile(r"\n[ \t]*\n"),  # a paragraph
    re.compile(r"\n"),
    re.compile(r"[.!?…。！？][\"'”’)\]]*\s|[。！？]"),  # noqa: RUF001  # full-width marks are meant
    re.compile(r"\s"),
)

LEAST = 0.5
"""Share of the room that a natural cut must fill; below it a ruder one is better."""

_JOINER = "\u200d"
_GRAPHEME = 16
"""Code points that a cut goes back at most to spare a cluster."""


def cut_point(text: str, room: int) -> int:
    """Return where to cut so that at most `room` characters stay before the cut."""
    if room >= len(text):
        room = len(text)
    least = int(room * LEAST)
    for end in _ENDS:
        found = 0
        for match in end.finditer(text, least, room):
            found = match.end()
        if found:
            return found
    return _between_graphemes(text, room)


def _between_graphemes(text: str, place: int) -> int:
    """Move a hard cut back so that nothing that is one sign is torn."""
    for back in range(min(_GRAPHEME, place - 1)):
        if not _joined(text, place - back):
            return place - back
    return place


def _joined(text: str, place: int) -> bool:
    if place <= 0 or place >= len(text):
        return False
    before, after = text[place - 1], text[place]
    if _JOINER in (before, after) or unicodedata.combining(after):
        return True
    category = unicodedata.category(after)
    is_flag = all("\U0001f1e6" <= sign <= "\U0001f1ff" for sign in (before, after))
    return is_flag or category in ("Mn", "Me", "Sk") or "\ufe00" <= after <= "\ufe0f"
