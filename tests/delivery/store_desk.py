"""The store as delivery's machines meet it: down at times, then caught up with."""

from collections.abc import Coroutine
from dataclasses import replace
from typing import Any, TypeVar

from delivery.memory_outbox import MemoryOutbox

from navi_bot.delivery.actions import Record, Send, Shown
from navi_bot.delivery.ledger import merged, note_of
from navi_bot.messages import Head, RoomId
from navi_bot.ports.delivery import PageNote, StoredPost

T = TypeVar("T")


def done(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that never really waits."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        value: T = end.value
        return value
    raise AssertionError("the coroutine waited")


class StoreDesk:
    """Keeps notes while the outbox is down, and such as may wait for others."""

    def __init__(self) -> None:
        self.outbox = MemoryOutbox()
        self.notes: dict[tuple[str, int], PageNote] = {}
        self._pressing: set[str] = set()
        self._abandoned: list[RoomId] = []

    def owe(self, key: str, records: tuple[Record, ...]) -> None:
        for record in records:
            note = note_of(key, record)
            before = self.notes.get((key, note.number))
            self.notes[key, note.number] = merged(before, note) if before else note
            if not isinstance(record, Shown) or record.refused:
                self._pressing.add(key)

    def abandon(self, room: RoomId) -> None:
        self._abandoned.append(room)

    def owes(self, key: str) -> bool:
        return key in self._pressing

    def begin(self, head: Head, send: Send) -> None:
        """Store an intent; what was noted of an earlier one is past."""
        if note := self.notes.get((head.key, send.number)):
            self.notes[head.key, send.number] = replace(note, uncertain=None)
        done(self.outbox.begin(head, send.number, send.transaction, send.desired))

    def load(self, key: str) -> StoredPost | None:
        if any(noted == key for noted, _ in self.notes):
            self.settle(late=True)
        return done(self.outbox.load(key))

    def settle(self, *, late: bool = False) -> set[str]:
        """Write what is owed, and then what waits as well; return the keys."""
        for room in self._abandoned:
            done(self.outbox.abandon(room, "gone"))
        self._abandoned = []
        if not self._pressing and not late:
            return set()
        done(self.outbox.note(tuple(self.notes.values())))
        keys = {key for key, _ in self.notes}
        self.notes, self._pressing = {}, set()
        return keys

    def forget(self) -> list[tuple[str, str]]:
        """Lose what is owed; return (key, message id) of sends nobody knows of now."""
        lost = [(note.key, note.message_id) for note in self.notes.values() if note.message_id]
        self.notes, self._pressing, self._abandoned = {}, set(), []
        return lost
