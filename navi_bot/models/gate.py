"""The gate before a model host: lets few in at once, fairly between rooms."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from navi_bot.messages import RoomId
from navi_bot.models.fair_queue import FairQueue
from navi_bot.ports.model import Urgency


class _Ticket:
    """One who waits. `place` is the last one that was told."""

    def __init__(self, on_place: Callable[[int], None]) -> None:
        self.admitted = asyncio.Event()
        self.on_place = on_place
        self.place = 0


class FairGate:
    """Implements the Gate port. `parallel` is how many the host serves at once."""

    def __init__(self, parallel: int) -> None:
        self._free = max(1, parallel)
        self._queue: FairQueue[_Ticket] = FairQueue()

    @property
    def waiting(self) -> int:
        return len(self._queue)

    @asynccontextmanager
    async def enter(
        self, room: RoomId, urgency: Urgency, on_place: Callable[[int], None]
    ) -> AsyncIterator[None]:
        """Hold a place at the host; leaving early, cancelled too, gives it on."""
        await self._admission(room, urgency, on_place)
        try:
            yield
        finally:
            self._free += 1
            self._admit()

    async def _admission(
        self, room: RoomId, urgency: Urgency, on_place: Callable[[int], None]
    ) -> None:
        if self._free and not self._queue:
            self._free -= 1
            return
        ticket = _Ticket(on_place)
        self._queue.join(ticket, room, urgency)
        self._tell()
        try:
            await ticket.admitted.wait()
        except asyncio.CancelledError:
            if ticket.admitted.is_set():
                self._free += 1
            self._queue.leave(ticket)
            self._admit()
            raise

    def _admit(self) -> None:
        """Let in whom there is room for, and tell the others where they stand now."""
        while self._free and (ticket := self._queue.take()) is not None:
            self._free -= 1
            ticket.admitted.set()
        self._tell()

    def _tell(self) -> None:
        for ticket, place in self._queue.places().items():
            if place != ticket.place:
                ticket.place = place
                ticket.on_place(place)
