"""Which links Telegram takes, and what is shown of the others; pure."""

import re
from collections.abc import Sequence
from dataclasses import replace

from adapters.telegram.entities import Entity, cut, units

_WEB = re.compile(r"https?://(?:[\w-]+\.)+[\w-]+(?::(?P<port>[0-9]{1,5}))?(?:[/?#]|$)", re.I)
_TELEGRAM = re.compile(r"tg://[a-z0-9_-]+(?:[/?#]|$)", re.I)
_MAIL = "mailto:"

LAST_PORT = 65535


def is_link(url: str) -> bool:
    """Whether Telegram takes it: one that it refuses takes the message along.

    It knows no host without a dot (localhost), no user names, and makes a web
    address of a mailto.
    """
    if _TELEGRAM.match(url):
        return True
    match = _WEB.match(url)
    return match is not None and (match["port"] is None or 1 <= int(match["port"]) <= LAST_PORT)


def spelled_out(text: str, entities: Sequence[Entity]) -> tuple[str, list[Entity]]:
    """Put the addresses of links that Telegram does not take behind their words."""
    kept = [one for one in entities if one.type != "text_link" or is_link(one.url)]
    refused = [one for one in entities if one.type == "text_link" and not is_link(one.url)]
    for link in sorted(refused, key=lambda one: one.end, reverse=True):
        url = link.url.removeprefix(_MAIL)
        if not url or cut(text, link.offset, link.end).strip() == url:
            continue
        added = f" ({url})"
        text = cut(text, 0, link.end) + added + cut(text, link.end, units(text))
        kept = [_moved(one, link.end, units(added)) for one in kept]
    return text, kept


def _moved(entity: Entity, place: int, by: int) -> Entity:
    """Return an entity of a text into which something was put at a place."""
    if entity.offset >= place:
        return replace(entity, offset=entity.offset + by)
    if entity.end > place:
        return replace(entity, length=entity.length + by)
    return entity
