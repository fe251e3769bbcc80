"""What comes in about verification, from devices and in rooms, in one form; pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import nio

from adapters.matrix.files import mapping

PREFIX = "m.key.verification."
EARLY = 300.0
"""Seconds that another clock may be ahead of ours."""

_COMMAND = re.compile(r"\s*[/!]verify\b\s*(.*)", re.IGNORECASE | re.DOTALL)
_YES = ("yes", "match", "they match")
_NO = ("no", "no match", "they do not match")


@dataclass(frozen=True, slots=True)
class News:
    """`kind`: a step of the protocol, or "answer". `room`: "" from device to device."""

    kind: str
    sender: str
    content: Mapping[str, Any]
    transaction: str = ""
    room: str = ""
    encrypted: bool = False
    sent_at: float | None = None
    """Wall-clock seconds; None where it is not told."""
    event: nio.Event | None = None

    @property
    def answer(self) -> bool | None:
        """Whether the emoji match, None for an answer that is neither."""
        said = str(self.content.get("said", "")).strip().lower().rstrip(".!")
        return True if said in _YES else False if said in _NO else None

    def is_stale(self, now: float, lifetime: float) -> bool:
        """Answer whether a request is over already, or of a clock that is wrong."""
        return self.sent_at is not None and not now - lifetime < self.sent_at < now + EARLY


def is_of_device(event: object) -> bool:
    """Answer whether a message between devices is about verification."""
    source = getattr(event, "source", None)
    return str(mapping(source).get("type", "")).startswith(PREFIX)


def of_device(event: nio.ToDeviceEvent) -> News:
    content = mapping(event.source.get("content"))
    kind = str(event.source["type"]).removeprefix(PREFIX)
    transaction = str(content.get("transaction_id", ""))
    return News(kind, event.sender, content, transaction, sent_at=_seconds(content))


def of_room(room: str, event: nio.Event) -> News | None:
    """Read an event of a room; None when it is not about verification."""
    content = mapping(event.source.get("content"))
    kind = str(event.source.get("type", ""))
    told = {"timestamp": event.server_timestamp}
    if kind == "m.room.message":
        if content.get("msgtype") == f"{PREFIX}request":
            return _news("request", room, event, content, event.event_id, _seconds(told))
        command = _COMMAND.fullmatch(str(content.get("body", "")))
        if command and content.get("msgtype") == "m.text" and "m.new_content" not in content:
            return _news("answer", room, event, {"said": command[1]}, "", None)
        return None
    if kind.startswith(PREFIX):
        transaction = mapping(content.get("m.relates_to")).get("event_id")
        return _news(kind.removeprefix(PREFIX), room, event, content, str(transaction), None)
    return None


def _news(
    kind: str,
    room: str,
    event: nio.Event,
    content: Mapping[str, Any],
    transaction: str,
    sent_at: float | None,
) -> News:
    decrypted = bool(event.decrypted)
    return News(kind, event.sender, content, transaction, room, decrypted, sent_at, event)


def _seconds(content: Mapping[str, Any]) -> float | None:
    milliseconds = content.get("timestamp")
    return milliseconds / 1000 if isinstance(milliseconds, int | float) else None
