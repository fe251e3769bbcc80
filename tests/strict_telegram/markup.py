"""Text and entities, judged by TDLib's own parser (offline, synchronous).

TDLib is what the Bot API server calls too, so its refusals are the real ones.
Offsets and lengths are UTF-16 code units.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import tdjson

from strict_telegram.errors import bad

MAX_RAW_BYTES = 1 << 15  # bytes before parsing; Bot API server, get_formatted_text
MAX_ENTITIES = 100  # entities that are kept; the rest is dropped silently

_NAMES = {
    "Mention": "mention",
    "Hashtag": "hashtag",
    "Cashtag": "cashtag",
    "BotCommand": "bot_command",
    "Url": "url",
    "EmailAddress": "email",
    "PhoneNumber": "phone_number",
    "Bold": "bold",
    "Italic": "italic",
    "Underline": "underline",
    "Strikethrough": "strikethrough",
    "Spoiler": "spoiler",
    "Code": "code",
    "Pre": "pre",
    "PreCode": "pre",
    "BlockQuote": "blockquote",
    "ExpandableBlockQuote": "expandable_blockquote",
    "TextUrl": "text_link",
    "MentionName": "text_mention",
}
_DETECTED = frozenset(
    ["mention", "hashtag", "cashtag", "bot_command", "url", "email", "phone_number"]
)
_PLAIN_TYPES = {
    wire: td for td, wire in _NAMES.items() if wire not in _DETECTED and td != "PreCode"
}
_TIGHT = frozenset(["code", "pre", "text_link", "text_mention"])
_PREFIX = "textEntityType"
_ALLOWED_MODES = {
    "markdown": {"@type": "textParseModeMarkdown", "version": 1},
    "markdownv2": {"@type": "textParseModeMarkdown", "version": 2},
    "html": {"@type": "textParseModeHTML"},
}
_USER_LINK = re.compile(r"tg://user\?id=(\d+)$")
_INERT = str.maketrans(dict.fromkeys("*_~|`[]()", "x"))
_SPACES = " \n\t\r" + "".join(map(chr, range(0x20)))
_BLANKS = _SPACES + "\u00a0\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
_REMOVED = re.compile("[\r\u030a\u0333\u033f\u2028-\u202e]")
_CONTROLS = re.compile(r"[\x00-\x09\x0b\x0c\x0e-\x1f]")

Entity = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Text:
    """Text after parsing, and its entities as the wire shows them."""

    text: str = ""
    entities: tuple[Entity, ...] = ()


def units(text: str) -> int:
    """Return the length in UTF-16 code units."""
    return len(text.encode("utf-16-le")) // 2


def parse(text: str, parse_mode: str, entities: str) -> Text:
    """Parse text as a call gives it: with a mode, or with entities as JSON.

    Raises the real refusals; an empty text is returned as it is.
    """
    if len(text.encode()) > MAX_RAW_BYTES:
        raise bad("Text is too long")
    mode = parse_mode.lower()
    given = _given_entities(entities)
    if text and mode and mode != "none":
        if mode not in _ALLOWED_MODES:
            raise bad("Unsupported parse_mode")
        request = {"@type": "parseTextEntities", "text": text, "parse_mode": _ALLOWED_MODES[mode]}
        parsed = _ask(request)
        text, given = parsed["text"], parsed["entities"]
    found = _checked(text, given)
    return _settled(found)


def detect(text: str) -> tuple[Entity, ...]:
    """Return what Telegram finds by itself in a text: commands, mentions, links."""
    found = _ask({"@type": "getTextEntities", "text": text})["entities"]
    wired = (_to_wire(entity) for entity in found)
    return tuple(entity for entity in wired if entity is not None)


def typed(text: str) -> Text:
    """Return a text as a person types it."""
    return Text(text, detect(text))


def piece(text: str, entity: Entity) -> str:
    """Return the part of a text that an entity covers."""
    raw = text.encode("utf-16-le")
    start, end = 2 * entity["offset"], 2 * (entity["offset"] + entity["length"])
    return raw[start:end].decode("utf-16-le")


def is_blank(text: str) -> bool:
    """Whether nothing of a text would be visible."""
    return not text.strip(_BLANKS)


def _ask(request: Mapping[str, Any]) -> dict[str, Any]:
    encoded = tdjson.td_execute(json.dumps(request).encode())
    assert encoded is not None  # TDLib answers every synchronous request
    answer: dict[str, Any] = json.loads(encoded)
    if answer["@type"] == "error":
        raise bad(answer["message"])
    return answer


def _given_entities(encoded: str) -> list[dict[str, Any]]:
    try:
        values = json.loads(encoded) if encoded else []
    except ValueError:
        return []  # the real server ignores entities that are no JSON
    if not isinstance(values, list):
        return []
    parsed = (_from_wire(value) for value in values)
    return [entity for entity in parsed if entity is not None]


def _from_wire(value: object) -> dict[str, Any] | None:
    problem = "Can't parse MessageEntity: "
    if not isinstance(value, dict):
        raise bad(problem + "MessageEntity must be an Object")
    for field in ("offset", "length"):
        if not isinstance(value.get(field), int) or isinstance(value[field], bool):
            raise bad(problem + f'Field "{field}" must be of type Number')
    kind = value.get("type")
    if not isinstance(kind, str):
        raise bad(problem + 'Field "type" must be of type String')
    if kind in _DETECTED or kind in {"custom_emoji", "date_time"}:
        return None  # found anew by the server, or not for ordinary bots
    if kind not in _PLAIN_TYPES:
        raise bad(problem + "Unsupported type specified")
    inner: dict[str, Any] = {"@type": _PREFIX + _PLAIN_TYPES[kind]}
    if kind == "pre" and value.get("language"):
        inner = {"@type": _PREFIX + "PreCode", "language": value["language"]}
    elif kind == "text_link":
        inner = _link(str(value.get("url", "")))
    elif kind == "text_mention":
        inner["user_id"] = int(value.get("user", {}).get("id", 0))
    return {"offset": value["offset"], "length": value["length"], "type": inner}


def _link(url: str) -> dict[str, Any]:
    if user := _USER_LINK.match(url):
        return {"@type": _PREFIX + "MentionName", "user_id": int(user[1])}
    return {"@type": _PREFIX + "TextUrl", "url": url}


def _checked(text: str, entities: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Let TDLib check, sort and split entities.

    `parseMarkdown` does so on the way; to keep it from parsing the text, it
    is given one where markup characters are replaced one for one.
    """
    request = {"@type": "formattedText", "entities": list(entities)}
    fixed = _ask({"@type": "parseMarkdown", "text": request | {"text": text.translate(_INERT)}})
    return {"text": cleaned(text), "entities": fixed["entities"]}


