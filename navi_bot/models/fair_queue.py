"""Who waits for a model host, and who is next. Pure.

More urgent ones go first; among equals the rooms take turns, each room's own
in the order in which they came. A room that was served goes to the end.
"""

from collections import OrderedDict, deque
from collections.abc import Hashable
from typing import Generic, TypeVar

from navi_bot.messages import RoomId
from navi_bot.ports.model import Urgency

T = TypeVar("T", bound=Hashable)


class FairQueue(Generic[T]):
    """A queue of tickets, each waiting once."""

    def __init__(self) -> None:
        self._rooms: dict[Urgency, OrderedDict[RoomId, deque[T]]] = {
            urgency: OrderedDict() for urgency in sorted(Urgency)
        }

    def __len__(self) -> int:
        return sum(len(line) for rooms in self._rooms.values() for line in rooms.values())

    def join(self, ticket: T, room: RoomId, urgency: Urgency) -> None:
        """Wait behind the room's own of the same urgency."""
        self._rooms[urgency].setdefault(room, deque()).append(ticket)

    def leave(self, ticket: T) -> None:
        """Stop waiting; nothing happens when the ticket does not wait."""
        for rooms in self._rooms.values():
            for room, line in rooms.items():
                if ticket in line:
                    line.remove(ticket)
                    if not line:
                        del rooms[room]
                    return

    def take(self) -> T | None:
        """Return the next ticket, which waits no more; None when nobody waits."""
        for rooms in self._rooms.values():
            if rooms:
                room, line = rooms.popitem(last=False)
                ticket = line.popleft()
                if line:
                    rooms[room] = line
                return ticket
        return None

    def places(self) -> dict[T, int]:
        """Return the place of everyone who waits; 1 is next."""
        order: list[T] = []
        for rooms in self._rooms.values():
            lines = [list(line) for line in rooms.values()]
            rounds = max(map(len, lines), default=0)
            order += [line[turn] for turn in range(rounds) for line in lines if turn < len(line)]
        return {ticket: place for place, ticket in enumerate(order, start=1)}
