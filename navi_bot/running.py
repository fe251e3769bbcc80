"""The turns that run in this process, and the tokens that stop them.

A stop is a token, not a cancellation: the turn sees it at once wherever it
waits, makes its last write itself and then reports how it ended.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from navi_bot.events import Ending
from navi_bot.messages import Address, RoomId, TurnId


class StopToken:
    """Set once, for good; `by` names who stopped it."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self.by = ""

    @property
    def is_set(self) -> bool:
        return self._event.is_set()

    async def wait(self) -> None:
        await self._event.wait()

    def stop(self, by: str) -> None:
        if not self._event.is_set():
            self.by = by
            self._event.set()


@dataclass(slots=True)
class RunningTurn:
    """One running turn. `told` is done once its end is known, `ended` once it is stored too."""

    turn: TurnId
    room: RoomId
    address: Address
    asker_id: str
    """The asker's platform id, to know them without the database."""
    started: float
    stop: StopToken = field(default_factory=StopToken)
    told: asyncio.Future[Ending | None] = field(default_factory=lambda: _future())
    ended: asyncio.Future[Ending | None] = field(default_factory=lambda: _future())
    steered: bool = False
    """A message that steers this turn has been taken in."""
    doing: str = ""
    """What it does now, in a few words, for /status."""


def _future() -> asyncio.Future[Ending | None]:
    return asyncio.get_running_loop().create_future()


HOLD = 2.0
"""Seconds that a room's next turn waits at most for a stop to drop what waits."""


class Running:
    """Who runs where. One turn a room."""

    def __init__(self) -> None:
        self._holds: dict[RoomId, asyncio.Event] = {}
        self._by_room: dict[RoomId, RunningTurn] = {}
        self._awaited: dict[RoomId, tuple[TurnId, str]] = {}

    @contextmanager
    def entered(self, turn: RunningTurn) -> Iterator[RunningTurn]:
        """Know the turn for as long as it runs; `ended` is resolved on the way out.

        A stop whose end could not be stored holds for who takes the turn up again.
        """
        awaited, by = self._awaited.pop(turn.room, (None, ""))
        if awaited == turn.turn:
            turn.stop.stop(by)
        self._by_room[turn.room] = turn
        try:
            yield turn
        finally:
            del self._by_room[turn.room]
            if not turn.told.done():
                turn.told.set_result(None)
            if not turn.ended.done():
                turn.ended.set_result(None)
                if turn.stop.is_set:
                    self._awaited[turn.room] = (turn.turn, turn.stop.by)

    def in_room(self, room: RoomId) -> RunningTurn | None:
        return self._by_room.get(room)

    def at(self, address: Address) -> RunningTurn | None:
        """Return the turn running at an address, without asking the database."""
        return next((turn for turn in self._by_room.values() if turn.address == address), None)

    def stop(self, room: RoomId, turn: TurnId, by: str) -> None:
        """Stop a turn, or have it stopped as it enters: it may be on its way from the queue."""
        running = self._by_room.get(room)
        if running is None:
            self._awaited[room] = (turn, by)
        elif running.turn == turn:
            running.stop.stop(by)

    def hold(self, room: RoomId) -> None:
        """Let no further turn of a room begin: a stop is about to drop those that wait."""
        self._holds.setdefault(room, asyncio.Event())

    def release(self, room: RoomId) -> None:
        """Let the room's turns begin again."""
        if (held := self._holds.pop(room, None)) is not None:
            held.set()

    async def free(self, room: RoomId) -> None:
        """Wait until a turn of a room may begin."""
        if (held := self._holds.get(room)) is None:
            return
        try:
            await asyncio.wait_for(held.wait(), HOLD)
        except TimeoutError:
            self.release(room)

    def all(self) -> tuple[RunningTurn, ...]:
        return tuple(self._by_room.values())
