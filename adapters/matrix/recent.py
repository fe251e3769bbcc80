"""What is remembered of messages for as long as it may matter; no I/O.

Which thread a message is in, which buttons ours show, which of ours were
taken back. All of it can be learnt again from the homeserver.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")

KEPT = 5_000
"""Messages; some hundred bytes each."""


class Latest(Generic[T]):
    """A mapping that keeps the newest entries alone."""

    def __init__(self, most: int = KEPT) -> None:
        self._entries: OrderedDict[str, T] = OrderedDict()
        self._most = most

    def get(self, key: str, default: T) -> T:
        return self._entries.get(key, default)

    def __setitem__(self, key: str, value: T) -> None:
        self._entries[key] = value
        self._entries.move_to_end(key)
        if len(self._entries) > self._most:
            self._entries.popitem(last=False)

    def __contains__(self, key: str) -> bool:
        return key in self._entries

    def pop(self, key: str) -> T | None:
        return self._entries.pop(key, None)


@dataclass(slots=True)
class Recent:
    """By event id."""

    threads: Latest[str] = field(default_factory=Latest)
    """The root of its thread, "" for the room itself."""
    buttons: Latest[Mapping[str, str]] = field(default_factory=Latest)
    """Of our messages: sign → data."""
    taken_back: Latest[bool] = field(default_factory=Latest)
    """Our messages that were redacted."""
    reactions: Latest[str] = field(default_factory=Latest)
    """Our reactions, by the message that they are on."""
