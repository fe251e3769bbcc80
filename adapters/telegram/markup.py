"""Pages as Telegram messages: text with entities, offsets in UTF-16 units; pure.

Entities are sent instead of a parse mode: a text that is cut anywhere cannot
be refused for a mark that is not closed.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from urllib.parse import urlsplit

import telegramify_markdown
from telegramify_markdown.config import RenderConfig

from adapters.telegram.tidy import tidy
from navi_bot.messages import Block, Fold, Line, Page, Prose

LENGTH_LIMIT = 4096
"""UTF-16 units of a message, after parsing."""

ENTITY_LIMIT = 100
"""Entities of a message that are kept; further ones are dropped silently."""

_STYLES = {"dim": "italic", "bold": "bold", "code": "code"}
_LINKS = ("http", "https", "tg", "mailto")
_TIGHT = ("code", "pre")
_STYLED = ("bold", "italic", "underline", "strikethrough", "spoiler")
_QUOTES = ("blockquote", "expandable_blockquote")
_FOUND = re.compile(r"(?<![\w/])(?:\w+://|www\.|[@#/]\w)")
"""What Telegram makes an entity of by itself; those count too."""

_REMOVED = re.compile("[\r\u030a\u0333\u033f\u2028-\u202e]")
_CONTROLS = re.compile(r"[\x00-\x09\x0b\x0c\x0e-\x1f]")


@dataclass(frozen=True, slots=True)
class Entity:
    """A stretch of text with a meaning; offset and length in UTF-16 units."""

    type: str
    offset: int
    length: int
    url: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class Rendered:
    text: str
    entities: tuple[Entity, ...]


class TelegramSurface:
    """Implements the Surface port: does a page fit into one message?"""

    def fits(self, page: Page) -> bool:
        rendered = render(page)
        return (
            units(rendered.text) <= LENGTH_LIMIT
            and len(rendered.entities) + len(_FOUND.findall(rendered.text)) <= ENTITY_LIMIT
            and units(plain(page)) <= LENGTH_LIMIT
        )


def units(text: str) -> int:
    """Return the length of a text as Telegram counts it."""
    return len(text) + sum(letter > "\uffff" for letter in text)


def render(page: Page) -> Rendered:
    """Return a page's text and entities as they are sent."""
    shown: list[Rendered] = [_block(block) for block in page.blocks]
    text, entities = "", []
    before: Block | None = None
    for block, rendered in zip(page.blocks, shown, strict=True):
        if not rendered.text:
            continue
        if text:
            text += "\n\n" if isinstance(block, Prose) or isinstance(before, Prose) else "\n"
        shift = units(text)
        text += rendered.text
        entities += [replace(one, offset=one.offset + shift) for one in rendered.entities]
        before = block
    return _trimmed(text, entities)


def plain(page: Page) -> str:
    """Return a page's words without any formatting, for when it is refused."""
    parts: list[str] = []
    for block in page.blocks:
        match block:
            case Prose(markdown):
                parts.append(markdown)
            case Line(text):
                parts.append(text)
            case Fold(title, text):
                parts.append(f"{title}\n{text}")
    return _cleaned("\n".join(part.strip() for part in parts if part.strip()))


@lru_cache(maxsize=64)
def _block(block: Block) -> Rendered:
    match block:
        case Prose(markdown):
            return _prose(markdown)
        case Line(text, style):
            return _whole(_cleaned(text), _STYLES.get(style, ""))
        case Fold(title, text):
            return _fold(_cleaned(title), _cleaned(text))


def _whole(text: str, kind: str) -> Rendered:
    body = text.rstrip()
    lead = len(body) - len(body.lstrip())
    if not kind or not body.strip():
        return Rendered(body, ())
    return Rendered(body, (Entity(kind, lead, units(body) - lead),))


def _fold(title: str, text: str) -> Rendered:
    head, body = title.strip(), text.strip()
    if not body:
        return _whole(head, "bold")
    bold = (Entity("bold", 0, units(head)),) if head else ()
    start = units(head) + 1 if head else 0
    whole = f"{head}\n{body}" if head else body
    return Rendered(whole, (*bold, Entity("expandable_blockquote", start, units(body))))


