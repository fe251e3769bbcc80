"""Messages judged by TDLib, the parser that Telegram's own Bot API server calls."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import tdjson
from strict_telegram import markup as tdlib

from adapters.telegram.entities import Entity, Rendered, cut
from adapters.telegram.markup import ENTITY_LIMIT

DETECTED = {"mention", "hashtag", "cashtag", "bot_command", "url", "email", "phone_number"}


def judge(rendered: Rendered) -> None:
    """Have TDLib take the message as it is: nothing refused, stripped or moved."""
    wired = [wire(one) for one in rendered.entities]
    found = tdlib.parse(rendered.text, "", json.dumps(wired))
    assert found.text == rendered.text
    if len(found.entities) < ENTITY_LIMIT:
        theirs = ((one["type"], one["offset"], one["length"]) for one in found.entities)
        ours = ((one.type, one.offset, one.length) for one in rendered.entities)
        size = len(rendered.text)
        assert looks(ours, size) == looks(theirs, size), rendered
    entities = [given for one in wired if (given := tdlib._from_wire(one)) is not None]
    marked = {"@type": "formattedText", "text": rendered.text, "entities": entities}
    assert ask({"@type": "getMarkdownText", "text": marked})["@type"] == "formattedText"


def ask(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return TDLib's answer, an error as well."""
    answer = tdjson.td_execute(json.dumps(request).encode())
    assert answer is not None
    found: dict[str, Any] = json.loads(answer)
    return found


def takes_link(url: str) -> bool:
    """Whether TDLib takes a message with a link to this address."""
    link = {"@type": "textEntityTypeTextUrl", "url": url}
    text = {"@type": "formattedText", "text": "x"}
    entities = [{"offset": 0, "length": 1, "type": link}]
    answer = ask({"@type": "getMarkdownText", "text": {**text, "entities": entities}})
    return bool(answer["@type"] == "formattedText")


def wire(entity: Entity) -> dict[str, object]:
    """Return an entity as the Bot API is given it."""
    value: dict[str, object] = {
        "type": entity.type,
        "offset": entity.offset,
        "length": entity.length,
    }
    if entity.url:
        value["url"] = entity.url
    if entity.language:
        value["language"] = entity.language
    return value


def looks(entities: Iterable[tuple[str, int, int]], length: int) -> list[frozenset[str]]:
    """Return how each UTF-16 unit looks; what Telegram finds by itself is left out."""
    places: list[set[str]] = [set() for _ in range(2 * length + 1)]
    for kind, start, size in entities:
        for place in range(start, start + size) if kind not in DETECTED else ():
            places[place].add(kind)
    return [frozenset(kinds) for kinds in places]


def pieces(rendered: Rendered) -> list[tuple[str, str]]:
    """Return (type, text) of each entity."""
    return [(one.type, cut(rendered.text, one.offset, one.end)) for one in rendered.entities]
