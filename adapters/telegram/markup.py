"""Pages as Telegram messages: text with entities; pure.

Entities are sent instead of a parse mode: a text that is cut anywhere cannot
be refused for a mark that is not closed.

    Markdown ── tidied ──► converter ──► links ──► settled ──► on the page, trimmed
"""

import re
import unicodedata
from dataclasses import replace
from functools import lru_cache

import telegramify_markdown
from telegramify_markdown.config import RenderConfig

from adapters.telegram.entities import TIGHT, Entity, Rendered, cut, settled, trimmed, units
from adapters.telegram.links import spelled_out
from adapters.telegram.tidy import restored, tidy
from navi_bot.messages import Block, Fold, Line, Page, Prose

__all__ = ["Entity", "Rendered", "TelegramSurface", "plain", "render", "units"]

LENGTH_LIMIT = 4096
"""UTF-16 units of a message, after parsing."""

ENTITY_LIMIT = 100
"""Entities of a message that are kept; further ones are dropped silently."""

TAB = 4
"""Columns between tab stops, as Markdown counts them; Telegram knows no tabs."""

_STYLES = {"dim": "italic", "bold": "bold", "code": "code"}
_FOUND = re.compile(r"[@#]\w|/[A-Za-z0-9_]|\$[A-Z]|\.\w|://|\d{4}[\d -]{8}")
"""At least one hit in whatever Telegram makes an entity of by itself; those count too."""

_BREAKS = re.compile("\r\n?|[\u2028\u2029]")
_RINGED = re.compile("\\w\u030a")
_REMOVED = re.compile("[\u030a\u0333\u033f\u202a-\u202e]")
_CONTROLS = re.compile(r"[\x00-\x09\x0b\x0c\x0e-\x1f]")
_LONE = re.compile("[\ud800-\udfff]")


class TelegramSurface:
    """Implements the Surface port: does a page fit into one message?"""

    def fits(self, page: Page) -> bool:
        if units(plain(page)) > LENGTH_LIMIT:  # asked first: it needs no conversion
            return False
        rendered = render(page)
        return (
            units(rendered.text) <= LENGTH_LIMIT
            and len(rendered.entities) + _found(rendered) <= ENTITY_LIMIT
        )


def render(page: Page) -> Rendered:
    """Return a page's text and entities as they are sent."""
    text, entities = "", []
    before: Block | None = None
    for block in page.blocks:
        rendered = _block(block)
        if not rendered.text:
            continue
        if text:
            text += "\n\n" if isinstance(block, Prose) or isinstance(before, Prose) else "\n"
        shift = units(text)
        text += rendered.text
        entities += [replace(one, offset=one.offset + shift) for one in rendered.entities]
        before = block
    return trimmed(text, entities)


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
    return _cleaned("\n".join(part.strip() for part in parts if part.strip())).strip()


def _found(rendered: Rendered) -> int:
    """Return how many entities Telegram may find by itself, at most."""
    count, place = 0, 0
    for entity in rendered.entities:
        if entity.type in (*TIGHT, "text_link"):
            count += len(_FOUND.findall(cut(rendered.text, place, entity.offset)))
            place = entity.end
    return count + len(_FOUND.findall(cut(rendered.text, place, units(rendered.text))))


@lru_cache(maxsize=64)
def _block(block: Block) -> Rendered:
    match block:
        case Prose(markdown):
            return _prose(_cleaned(markdown).strip("\n"))
        case Line(text, style):
            return _whole(_cleaned(text), _STYLES.get(style, ""))
        case Fold(title, text):
            return _fold(_cleaned(title).strip(), _cleaned(text).strip())


def _whole(text: str, kind: str) -> Rendered:
    body = text.rstrip()
    lead = len(body) - len(body.lstrip())
    if not kind or not body:
        return Rendered(body)
    return Rendered(body, (Entity(kind, lead, units(body) - lead),))


def _fold(title: str, text: str) -> Rendered:
    if not text:
        return _whole(title, "bold")
    if not title:
        return _whole(text, "expandable_blockquote")
    bold = Entity("bold", 0, units(title))
    quote = Entity("expandable_blockquote", bold.length + 1, units(text))
    return Rendered(f"{title}\n{text}", (bold, quote))


def _prose(markdown: str) -> Rendered:
    """Convert Markdown; what the converter cannot take is shown as it was written."""
    unformatted = Rendered(markdown.strip())
    if not unformatted.text:
        return unformatted
    try:
        text, found = telegramify_markdown.convert(
            tidy(markdown), latex_escape=False, config=_config()
        )
    except Exception:  # noqa: BLE001 - a text that breaks the library must still be read
        return unformatted
    if not text.strip():
        return unformatted
    entities = [
        Entity(
            one.type, one.offset, one.length, restored(one.url or ""), restored(one.language or "")
        )
        for one in found
    ]
    rendered = trimmed(*spelled_out(restored(text), entities))
    return Rendered(rendered.text, settled(rendered.entities))


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


def _cleaned(text: str) -> str:
    """Return a text without what Telegram takes out of it, so that offsets stay true.

    Where taking it out would join words or spoil a letter, it is replaced.
    """
    text = _BREAKS.sub("\n", text).expandtabs(TAB)
    if text.isascii():
        return _CONTROLS.sub(" ", text)
    if _LONE.search(text):
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    text = _RINGED.sub(lambda match: unicodedata.normalize("NFC", match[0]), text)
    return _CONTROLS.sub(" ", _REMOVED.sub("", text))
