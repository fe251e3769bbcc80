"""Text with entities as Telegram keeps them, offsets in UTF-16 units; pure.

A text is handled as a sequence of UTF-16 units wherever an offset counts: no
blank lies outside of one unit, so trimming by units never cuts a letter.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

TIGHT = ("code", "pre")
"""Hold nothing."""

_STYLED = ("bold", "italic", "strikethrough", "spoiler")
_QUOTES = ("blockquote", "expandable_blockquote")


@dataclass(frozen=True, slots=True)
class Entity:
    """A stretch of text with a meaning; offset and length in UTF-16 units."""

    type: str
    offset: int
    length: int
    url: str = ""
    language: str = ""

    @property
    def end(self) -> int:
        return self.offset + self.length


@dataclass(frozen=True, slots=True)
class Rendered:
    """A text as it is sent, with what is said about its parts."""

    text: str
    entities: tuple[Entity, ...] = ()


def units(text: str) -> int:
    """Return the length of a text as Telegram counts it."""
    if text.isascii():
        return len(text)
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def cut(text: str, start: int, end: int) -> str:
    """Return the part of a text between two offsets in UTF-16 units."""
    raw = text.encode("utf-16-le", "surrogatepass")
    return raw[2 * start : 2 * end].decode("utf-16-le", "replace")


def trimmed(text: str, entities: Iterable[Entity]) -> Rendered:
    """Return text without blanks around it, entities without blanks at their ends."""
    places = memoryview(text.encode("utf-16-le", "surrogatepass")).cast("H")
    first, last = _without_blanks(places, 0, len(places))
    kept: list[Entity] = []
    for entity in entities:
        start, end = max(entity.offset, first), min(entity.end, last)
        start, end = _without_blanks(places, start, end)
        if start < end:
            kept.append(replace(entity, offset=start - first, length=end - start))
    return Rendered(text.strip(), tuple(kept))


def _without_blanks(places: memoryview, start: int, end: int) -> tuple[int, int]:
    while start < end and chr(places[start]).isspace():
        start += 1
    while start < end and chr(places[end - 1]).isspace():
        end -= 1
    return start, end


def settled(entities: Iterable[Entity]) -> tuple[Entity, ...]:
    """Return what may stand together, as Telegram would settle it.

    A style is one stretch however often it was said, and ends where code
    begins; a quote holds no quote, code nothing, and nothing crosses. A link
    on code stays a link: where it leads is worth more than how it looks.
    """
    given = list(entities)
    links = _apart([one for one in given if one.type == "text_link"])
    tight = _clear_of([one for one in given if one.type in TIGHT], links)
    kept = [*tight, *links, *_apart([one for one in given if one.type in _QUOTES])]
    for style in _STYLED:
        ranges = _union([(one.offset, one.end) for one in given if one.type == style])
        for start, end in _outside(ranges, tight):
            kept.append(Entity(style, start, end - start))
    return tuple(sorted(kept, key=lambda one: (one.offset, -one.length)))


def _apart(entities: list[Entity]) -> list[Entity]:
    """Return the outermost of entities of one kind, in order; what overlaps goes."""
    kept: list[Entity] = []
    for one in sorted(entities, key=lambda one: (one.offset, -one.length)):
        if not kept or one.offset >= kept[-1].end:
            kept.append(one)
    return kept


def _clear_of(entities: list[Entity], others: list[Entity]) -> list[Entity]:
    """Return the entities that touch none of the others, in order."""
    kept: list[Entity] = []
    rest = iter(others)
    other = next(rest, None)
    for one in _apart(entities):
        while other is not None and other.end <= one.offset:
            other = next(rest, None)
        if other is None or one.end <= other.offset:
            kept.append(one)
    return kept


def _union(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _outside(ranges: list[tuple[int, int]], tight: list[Entity]) -> list[tuple[int, int]]:
    """Return what of the ranges is not code; both come in order."""
    left: list[tuple[int, int]] = []
    first = 0
    for start, end in ranges:
        while first < len(tight) and tight[first].end <= start:
            first += 1
        for code in tight[first:]:
            if code.offset >= end:
                break
            if start < code.offset:
                left.append((start, code.offset))
            start = max(start, code.end)
        if start < end:
            left.append((start, end))
    return left
