"""Markdown as Matrix shows it: the subset of HTML that clients keep; pure.

Markdown that ends in the middle of a construct is well-formed HTML all the
same; a parser of Markdown closes what was left open.
"""

import html
from functools import lru_cache

import nh3
from markdown_it import MarkdownIt

from navi_bot.messages import Block, Fold, Line, Prose

_TAGS = frozenset(
    {"h1", "h2", "h3", "h4", "h5", "h6", "p", "br", "hr", "div", "pre", "blockquote"}
    | {"b", "i", "u", "s", "strong", "em", "del", "code", "sup", "sub", "span", "a"}
    | {"ul", "ol", "li", "table", "thead", "tbody", "tr", "th", "td", "caption"}
    | {"details", "summary"}
)
"""What the specification lets clients show (m.room.message, org.matrix.custom.html)."""

_ATTRIBUTES = {"a": {"href"}, "ol": {"start"}, "code": {"class"}}
_SCHEMES = {"https", "http", "ftp", "mailto", "magnet"}
_LANGUAGE = "language-"

_STYLES = {"dim": "em", "bold": "strong", "code": "code"}


def block_html(block: Block) -> str:
    """Return a block as HTML."""
    match block:
        case Prose(markdown):
            return prose_html(markdown.strip("\n"))
        case Line(text, style):
            tag = _STYLES.get(style, "")
            shown = _escaped(text.strip())
            return f"<{tag}>{shown}</{tag}>" if tag and shown else shown
        case Fold(title, text):
            inside = _escaped(text.strip())
            if not inside:
                return f"<strong>{_escaped(title)}</strong>"
            return f"<details><summary>{_escaped(title)}</summary>{inside}</details>"


def block_text(block: Block) -> str:
    """Return a block as plain text, for clients and notices that show no HTML."""
    match block:
        case Prose(markdown):
            return markdown.strip("\n")
        case Line(text):
            return text.strip()
        case Fold(title, text):
            return f"{title}\n{text}".strip()


@lru_cache(maxsize=64)
def prose_html(markdown: str) -> str:
    """Return Markdown as HTML without anything that a client would have to take out."""
    return nh3.clean(
        str(_parser().render(_well_formed(markdown))),
        tags=set(_TAGS),
        attributes=_ATTRIBUTES,
        attribute_filter=_attribute,
        url_schemes=_SCHEMES,
        link_rel=None,
    ).strip()


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    """Pictures are links here: clients show none from outside the homeserver."""
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True})
    return parser.enable(["table", "strikethrough"]).disable("image")


def _attribute(tag: str, name: str, value: str) -> str | None:
    if (tag, name) == ("code", "class") and not value.startswith(_LANGUAGE):
        return None
    return value


def _escaped(text: str) -> str:
    return html.escape(_well_formed(text), quote=False).replace("\n", "<br>")


def _well_formed(text: str) -> str:
    """Return text without lone surrogates, which no JSON can carry to a homeserver."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
