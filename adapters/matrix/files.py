"""The files of messages: what is needed to fetch one, and to decrypt it; pure."""

import json
from collections.abc import Mapping
from typing import Any

from navi_bot.messages import Attachment

FILES = ("m.image", "m.file", "m.audio", "m.video")
"""Kinds of messages that are files."""

_IMAGES = ("image/jpeg", "image/png", "image/webp")

Wire = Mapping[str, Any]


def attachments(content: Wire, event_id: str) -> tuple[Attachment, ...]:
    """Return the file of a message; its reference holds what is needed to decrypt it."""
    if content.get("msgtype") not in FILES:
        return ()
    sealed = content.get("file")
    ref = _reference(sealed) if isinstance(sealed, Mapping) else content.get("url")
    if not isinstance(ref, str) or not ref:
        return ()
    info = mapping(content.get("info"))
    mime = info.get("mimetype")
    mime = mime if isinstance(mime, str) else "application/octet-stream"
    size = info.get("size")
    size = size if isinstance(size, int) and not isinstance(size, bool) and size >= 0 else None
    name = content.get("filename") or content.get("body") or f"file {event_id}"
    return (Attachment("image" if mime in _IMAGES else "file", ref, str(name), mime, size),)


def _reference(file: Wire) -> str:
    key = file.get("key")
    hashes = file.get("hashes")
    if not isinstance(key, Mapping) or not isinstance(hashes, Mapping):
        return ""
    parts = {
        "url": file.get("url"),
        "k": key.get("k"),
        "iv": file.get("iv"),
        "hash": hashes.get("sha256"),
    }
    return json.dumps(parts) if all(isinstance(part, str) for part in parts.values()) else ""


def mapping(value: Any) -> Wire:
    """Return a part of an event that should be an object, {} when it is something else."""
    return value if isinstance(value, Mapping) else {}
