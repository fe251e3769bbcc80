"""Carries calls out and spreads what is learnt: to the post, the governor, the store."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

import structlog

from navi_bot.delivery.actions import Call, Delete, Edit, Outcome, Send
from navi_bot.delivery.courier import CALL_DEADLINE, make_call, within
from navi_bot.delivery.lane import ErrandJob, Job, Lane, PostJob, TypingJob
from navi_bot.delivery.ledger import Ledger
from navi_bot.delivery.terms import CREDENTIAL_WAIT
from navi_bot.delivery.traffic import Traffic
from navi_bot.errors import (
    Ambiguous,
    CredentialError,
    NaviError,
    Refused,
    RoomGone,
    RoomMoved,
    Throttled,
)
from navi_bot.fault_points import reached
from navi_bot.messages import Address
from navi_bot.ports.delivery import Outbox
from navi_bot.ports.platform import Outbound

log = structlog.get_logger()

MoveRoom = Callable[[Address, str], Awaitable[None]]
"""Give the rooms of a chat its new id, durably."""

LOUD = {Outcome.CUT, Outcome.QUIETED, Outcome.GIVEN_UP, Outcome.CLOSED}
"""What the operator should see: something is not shown as it was meant."""


@dataclass(slots=True)
class Counts:
    """What happened since the start, for /status."""

    sends: int = 0
    edits: int = 0
    deletes: int = 0
    throttled: int = 0
    refused: int = 0
    doubted: int = 0
    unsent: int = 0
    """Calls that surely had no effect, throttled ones not counted."""

    def accepted(self, call: Call) -> None:
        match call:
            case Send():
                self.sends += 1
            case Edit():
                self.edits += 1
            case Delete():
                self.deletes += 1

    def failed(self, error: NaviError) -> None:
        match error:
            case Throttled():
                self.throttled += 1
            case Refused():
                self.refused += 1
            case Ambiguous():
                self.doubted += 1
            case _:
                self.unsent += 1


@dataclass(frozen=True, slots=True)
class Carrier:
    """`clock` answers monotonic seconds."""

    outbound: Outbound
    outbox: Outbox
    ledger: Ledger
    traffic: Traffic
    move_room: MoveRoom
    clock: Callable[[], float]
    counts: Counts

    async def carry(self, lane: Lane, job: Job) -> None:
        """Make the call of a job and see to its outcome."""
        match job:
            case PostJob():
                await self._carry_post(lane, job)
            case ErrandJob():
                await self._carry_errand(lane, job)
            case TypingJob(address=address):
                await self._carry_typing(lane, address)

    async def _carry_post(self, lane: Lane, job: PostJob) -> None:
        entry, call = job.entry, job.call
        try:
            if isinstance(call, Send):
                if not call.begun:
                    await self.ledger.begin(entry.head, call)
                await reached("intent_stored")
            message_id = await make_call(self.outbound, entry.head, call)
            await reached("final_answered" if entry.is_final else "page_answered")
        except NaviError as error:
            await self._post_failed(lane, job, error)
        else:
            now = self.clock()
            entry.machine.accepted(now, message_id)
            self.traffic.governor.accepted(lane.chat)
            self.counts.accepted(call)
            if (typing := lane.typing.get(entry.head.address)) is not None:
                typing.shown(now)
        self.ledger.owe_records(entry.head.key, entry.machine.take_records())

    async def _post_failed(self, lane: Lane, job: PostJob, error: NaviError) -> None:
        entry, now = job.entry, self.clock()
        outcome = entry.machine.refused(error, now)
        loud = outcome in LOUD
        (log.warning if loud else log.info)(
            outcome.value,
            key=entry.head.key,
            page=job.call.number,
            call=type(job.call).__name__.lower(),
            error=type(error).__name__,
        )
        self.counts.failed(error)
        self._learn(lane, error, now)
        match error:
            case RoomGone():
                self.traffic.abandon(lane, entry.head.room, now)
                give_up = partial(self.outbox.abandon, entry.head.room, str(error))
                self.ledger.owe(f"room:{entry.head.room}", give_up)
                await self.ledger.settle(f"room:{entry.head.room}")
            case RoomMoved(new_chat=new_chat) if new_chat != lane.chat:
                move = partial(self.move_room, entry.head.address, new_chat)
                self.traffic.move(lane, new_chat, now)
                self.ledger.owe(f"chat:{lane.chat}", move)
                await self.ledger.settle(f"chat:{lane.chat}")

    def _learn(self, lane: Lane, error: NaviError, now: float) -> None:
        """Tell the governor what the platform's answer means for the next calls."""
        governor = self.traffic.governor
        match error:
            case Throttled(retry_after=retry_after):
                governor.throttled(lane.chat, lane.group, retry_after, now)
            case CredentialError():
                governor.pause(now + CREDENTIAL_WAIT)
            case Refused():
                governor.accepted(lane.chat)

    async def note(self, job: PostJob) -> None:
        """Write down what is owed after a call that has landed."""
        entry = job.entry
        await self.ledger.settle(entry.head.key)
        await reached("final_noted" if entry.is_final else "page_noted")

    async def _carry_errand(self, lane: Lane, job: ErrandJob) -> None:
        errand = job.errand
        try:
            await within(CALL_DEADLINE, errand.call())
        except NaviError as error:
            now = self.clock()
            self.counts.failed(error)
            self._learn(lane, error, now)
            if errand.failed(error, now):
                lane.errands.setdefault(errand.topic, errand)
            else:
                log.info("errand_dropped", error=type(error).__name__)

    async def _carry_typing(self, lane: Lane, address: Address) -> None:
        try:
            await within(CALL_DEADLINE, self.outbound.show_typing(address))
        except NaviError as error:
            self._learn(lane, error, self.clock())