def cleaned(text: str) -> str:
    """Return a text as TDLib cleans it: some characters go, controls become blanks."""
    kept = _REMOVED.sub("", text)
    return "" if not kept.strip(_SPACES) else _CONTROLS.sub(" ", kept)


def _settled(found: Mapping[str, Any]) -> Text:
    """Trim the ends, merge in what Telegram finds by itself, keep 100 entities."""
    text: str = found["text"]
    wired = [wire for wire in (_to_wire(entity) for entity in found["entities"]) if wire]
    lead = units(text) - units(text.lstrip(_SPACES))
    lead = min([lead, *(entity["offset"] for entity in wired)])
    text = text.encode("utf-16-le")[2 * lead :].decode("utf-16-le").rstrip(_SPACES)
    total = units(text)
    shifted: list[Entity] = []
    for entity in wired:
        start = entity["offset"] - lead
        length = min(entity["length"], total - start)
        if length > 0:
            shifted.append({**entity, "offset": start, "length": length})
    for found_here in detect(text):
        if not any(_clash(found_here, other) for other in shifted):
            shifted.append(found_here)
    shifted.sort(key=lambda entity: (entity["offset"], -entity["length"]))
    return Text(text, tuple(shifted[:MAX_ENTITIES]))


def _clash(found: Entity, given: Entity) -> bool:
    first, last = found["offset"], found["offset"] + found["length"]
    begin, end = given["offset"], given["offset"] + given["length"]
    if last <= begin or end <= first:
        return False
    inside = begin <= first and last <= end
    return given["type"] in _TIGHT or given["type"] in _DETECTED or not inside


def _to_wire(entity: Mapping[str, Any]) -> dict[str, Any] | None:
    inner = entity["type"]
    name = inner["@type"].removeprefix(_PREFIX)
    if name not in _NAMES:
        return None  # media timestamps, bank cards: not in the Bot API
    wire: dict[str, Any] = {
        "type": _NAMES[name],
        "offset": entity["offset"],
        "length": entity["length"],
    }
    if name == "PreCode":
        wire["language"] = inner["language"]
    elif name == "TextUrl":
        wire["url"] = inner["url"]
    elif name == "MentionName":
        wire["user"] = {"id": inner["user_id"]}
    return wire


_ask({"@type": "setLogVerbosityLevel", "new_verbosity_level": 0})
