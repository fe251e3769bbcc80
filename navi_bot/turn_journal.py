"""A turn's journal: what the loop writes down, in as few commits as are safe.

What is not needed to go on after a crash waits for the next commit that must
be made anyway. The question is durable since it was taken in: its entry goes
with the first batch's intent, or with the end. The result of a call without
effect can be had again: it goes with what is written next. So does that of a
batch's last call, for the batch is recorded then. The results of other calls
with an effect are written at once. While the database is away the turn waits:
a tool's result must not be forgotten.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Protocol, TypeVar

from navi_bot.messages import Entry, Message, TurnId
from navi_bot.ports.records import CallEnd, TurnStart
from navi_bot.ports.store import Sessions, Turns
from navi_bot.running import RunningTurn

T = TypeVar("T")


class Keep(Protocol):
    """Does a piece of the store's work, and again while the database is away."""

    async def __call__(self, work: Callable[[], Awaitable[T]]) -> T: ...


class TurnJournal:
    """Implements the loop's Journal for one turn."""

    def __init__(
        self,
        start: TurnStart,
        turns: Turns,
        sessions: Sessions,
        running: RunningTurn,
        keep: Keep,
    ) -> None:
        self._start = start
        self._turns = turns
        self._sessions = sessions
        self._running = running
        self._stored = keep
        self._waiting: list[Entry] = []
        self._said: list[Message] = []
        self._steering: list[TurnId] = []
        self.closed = False
        """The last entries are handed over."""
        self.effects: dict[str, str] = {}
        """The effect class of every call that was begun, by its id."""
        self._open: set[str] = set()
        """Calls of the batch that have not ended."""
        self._ended: list[CallEnd] = []
        """Ends of calls that are not stored yet."""
        self._profile = ""
        """The session's profile as the last commit found it; "" once it was asked for."""

    @property
    def unwritten(self) -> tuple[Entry, ...]:
        """What the turn's last commit must still store."""
        return tuple(self._waiting)

    @property
    def said(self) -> tuple[Message, ...]:
        """What this turn has added to the model's context so far."""
        return tuple(self._said)

    async def record(self, entries: Sequence[Entry]) -> None:
        """Keep entries; those that end a batch of tools or steer are stored at once.

        After a stop nothing stands between the batch and the end, which stores both.
        """
        self._keep(entries)
        ends_batch = any(entry.message.role == "tool" for entry in entries)
        if (ends_batch and not self._running.stop.is_set) or self._steering:
            steered, self._steering = self._steering[:1], self._steering[1:]
            await self._write(steered)

    async def begin_batch(self, step: int, assistant: Message, effects: Mapping[str, str]) -> None:
        self.effects |= effects
        self._open = set(effects)
        turn, entries = self._start.id, self.unwritten
        await self._stored(
            partial(self._turns.begin_batch, turn, step, assistant, effects, entries)
        )
        self._waiting.clear()

    async def end_call(self, step: int, call_id: str, result: str, ok: bool) -> None:
        self._open.discard(call_id)
        self._ended.append(CallEnd(step, call_id, result, ok))
        has_effect = self.effects.get(call_id, "").startswith("W")
        if has_effect and self._open and not self._running.stop.is_set:
            ended = tuple(self._ended)
            await self._stored(partial(self._turns.end_calls, self._start.id, ended))
            self._ended.clear()

    async def steering(self) -> tuple[Message, ...]:
        """Take what arrived for this turn; asks the store only if something did.

        Each message is to be recorded by a call of its own, in order: with it
        goes the mark that it is handled.
        """
        if not self._running.steered:
            return ()
        self._running.steered = False
        found = await self._stored(partial(self._turns.steering, self._start.id))
        self._steering = [turn for turn, _ in found]
        return tuple(message for _, message in found)

    async def profile_id(self) -> str:
        known, self._profile = self._profile, ""
        session = self._start.session.id
        return known or await self._stored(partial(self._sessions.profile_id, session))

    async def close(self, entries: Sequence[Entry]) -> None:
        self._keep(entries)
        self.closed = True

    def _keep(self, entries: Sequence[Entry]) -> None:
        self._waiting += entries
        self._said += (entry.message for entry in entries if entry.in_context)

    async def _write(self, steered: Sequence[TurnId] = ()) -> None:
        if self._waiting:
            turn, entries, ended = self._start.id, self.unwritten, tuple(self._ended)
            self._profile = await self._stored(
                partial(self._turns.record, turn, entries, steered, ended)
            )
            self._waiting.clear()
            self._ended.clear()
