"""Takes events in and sees to them.

An adapter hands over a batch; every event is decided on (`decide`), stored
with its turn in one commit, and only then may the adapter move its offset.
Turns wait in the room's queue. Everything else is carried out at once, in a
task of its own, so that no command waits behind another room or a turn, and
is marked as handled together with its reply: a crash in between repeats it.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import TracebackType
from typing import Self

import structlog

from navi_bot import decide
from navi_bot.access import may_stop
from navi_bot.errors import NaviError
from navi_bot.messages import Address, Inbound, Pressed, Role, Said
from navi_bot.ports.delivery import Delivery
from navi_bot.ports.records import Accepted, Facts, Unhandled
from navi_bot.ports.store import Inbox, People, Turns
from navi_bot.replies import Replies
from navi_bot.running import Running

log = structlog.get_logger()

MAX_ATTEMPTS = 3
"""An event that was begun this often without an end is set aside."""

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
        policy: Callable[[Address], decide.Policy],
        owners: frozenset[tuple[str, str]],
        now: Callable[[], datetime],
    ) -> None:
        self._stores = stores
        self._running = running
        self._delivery = delivery
        self._replies = replies
        self._policy = policy
        self._owners = owners
        self._now = now
        self._tasks = asyncio.TaskGroup()

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._tasks.__aexit__(kind, error, trace)

    async def accept(self, batch: Sequence[Inbound], cursor: str) -> None:
        """Store a batch; raises StoreUnavailable when it could not be."""
        for inbound in batch:
            self._stop_at_once(inbound)
        stale: list[tuple[Accepted, Said]] = []
        for inbound in batch:
            await self._accept_one(inbound, cursor, stale)
        self._ask_about(stale)

    async def recover(self, platform: str, account: str) -> None:
        """Carry out what a crash left between taking in and seeing to it."""
        for left in await self._stores.inbox.unhandled(platform, account):
            facts = replace(await self._stores.inbox.facts(left.inbound), duplicate=False)
            decision = self._decide(left.inbound, facts)
            if left.room is None:
                await self._stores.inbox.handled(left.inbox)
                continue
            accepted = Accepted(left.inbox, left.room, None)
            if isinstance(decision, decide.Begin):
                await self._begin_again(left, facts, decision)
            else:
                self._start(accepted, left.inbound, facts, decision)

    async def _begin_again(self, left: Unhandled, facts: Facts, begin: decide.Begin) -> None:
        if left.room is not None and facts.person is not None:
            await self._stores.turns.begin(
                left.room, facts.person, begin.request, left.inbound.origin
            )
        await self._stores.inbox.handled(left.inbox)

    def _stop_at_once(self, inbound: Inbound) -> None:
        """Set the stop token before anything else, even without a database."""
        turn = self._running.at(inbound.origin.address)
        if turn is None or not _asks_to_stop(inbound):
            return
        sender = inbound.origin.sender
        owner = (inbound.origin.address.platform, sender.id) in self._owners
        role = Role.OWNER if owner and not sender.rightless else Role.MEMBER
        if may_stop(role, is_asker=sender.id == turn.asker_id and not sender.rightless):
            turn.stop.stop(sender.name)

    async def _accept_one(
        self, inbound: Inbound, cursor: str, stale: list[tuple[Accepted, Said]]
    ) -> None:
        facts = await self._stores.inbox.facts(inbound)
        decision = self._decide(inbound, facts)
        match decision:
            case decide.Ignore(why):
                log.debug("event_ignored", why=why, platform=inbound.origin.address.platform)
                return
            case decide.Claim() | decide.OfferPairing():
                newcomer = await self._replies.admit(inbound, decision)
                if newcomer is None:
                    return
                facts = newcomer
        request = decision.request if isinstance(decision, decide.Begin) else None
        accepted = await self._stores.inbox.take(inbound, facts.person, request, cursor)
        if accepted is None:
            return
        match decision:
            case decide.Begin(asked, behind):
                turn = self._running.in_room(accepted.room)
                if turn and asked.steer:
                    turn.steered = True
                elif behind:
                    origin = inbound.origin
                    self._delivery.react(origin.address, origin.message_id, QUEUED_MARK)
            case decide.AskStale():
                if isinstance(inbound, Said):
                    stale.append((accepted, inbound))
            case _:
                self._start(accepted, inbound, facts, decision)

    def _decide(self, inbound: Inbound, facts: Facts) -> decide.Decision:
        policy = self._policy(inbound.origin.address)
        return decide.decide(inbound, facts, policy, self._now())

    def _ask_about(self, stale: list[tuple[Accepted, Said]]) -> None:
        """Ask once a room about all its old messages of this batch."""
        rooms: dict[tuple[int, str], list[tuple[Accepted, Said]]] = {}
        for accepted, said in stale:
            key = (accepted.room, said.origin.sender.id)
            rooms.setdefault(key, []).append((accepted, said))
        for old in rooms.values():
            self._tasks.create_task(self._guarded(self._replies.ask_stale(old), "stale"))

    def _start(
        self, accepted: Accepted, inbound: Inbound, facts: Facts, decision: decide.Decision
    ) -> None:
        work = self._carry_out(accepted, inbound, facts, decision)
        self._tasks.create_task(self._guarded(work, type(decision).__name__.lower()))

    async def _guarded(self, work: Coroutine[None, None, None], what: str) -> None:
        """Run one piece of work; its failure is logged and harms nobody else."""
        try:
            await work
        except NaviError as error:
            log.warning("event_failed", what=what, error=str(error))
        except Exception:
            log.exception("event_crashed", what=what)

    async def _carry_out(
        self, accepted: Accepted, inbound: Inbound, facts: Facts, decision: decide.Decision
    ) -> None:
        inbox, turns = self._stores.inbox, self._stores.turns
        if await inbox.begin_attempt(accepted.inbox) > MAX_ATTEMPTS:
            await self._replies.park(accepted, inbound, MAX_ATTEMPTS)
            return
        match decision:
            case decide.Do():
                await self._replies.command(accepted, inbound, facts, decision)
                return
            case decide.Tell(text):
                await self._replies.tell(accepted, inbound, text())
                return
            case decide.Claim() | decide.OfferPairing():
                await self._replies.greet(accepted, inbound, decision)
                return
            case decide.Dismiss(press, text):
                self._delivery.acknowledge(inbound.origin.address, press, text())
            case decide.Replace(turn, text):
                await turns.replace_queued(turn, text)
            case decide.Drop(turn):
                await turns.drop_one(turn)
            case decide.Pause():
                await inbox.mark_room(accepted.room, "gone")
            case decide.Resume():
                await inbox.mark_room(accepted.room, "active")
            case decide.Move(new_chat):
                await inbox.move_room(inbound.origin.address, new_chat)
        await inbox.handled(accepted.inbox)


def _asks_to_stop(inbound: Inbound) -> bool:
    match inbound:
        case Said(_, text):
            command = decide.parse_command(text)
            return command is not None and command[0] == "stop"
        case Pressed(_, data):
            return data.startswith("stop:")
    return False
