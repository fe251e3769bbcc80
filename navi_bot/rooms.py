"""Takes events in and sees to them.

An adapter hands over a batch. Every event is decided on (`decide`), stored
with its turn in one commit, and the cursor moves with the last one; when that
is done, the adapter may move its offset. What is delivered again is known by
its key.

    turn ................ waits in the room's queue
    change of state ..... made before the next event is looked at
    command, sentence ... in a task of its own, outside every queue, and marked
                          as handled together with its reply: a crash in
                          between repeats it
    stop ................ its token is set before anything else
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import TracebackType
from typing import Self

import structlog

from navi_bot.access import has_rights, role_of
from navi_bot.acquaintances import Acquaintances
from navi_bot.answers import MAX_ATTEMPTS, Answers
from navi_bot.decide import Policy, decide
from navi_bot.decisions import (
    AskStale,
    Begin,
    Change,
    Claim,
    Decision,
    Dismiss,
    Do,
    Drop,
    Ignore,
    Move,
    OfferPairing,
    Pause,
    Replace,
    Resume,
    Tell,
)
from navi_bot.errors import StoreError, StoreUnavailable
from navi_bot.fault_points import reached
from navi_bot.messages import Address, Inbound, PersonId, Role, RoomId
from navi_bot.ports.delivery import Delivery
from navi_bot.ports.records import Accepted, Facts
from navi_bot.ports.store import Inbox, People, Turns
from navi_bot.replies import Replies, Taken
from navi_bot.running import Running, RunningTurn
from navi_bot.safe_mode import restricted
from navi_bot.side_work import SideWork
from navi_bot.stops import Stops

log = structlog.get_logger()

QUEUED_MARK = "👀"
"""Reaction on a message that waits (one that Telegram allows)."""


@dataclass(frozen=True, slots=True)
class Stores:
    inbox: Inbox
    turns: Turns
    people: People


class Rooms:
    """Async context manager; `accept` is what adapters call."""

    def __init__(
        self,
        stores: Stores,
        running: Running,
        delivery: Delivery,
        replies: Replies,
        policy: Callable[[Address], Policy],
        owners: frozenset[tuple[str, str]],
        now: Callable[[], datetime],
    ) -> None:
        """`owners`: (platform, id) of those whom the settings name."""
        self._inbox = stores.inbox
        self._turns = stores.turns
        self._running = running
        self._delivery = delivery
        self._replies = replies
        self._policy = policy
        self._now = now
        self._online_since = now()
        self._told_kept: set[Address] = set()
        self._acquaintances = Acquaintances(stores.inbox)
        self._work = SideWork()
        self._answers = Answers(stores.inbox, replies, self._work)
        self._stops = Stops(stores.inbox, running, self._work, policy, owners)

    async def __aenter__(self) -> Self:
        await self._work.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._work.__aexit__(kind, error, trace)

    async def accept(self, batch: Sequence[Inbound], cursor: str) -> None:
        """Store a batch; raises StoreUnavailable or StoreError when it could not be.

        Then it is to be handed over again, whole; what was stored has no second effect.
        """
        await reached("batch_received")
        stopped = await self._stops.first(batch)
        stale: list[Taken] = []
        moved = False
        try:
            for number, inbound in enumerate(batch, 1):
                own = cursor if number == len(batch) else ""
                running = stopped.get(inbound.origin.key)
                moved = await self._accepted(inbound, own, running, stale)
        finally:
            self._answers.ask_about(stale)
        if cursor and batch and not moved:
            address = batch[-1].origin.address
            await self._inbox.keep_cursor(address.platform, address.account, cursor)
        await reached("batch_stored")

    async def heed(self, batch: Sequence[Inbound]) -> None:
        """Carry out the stops among events that cannot be taken in yet."""
        await self._stops.heed(batch)

    def believed(self, inbound: Inbound) -> Facts | None:
        """Return what is remembered of a message's sender and room, None for nothing."""
        return self._acquaintances.believed(inbound)

    async def recover(self, platform: str, account: str) -> None:
        """Carry out what a crash left between taking in and seeing to it."""
        stale: list[Taken] = []
        for left in await self._inbox.unhandled(platform, account):
            facts = replace(await self._inbox.facts(left.inbound), duplicate=False)
            decision = self._decide(left.inbound, facts)
            if left.room is None or not await self._taken_up(
                Taken(Accepted(left.inbox, left.room, None), left.inbound, facts), decision, stale
            ):
                await self._inbox.handled(left.inbox)
        self._answers.ask_about(stale)

    async def set_aside(self, platform: str, account: str) -> int:
        """Set the events aside that crashed us too often; return how many there were."""
        count = 0
        for left in await self._inbox.unhandled(platform, account):
            if left.attempts >= MAX_ATTEMPTS and left.room is not None:
                facts = replace(await self._inbox.facts(left.inbound), duplicate=False)
                taken = Taken(Accepted(left.inbox, left.room, None), left.inbound, facts)
                await self._answers.park(taken)
                count += 1
        return count

    async def _taken_up(self, taken: Taken, decision: Decision, stale: list[Taken]) -> bool:
        """See to what was left; False when there is nothing to do about it any more."""
        match decision:
            case AskStale() | Begin():  # it was old, or not answered, when it came
                stale.append(taken)
            case Do() | Tell() | OfferPairing():
                self._answers.start(taken, decision)
            case _:
                return False
        return True

    # Taking in -------------------------------------------------------------------

    async def _accepted(
        self, inbound: Inbound, cursor: str, running: RunningTurn | None, stale: list[Taken]
    ) -> bool:
        """Take one event in; the boundary of its faults. True if the cursor moved with it.

        An event that breaks us is set aside: it must not dam up all that follow it.
        """
        try:
            return await self._accept_one(inbound, cursor, running, stale)
        except (StoreUnavailable, StoreError):
            raise
        except Exception:
            log.exception("event_refused", platform=inbound.origin.address.platform)
            self._answers.set_aside(inbound)
            return False

    async def _accept_one(
        self, inbound: Inbound, cursor: str, running: RunningTurn | None, stale: list[Taken]
    ) -> bool:
        await self._work.settled(inbound.origin.address)
        if await self._begun_at_once(inbound, cursor):
            return True
        facts = await self._acquaintances.facts(inbound)
        decision = self._decide(inbound, facts)
        if isinstance(decision, Claim | OfferPairing):
            decision, facts = await self._admitted(inbound, facts, decision)
        if isinstance(decision, Ignore):
            log.debug("event_ignored", why=decision.why, platform=inbound.origin.address.platform)
            return False
        if isinstance(decision, Change):
            await self._change(inbound, facts.room, decision)
            return False
        accepted = await self._taken(inbound, facts.person, decision, cursor)
        if accepted is None:
            return True
        match decision:
            case Begin():
                self._queued(accepted, inbound, decision)
                self._say_kept(Taken(accepted, inbound, facts))
            case AskStale():
                stale.append(Taken(accepted, inbound, facts))
            case _:
                self._answers.start(Taken(accepted, inbound, facts, running), decision)
        return True

    async def _begun_at_once(self, inbound: Inbound, cursor: str) -> bool:
        """Queue a turn on what is remembered; False when that is not so, or not enough."""
        facts = self._acquaintances.believed(inbound)
        if facts is None or self._running.at(inbound.origin.address) is not None:
            return False
        decision = self._decide(inbound, facts)
        if not isinstance(decision, Begin):
            return False
        accepted = await self._taken(inbound, facts.person, decision, cursor, facts.role)
        if accepted is None:
            return False
        self._say_kept(Taken(accepted, inbound, facts))
        return True

    async def _taken(
        self,
        inbound: Inbound,
        person: PersonId | None,
        decision: Decision,
        cursor: str,
        believed: Role | None = None,
    ) -> Accepted | None:
        """Store an event with the turn that it begins; see the Inbox port for `believed`."""
        await reached("event_decided")
        request = decision.request if isinstance(decision, Begin) else None
        accepted = await self._inbox.take(inbound, person, request, cursor, believed)
        await reached("event_stored")
        return accepted

    def _decide(self, inbound: Inbound, facts: Facts) -> Decision:
        policy = replace(self._policy(inbound.origin.address), online_since=self._online_since)
        decision = decide(inbound, facts, policy, self._now())
        return restricted(decision) if policy.safe else decision

    async def _admitted(
        self, inbound: Inbound, facts: Facts, decision: Claim | OfferPairing
    ) -> tuple[Decision, Facts]:
        """See to a newcomer; whoever has rights already is greeted in any case."""
        newcomer = await self._replies.admit(inbound, decision)
        if newcomer is not None:
            return decision, newcomer
        known = has_rights(role_of(inbound.origin.sender, facts.role))
        return (Do("start", "") if known else Ignore("not admitted")), facts

    def _queued(self, accepted: Accepted, inbound: Inbound, begin: Begin) -> None:
        turn = self._running.in_room(accepted.room)
        if turn and begin.request.steer:
            turn.steered = True
        if begin.behind:
            origin = inbound.origin
            self._delivery.react(origin.address, origin.message_id, QUEUED_MARK)

    def _say_kept(self, taken: Taken) -> None:
        """In safe mode, say once a room that nothing is answered."""
        address = taken.inbound.origin.address
        if self._policy(address).safe and address not in self._told_kept:
            self._told_kept.add(address)
            self._answers.keep(taken)

    async def _change(self, inbound: Inbound, room: RoomId | None, change: Change) -> None:
        address = inbound.origin.address
        match change:
            case Dismiss(press, text):
                self._delivery.acknowledge(address, press, text())
            case Replace(turn, text, allowed):
                await self._turns.replace_queued(turn, text, allowed)
            case Drop(turn):
                await self._turns.drop_one(turn)
            case Move(new_chat):
                await self._inbox.move_room(address, new_chat)
            case Resume() if room is not None:
                await self._inbox.mark_room(room, "active")
            case Pause() if room is not None:
                await self._leave(room)

    async def _leave(self, room: RoomId) -> None:
        """Nobody can be answered there: mark the room, and end what is asked in it."""
        await self._inbox.mark_room(room, "gone")
        await self._turns.drop_queued(room, None)
        if (turn := self._running.in_room(room)) is not None:
            turn.stop.stop("")
