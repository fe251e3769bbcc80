"""Answers as bytes: Go's JSON, field order and omitted fields included."""

import json
import secrets
import string
from datetime import UTC, datetime
from typing import Any

from strict_ollama.steps import Called

Json = dict[str, Any]
_ESCAPES = str.maketrans({c: f"\\u{ord(c):04x}" for c in ("<", ">", "&", "\u2028", "\u2029")})


def encode(value: Any) -> bytes:
    """Return JSON as Go writes it: <, >, & and U+2028/9 escaped, U+0085 not."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.translate(_ESCAPES).encode()


def call_id() -> str:
    """Return an id as the server makes them: call_ and 8 of [a-z0-9]."""
    letters = string.ascii_lowercase + string.digits
    return "call_" + "".join(secrets.choice(letters) for _ in range(8))


def chunk(
    model: str,
    content: str = "",
    *,
    thinking: str = "",
    calls: tuple[Called, ...] = (),
    first_index: int = 0,
) -> Json:
    """Return one chunk of a chat answer that is not the last."""
    message: Json = {"role": "assistant", "content": content}
    if thinking:
        message["thinking"] = thinking
    if calls:
        message["tool_calls"] = [
            _call(call, first_index + index) for index, call in enumerate(calls)
        ]
    return {"model": model, "created_at": now(), "message": message, "done": False}


def last(model: str, reason: str, metrics: Json, message: Json | None = None) -> Json:
    """Return the last chunk; metrics that are 0 are omitted."""
    return {
        "model": model,
        "created_at": now(),
        "message": message or {"role": "assistant", "content": ""},
        "done": True,
        "done_reason": reason,
        **{name: value for name, value in metrics.items() if value},
    }


def now() -> str:
    """Return the time as RFC 3339 with nanoseconds, in UTC."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "000Z"


def _call(call: Called, index: int) -> Json:
    function = {"index": index, "name": call.name, "arguments": call.arguments}
    return {"id": call.id or call_id(), "function": function}
