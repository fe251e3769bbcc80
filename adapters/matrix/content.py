"""Pages as the content of events, and how large the events are; pure.

    page ──► content (body, formatted_body, buttons) ──► sent, or put into an edit
                                                    └──► bytes of the real event

An event may have 65,536 bytes, all that the homeserver adds included. It is
measured as the largest form that a page can take: an edit in an encrypted
room, where the text is escaped to ASCII, encrypted and written in base64.
"""

import html
import json
import math
from collections.abc import Mapping
from typing import Any

from adapters.matrix import buttons
from adapters.matrix.markup import block_html, block_text
from navi_bot.messages import Address, Page, Prose

Content = dict[str, Any]

LIMIT = 65_536
"""Bytes of an event, by the specification."""
ADDED = 4_096
"""Bytes kept for what is not the content: ids, hashes, signatures, up to 20 earlier events."""
MEGOLM = 128
"""Bytes at most that Megolm adds to a text: index, padding, MAC, signature."""
SURELY_FITS = 1_000
"""Characters: however they are escaped and marked up, they fit."""

LIVE = "org.matrix.msc4357.live"
"""Marks a message that still grows (MSC4357)."""

_LONGEST_ID = "$" + 60 * "x"
_FALLBACK = 60
"""Characters of an edit's text for clients that do not know edits."""
_HTML = "org.matrix.custom.html"


class MatrixSurface:
    """Implements the Surface port: does a page fit into one event?"""

    def fits(self, page: Page) -> bool:
        if sum(len(block_text(block)) for block in page.blocks) <= SURELY_FITS:
            return True
        return encrypted_size(edit_of(page, _LONGEST_ID, final=False)) + ADDED <= LIMIT


def encrypted_size(content: Mapping[str, Any]) -> int:
    """Return the bytes of a content in an encrypted room."""
    payload = {"content": content, "room_id": _LONGEST_ID, "type": "m.room.message"}
    encrypted = len(json.dumps(payload, separators=(",", ":"))) + MEGOLM
    return math.ceil(encrypted / 3) * 4 + len(json.dumps(content.get("m.relates_to", {})))


def message_of(
    page: Page,
    address: Address,
    *,
    reply_to: str = "",
    silent: bool = False,
    plain: bool = False,
    final: bool = True,
) -> Content:
    """Return the content of a new message; a silent one does not notify anybody."""
    content = _text_of(page, plain=plain, final=final)
    if silent:
        content["msgtype"] = "m.notice"
    content["m.mentions"] = {}
    if relation := relation_of(address, reply_to):
        content["m.relates_to"] = relation
    return content


def edit_of(page: Page, message_id: str, *, final: bool, plain: bool = False) -> Content:
    """Return the content that makes a message show a page; it notifies nobody."""
    new = _text_of(page, plain=plain, final=final)
    new["m.mentions"] = {}
    body = new["body"]
    short = body if len(body) <= _FALLBACK else f"{body[:_FALLBACK]}…"
    edit: Content = {
        "msgtype": new["msgtype"],
        "body": f"* {short}",
        "m.mentions": {},
        "m.new_content": new,
        "m.relates_to": {"rel_type": "m.replace", "event_id": message_id},
    }
    if not final:
        edit[LIVE] = {}
    return edit


def file_of(page: Page, address: Address, reply_to: str, file: Content) -> Content:
    """Return the content that shows an uploaded document; `file`: its url or file, and info."""
    assert page.document is not None, "only a page with a document"
    content = {"msgtype": "m.file", "filename": page.document.name, "m.mentions": {}, **file}
    caption = _text_of(page, plain=False, final=True)
    content["body"] = caption["body"] or page.document.name
    if "formatted_body" in caption and caption["body"]:
        content["format"], content["formatted_body"] = _HTML, caption["formatted_body"]
    if relation := relation_of(address, reply_to):
        content["m.relates_to"] = relation
    return content


def relation_of(address: Address, reply_to: str) -> Content:
    """Return how a new message hangs on others: in its thread, as a reply, or not at all."""
    if address.thread:
        return {
            "rel_type": "m.thread",
            "event_id": address.thread,
            "is_falling_back": not reply_to,
            "m.in_reply_to": {"event_id": reply_to or address.thread},
        }
    return {"m.in_reply_to": {"event_id": reply_to}} if reply_to else {}


def _text_of(page: Page, *, plain: bool, final: bool) -> Content:
    caption = buttons.caption(page.buttons)
    parts = [part for block in page.blocks if (part := block_text(block))]
    body = "\n".join([*parts, caption] if caption else parts)
    content: Content = {"msgtype": "m.text", "body": _escapable(body)}
    if not plain and (formatted := _formatted(page, caption)):
        content["format"], content["formatted_body"] = _HTML, formatted
    if page.buttons:
        content[buttons.FIELD] = buttons.field(page.buttons)
    if not final:
        content[LIVE] = {}
    return content


def _formatted(page: Page, caption: str) -> str:
    """Return the HTML of a page, "" when it would say no more than the text."""
    parts: list[str] = []
    inline = False
    marked = False
    for block in page.blocks:
        shown = block_html(block)
        if not shown:
            continue
        is_inline = not isinstance(block, Prose) and not shown.startswith("<details>")
        if parts and inline and is_inline:
            parts.append("<br>")
        parts.append(shown)
        inline = is_inline
        marked = marked or _says_more(shown)
    if caption:
        parts.append(f"{'<br>' if inline else ''}<em>{html.escape(caption)}</em>")
        marked = marked or len(parts) > 1
    return "".join(parts) if marked else ""


def _says_more(shown: str) -> bool:
    bare = shown.removeprefix("<p>").removesuffix("</p>")
    return "<" in bare.replace("<br>", "").replace("<p>", "").replace("</p>", "") or "&" in bare


def _escapable(text: str) -> str:
    """Return text without lone surrogates, which no event may hold."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
