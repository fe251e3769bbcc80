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
_QUOTES = ("blockquote", "expandable_blockquote")
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
            and len(rendered.entities) <= ENTITY_LIMIT
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
    return Rendered(text, tuple(entities))


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
    return _settled(text, entities)


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


def _settled(text: str, entities: Iterable[Entity]) -> Rendered:
    """Return text without blanks around it, entities trimmed to what they cover."""
    raw = text.encode("utf-16-le")
    lead = units(text) - units(text.lstrip())
    body = text.strip()
    size = units(body)
    kept: list[Entity] = []
    for entity in entities:
        start = max(entity.offset, lead)
        end = min(entity.offset + entity.length, lead + size)
        if end <= start or (entity.type == "text_link" and not _is_link(entity.url)):
            continue
        piece = raw[2 * start : 2 * end].decode("utf-16-le", "ignore")
        front = units(piece) - units(piece.lstrip())
        length = units(piece.strip())
        if length:
            kept.append(replace(entity, offset=start + front - lead, length=length))
    return Rendered(body, tuple(_nested(_merged(kept))))


def _merged(entities: Iterable[Entity]) -> list[Entity]:
    """Return the entities without repetition; headings are bold, not underlined too."""
    seen: dict[tuple[str, int, int], Entity] = {}
    for one in entities:
        seen.setdefault((one.type, one.offset, one.length), one)
    bold = {(one.offset, one.length) for one in seen.values() if one.type == "bold"}
    return [
        one
        for one in seen.values()
        if one.type != "underline" or (one.offset, one.length) not in bold
    ]


def _nested(entities: list[Entity]) -> list[Entity]:
    """Return what may stand together: nothing in code, no quote in a quote."""
    ordered = sorted(entities, key=lambda one: (one.offset, -one.length))
    kept: list[Entity] = []
    for one in ordered:
        outer = [other for other in kept if other.offset + other.length > one.offset]
        in_code = any(other.type in _TIGHT for other in outer)
        in_quote = one.type in _QUOTES and any(other.type in _QUOTES for other in outer)
        crosses = any(other.offset + other.length < one.offset + one.length for other in outer)
        if not in_code and not in_quote and not crosses:
            kept.append(one)
    return kept


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
