"""Sees to what ends in a reply: beside the rooms' queues, in tasks of their own.

begun .............. counted; the third time without an end it is set aside
taken up again ..... once nobody is at it any more, and it has not ended meanwhile
a fault of ours .... told to the sender, and marked as handled
database away ...... waited for
"""

from functools import partial

import structlog

from navi_bot.access import has_rights, role_of
from navi_bot.decisions import Answered, Claim, Do, OfferPairing, Tell
from navi_bot.errors import NaviError
from navi_bot.fault_points import reached
from navi_bot.messages import Inbound, InboxId, Origin, PersonId, RoomId
from navi_bot.patience import BRIEF, while_away
from navi_bot.ports.records import Accepted
from navi_bot.ports.store import Inbox
from navi_bot.replies import Replies, Taken
from navi_bot.side_work import SideWork
from navi_bot.texts import rooms as texts
from navi_bot.texts import safe_mode as safe_texts

log = structlog.get_logger()

MAX_ATTEMPTS = 3
"""An event that was begun this often without an end is set aside."""


class Answers:
    """`work` owns the tasks."""

    def __init__(self, inbox: Inbox, replies: Replies, work: SideWork) -> None:
        self._inbox = inbox
        self._replies = replies
        self._work = work
        self._in_hand: set[InboxId] = set()

    def start(self, taken: Taken, decision: Answered) -> None:
        """Carry out what was decided; what comes later in the room waits for it a little.

        What is in hand already is left to who has it: it waits for the database perhaps.
        """
        if taken.accepted.inbox in self._in_hand:
            return
        self._in_hand.add(taken.accepted.inbox)
        what = type(decision).__name__.lower()
        self._work.start_in(taken.inbound.origin.address, self._answer(taken, decision), what)

    def ask_about(self, stale: list[Taken]) -> None:
        """Ask each person once a room about all their old messages of a batch."""
        by_person: dict[tuple[RoomId, PersonId | None], list[Taken]] = {}
        for taken in stale:
            by_person.setdefault((taken.accepted.room, taken.facts.person), []).append(taken)
        for old in by_person.values():
            self._work.start(self._replies.ask_stale(old), "stale")

    def set_aside(self, inbound: Inbound) -> None:
        """Tell the sender of an event that broke us; what a stranger sent is left out."""
        self._work.start(self._set_aside(inbound), "refused")

    async def park(self, taken: Taken) -> None:
        """Set an event aside that crashed us too often, and tell its sender."""
        await self._replies.park(taken, MAX_ATTEMPTS)

    def keep(self, taken: Taken) -> None:
        """Tell a sender that we are in safe mode and have kept the message."""
        self._work.start(self._replies.tell(taken, safe_texts.KEPT()), "kept")

    async def _set_aside(self, inbound: Inbound) -> None:
        facts = await self._inbox.facts(inbound)
        if has_rights(role_of(inbound.origin.sender, facts.role)):
            accepted = await self._inbox.take(inbound, facts.person, None, "")
            accepted = accepted or await self._stored(inbound.origin)
            if accepted is not None:
                await self._replies.tell(Taken(accepted, inbound, facts), texts.BROKE())

    async def _stored(self, origin: Origin) -> Accepted | None:
        """Find an event that broke us after it was stored; one that began a turn is handled."""
        address = origin.address
        for left in await self._inbox.unhandled(address.platform, address.account):
            if left.inbound.origin.key == origin.key and left.room is not None:
                return Accepted(left.inbox, left.room, None)
        return None

    async def _answer(self, taken: Taken, decision: Answered) -> None:
        """See to one event, if nobody has."""
        try:
            begin = partial(self._inbox.begin_attempt, taken.accepted.inbox)
            attempts = await while_away(begin, BRIEF)
            if attempts > MAX_ATTEMPTS:
                await self.park(taken)
            elif attempts:
                await self._attempt(taken, decision)
        finally:
            self._in_hand.discard(taken.accepted.inbox)

    async def _attempt(self, taken: Taken, decision: Answered) -> None:
        """Make one attempt; the boundary of its faults."""
        try:
            await reached("attempt_counted")
            await self._carry_out(taken, decision)
        except NaviError:
            raise
        except Exception:
            log.exception("event_crashed", inbox=taken.accepted.inbox)
            await self._replies.tell(taken, texts.BROKE())

    async def _carry_out(self, taken: Taken, decision: Answered) -> None:
        match decision:
            case Do():
                await self._replies.command(taken, decision)
            case Tell(text):
                await self._replies.tell(taken, text())
            case Claim() | OfferPairing():
                await self._replies.greet(taken, decision)