def _prose(markdown: str) -> Rendered:
    """Convert Markdown; what the converter cannot take is shown as it was written."""
    cleaned = _cleaned(markdown).strip("\n")
    if not cleaned.strip():
        return Rendered("", ())
    try:
        text, found = telegramify_markdown.convert(
            tidy(cleaned), latex_escape=False, config=_config()
        )
    except Exception:  # noqa: BLE001 - a text that breaks the library must still be read
        return Rendered(cleaned.strip(), ())
    if not text.strip():
        return Rendered(cleaned.strip(), ())
    entities = [
        Entity(one.type, one.offset, one.length, one.url or "", one.language or "") for one in found
    ]
    links = [one for one in entities if one.type != "text_link" or _is_link(one.url)]
    trimmed = _trimmed(text, links)
    return Rendered(trimmed.text, tuple(_nested(list(trimmed.entities))))


@lru_cache(maxsize=1)
def _config() -> RenderConfig:
    config = RenderConfig.isolated()
    symbols = config.markdown_symbol
    for level in range(1, 7):
        setattr(symbols, f"heading_level_{level}", "")
    symbols.image = ""
    symbols.unordered_list_item = "•"
    symbols.task_completed, symbols.task_uncompleted = "☑", "☐"
    return config


def _trimmed(text: str, entities: Iterable[Entity]) -> Rendered:
    """Return text without blanks around it, entities without blanks at their ends."""
    raw = text.encode("utf-16-le")
    lead = units(text) - units(text.lstrip())
    body = text.strip()
    size = units(body)
    kept: list[Entity] = []
    for entity in entities:
        start = max(entity.offset, lead)
        end = min(entity.offset + entity.length, lead + size)
        piece = raw[2 * start : 2 * max(start, end)].decode("utf-16-le", "ignore")
        front = units(piece) - units(piece.lstrip())
        length = units(piece.strip())
        if length:
            kept.append(replace(entity, offset=start + front - lead, length=length))
    return Rendered(body, tuple(kept))


def _nested(entities: list[Entity]) -> list[Entity]:
    """Return what may stand together, as Telegram would settle it.

    A style is one stretch however often it was said, and ends where code
    begins; a quote holds no quote, code nothing, and nothing crosses.
    """
    bold = {(one.offset, one.length) for one in entities if one.type == "bold"}
    tight = _apart([one for one in entities if one.type in _TIGHT])
    kept = [*tight, *_apart([one for one in entities if one.type in _QUOTES])]
    kept += _outside(_apart([one for one in entities if one.type == "text_link"]), tight)
    for style in _STYLED:
        ranges = [
            (one.offset, one.offset + one.length)
            for one in entities
            if one.type == style and not (style == "underline" and (one.offset, one.length) in bold)
        ]
        for start, end in _without(_union(ranges), tight):
            kept.append(Entity(style, start, end - start))
    return sorted(kept, key=lambda one: (one.offset, -one.length))


def _apart(entities: list[Entity]) -> list[Entity]:
    """Return the outermost of entities of one kind; what overlaps goes."""
    kept: list[Entity] = []
    for one in sorted(entities, key=lambda one: (one.offset, -one.length)):
        if not kept or one.offset >= kept[-1].offset + kept[-1].length:
            kept.append(one)
    return kept


def _outside(links: list[Entity], tight: list[Entity]) -> list[Entity]:
    """Return the links that hold no code and are in none."""
    return [
        one
        for one in links
        if all(
            one.offset + one.length <= other.offset or other.offset + other.length <= one.offset
            for other in tight
        )
    ]


def _union(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _without(ranges: list[tuple[int, int]], tight: list[Entity]) -> list[tuple[int, int]]:
    """Return what of the ranges is not code."""
    for code in tight:
        first, last = code.offset, code.offset + code.length
        split: list[tuple[int, int]] = []
        for start, end in ranges:
            pieces = [(start, min(end, first)), (max(start, last), end)]
            split += [piece for piece in pieces if piece[0] < piece[1]]
        ranges = split
    return ranges


def _is_link(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    if parts.scheme == "mailto":
        return "@" in parts.path
    if parts.scheme == "tg":
        return bool(parts.netloc)
    host = parts.hostname or ""
    return parts.scheme in _LINKS and ("." in host or host == "localhost")


def _cleaned(text: str) -> str:
    """Return a text without what Telegram takes out of it, so that offsets stay true."""
    return _CONTROLS.sub(" ", _REMOVED.sub("", text))
