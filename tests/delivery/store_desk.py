"""The store as delivery's machines meet it: down at times, then caught up with."""

from collections.abc import Coroutine
from typing import Any, TypeVar

from delivery.memory_outbox import MemoryOutbox

from navi_bot.delivery.actions import Gone, Record, Sent, Shown
from navi_bot.messages import RoomId

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
    """Keeps records in order while the outbox is down."""

    def __init__(self) -> None:
        self.outbox = MemoryOutbox()
        self.owed: list[tuple[str, Record]] = []
        self._abandoned: list[RoomId] = []

    def owe(self, key: str, records: tuple[Record, ...]) -> None:
        self.owed += [(key, record) for record in records]

    def abandon(self, room: RoomId) -> None:
        self._abandoned.append(room)

    def owes(self, key: str) -> bool:
        return any(key == owing for owing, _ in self.owed)

    def settle(self) -> list[str]:
        """Write what is owed; return the keys."""
        owed, self.owed = self.owed, []
        for key, record in owed:
            self._write(key, record)
        for room in self._abandoned:
            done(self.outbox.abandon(room, "gone"))
        self._abandoned = []
        return list(dict.fromkeys(key for key, _ in owed))

    def forget(self) -> list[tuple[str, str]]:
        """Lose what is owed; return (key, message id) of sends nobody knows of now."""
        lost = [(key, r.message_id) for key, r in self.owed if isinstance(r, Sent)]
        self.owed, self._abandoned = [], []
        return lost

    def _write(self, key: str, record: Record) -> None:
        match record:
            case Sent(number, message_id, content):
                done(self.outbox.sent(key, number, message_id, content))
            case Shown(number, content):
                done(self.outbox.shown(key, number, content))
            case Gone(number):
                done(self.outbox.gone(key, number))
            case _:
                done(self.outbox.not_sent(key, record.number))
