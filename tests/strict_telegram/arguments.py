"""A call's arguments, read as the Bot API server reads them.

Every value is a text: numbers and booleans of a JSON body become text, objects
become JSON. Nonsense where a number belongs is 0, as there.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from strict_telegram.errors import bad

_NUMBER = re.compile(r"\s*([+-]?\d+)")


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that came with a call."""

    name: str
    mime: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Arguments:
    """Values by name, uploads by field name."""

    values: Mapping[str, str]
    uploads: Mapping[str, Upload] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """Return a value; "" when it is missing."""
        return self.values.get(name, "")

    def required(self, name: str) -> str:
        """Return a value that must be there."""
        if not (value := self.text(name)):
            raise bad(f'Parameter "{name}" is required')
        return value

    def integer(self, name: str, default: int, least: int, most: int) -> int:
        """Return a number, pressed between two bounds."""
        if not (value := self.text(name)):
            return default
        return min(most, max(least, number(value)))

    def flag(self, name: str) -> bool:
        """Return a truth value: "true", "yes" and "1" are true."""
        return self.text(name).strip().lower() in {"true", "yes", "1"}

    def message_id(self, name: str = "message_id") -> int:
        """Return a message id; 0 when missing or no positive number."""
        return max(0, number(self.text(name)))

    def json(self, name: str, problem: str) -> Any:
        """Return a JSON value, None when missing; `problem` words nonsense."""
        if not (value := self.text(name)):
            return None
        try:
            return json.loads(value)
        except ValueError as error:
            raise bad(problem) from error


def number(value: str) -> int:
    """Return the number that a text starts with; 0 when there is none."""
    found = _NUMBER.match(value)
    return int(found[1]) if found else 0


def from_json(body: bytes) -> dict[str, str]:
    """Return the values of a JSON body."""
    try:
        decoded = json.loads(body) if body.strip() else {}
    except ValueError as error:
        raise bad("can't parse JSON object") from error
    if not isinstance(decoded, dict):
        raise bad("object expected as JSON body")
    return {name: _as_text(value) for name, value in decoded.items() if value is not None}


def _as_text(value: object) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)
