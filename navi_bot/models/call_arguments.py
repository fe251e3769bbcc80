"""The arguments of a tool call, as hosts give them: an object, null, or JSON in a string."""

import json
import secrets
from collections.abc import Mapping

from navi_bot.ports.model import UNREADABLE


def arguments(found: object) -> Mapping[str, object]:
    """Return a call's arguments as an object.

    What is none stands whole under UNREADABLE, for the tool's own validation
    to refuse in words that the model reads.
    """
    if isinstance(found, str):
        try:
            found = json.loads(found) if found.strip() else None
        except (ValueError, RecursionError):
            return {UNREADABLE: found}
    if found is None:
        return {}
    return found if isinstance(found, dict) else {UNREADABLE: found}


def call_id() -> str:
    """Return a new id, for a call that its host left without one."""
    return f"call_{secrets.token_hex(4)}"
