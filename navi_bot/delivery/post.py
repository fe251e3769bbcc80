"""The machine of one post: desired pages against acknowledged pages.

How it works. The post's pages stand in slots, each with the state of its
table (`slot`). `want` sets what the room shall show; `next_action` compares
and names the one call that brings the room nearer: the first page that lacks
a message is sent, one whose message differs is edited, and once the content
is final, messages of an earlier and longer run are deleted. The caller says
`begin` before it makes the call and `accepted` or `refused` after it, one call
at a time. What must be stored comes out of `take_records`.

Progress edits are paced and counted, the final edit is neither. The settled
content is recorded last, when nothing is left to remove, so that a restart
finds whatever is still to do. A post is closed when its room is gone, and
falls quiet when people deleted a message of it twice. No I/O; times are given.
"""

from collections.abc import Sequence
from typing import Literal

from navi_bot.delivery.actions import (
    Action,
    Call,
    Delete,
    Done,
    Edit,
    Gone,
    Outcome,
    Record,
    Send,
    Sent,
    Shown,
    Unsent,
    Wait,
)
from navi_bot.delivery.dress import is_blank
from navi_bot.delivery.proposal import Place, propose_edit, propose_send
from navi_bot.delivery.slot import Event, Slot, State
from navi_bot.delivery.terms import CREDENTIAL_WAIT, DOUBT_BACKOFF, UNSENT_BACKOFF, Backoff, Terms
from navi_bot.errors import (
    CredentialError,
    MessageGone,
    NaviError,
    NotSent,
    Refused,
    RoomGone,
    RoomMoved,
    StoreError,
    StoreUnavailable,
    Throttled,
)
from navi_bot.messages import Page
from navi_bot.ports.delivery import StoredPost


class PostMachine:
    """One post on its way into the room."""

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self._slots: list[Slot] = []
        self._wanted = 0
        self._flight: Call | None = None
        self._records: list[Record] = []
        self._backoff = Backoff()
        self._closed: Literal["", "quiet", "gone"] = ""
        self.final = False

    def adopt(self, stored: StoredPost) -> None:
        """Go on from what an earlier run stored; before the first `want`."""
        for page in stored.pages:
            self._grow(page.number + 1)
            self._slots[page.number].adopt(page, idempotent=self._terms.idempotent)

    def want(self, pages: Sequence[Page], final: bool) -> None:
        """Set what the room shall show; blank pages are left out.

        Pages that are missing before the end keep what they show. A final post
        without any page is removed, which a restart in between forgets.
        """
        visible = [page for page in pages if not is_blank(page)]
        self.final = final
        self._grow(len(visible))
        self._wanted = len(visible)
        for slot, page in zip(self._slots, visible, strict=False):
            slot.want(page, final=final)

    def next_action(self, now: float) -> Action:
        """Return the call to make now, or how long there is none."""
        if self._flight is not None:
            return Wait()
        if self._closed:
            return Done() if self.final else Wait()
        action = self._wanted_action(now)
        if isinstance(action, Wait | Done) or now >= self._backoff.until:
            return action
        return Wait(self._backoff.until)

    def begin(self, call: Call) -> None:
        """Say that the call, fresh from `next_action`, is being made."""
        assert self._flight is None, "one call at a time"
        self._flight = call
        if isinstance(call, Send):
            slot = self._slots[call.number]
            slot.transaction, slot.begun = call.transaction, False

    def accepted(self, now: float, message_id: str = "") -> None:
        """Note the success of the call in flight; `message_id` after a send."""
        call = self._land()
        slot = self._slots[call.number]
        self._backoff.succeeded()
        match call:
            case Send(number=number, content=content):
                slot.advance(Event.SENT)
                slot.message_id, slot.doubted, slot.edited_at = message_id, None, now
                slot.shown_hash, slot.shown_buttons = content or None, call.desired.buttons
                settled = self.final and slot.is_equal and self._surplus() is None
                slot.stored_hash = content if settled else ""
                self._records.append(Sent(number, message_id, slot.stored_hash, call.desired))
            case Edit(content=content, progress=progress):
                slot.advance(Event.EDITED)
                slot.shown_hash, slot.shown_buttons = content, call.page.buttons
                slot.edited_at = now
                slot.edits += progress
            case Delete():
                self._forget(call, Event.DELETED)

    def refused(self, error: NaviError, now: float) -> Outcome:
        """Note the failure of the call in flight and answer what becomes of it."""
        call = self._land()
        slot = self._slots[call.number]
        match error:
            case RoomGone():
                self._closed, self.final = "gone", True
                return Outcome.CLOSED
            case NotSent() | RoomMoved() | CredentialError() | StoreUnavailable() | StoreError():
                return self._unsent(call, slot, error, now)
            case Refused():
                return self._denied(call, slot, error)
            case _:
                return self._doubted(call, slot, now)

    def take_records(self, *, leaving: bool = False) -> tuple[Record, ...]:
        """Return what is to be stored since the last time, in order.

        `leaving`: intents that have not led to a send are taken back.
        """
        for number, slot in enumerate(self._slots):
            if leaving and slot.begun:
                slot.begun = False
                self._records.append(Unsent(number))
        if self.final and (self._closed == "quiet" or self._surplus() is None):
            for number, slot in enumerate(self._slots[: self._wanted]):
                settled = slot.is_settled or self._closed == "quiet"
                if settled and slot.stored_hash != slot.desired_hash:
                    slot.stored_hash = slot.desired_hash
                    refused = slot.state is State.GIVEN_UP
                    self._records.append(Shown(number, slot.desired_hash, refused))
        records, self._records = tuple(self._records), []
        return records

    @property
    def awaits_first_send(self) -> bool:
        """There is something to show and no message shows any of it yet."""
        return not self._closed and self._wanted > 0 and self._slots[0].is_due_as_message

    @property
    def has_messages(self) -> bool:
        """The room shows some of it."""
        return any(slot.state is State.SHOWN for slot in self._slots)

    @property
    def is_behind(self) -> bool:
        """The room does not show all that is desired, and may yet."""
        wanted = self._slots[: self._wanted]
        return not self._closed and any(not slot.is_settled for slot in wanted)

    def _grow(self, count: int) -> None:
        self._slots.extend(Slot() for _ in range(count - len(self._slots)))

    def _land(self) -> Call:
        call, self._flight = self._flight, None
        assert call is not None, "an outcome belongs to a call in flight"
        return call

    def _wanted_action(self, now: float) -> Action:
        wakes: list[float] = []
        for number, slot in enumerate(self._slots[: self._wanted]):
            place = Place(number, self.final, number + 1 < self._wanted)
            if slot.is_due_as_message:
                return propose_send(slot, place, self._terms)
            if slot.is_settled:
                continue
            edit = propose_edit(slot, place, self._terms, now)
            if isinstance(edit, Edit):
                return edit
            if edit.until is not None:
                wakes.append(edit.until)
        return (self._removal() or Done()) if self.final else Wait(min(wakes, default=None))

    def _surplus(self) -> int | None:
        """Return the last page whose message is, or may be, left of a longer run."""
        for number in range(len(self._slots) - 1, self._wanted - 1, -1):
            match self._slots[number].state:
                case State.SHOWN:
                    return number
                case State.UNSURE if self._terms.idempotent and self._wanted:
                    return number
        return None

    def _removal(self) -> Delete | Send | None:
        """Return what removes a surplus message.

        An unsure one is sent with its stored transaction first, which tells
        its message id; without such transactions nothing can be done.
        """
        if (number := self._surplus()) is None:
            return None
        slot = self._slots[number]
        if slot.state is State.SHOWN:
            return Delete(number, slot.message_id)
        slot.desired = slot.desired or self._slots[0].desired
        return propose_send(slot, Place(number, final=True, full=False), self._terms)

    def _unsent(self, call: Call, slot: Slot, error: NaviError, now: float) -> Outcome:
        slot.advance(Event.UNSENT)
        self._take_back(call, slot)
        if isinstance(error, CredentialError):
            self._backoff.until = now + CREDENTIAL_WAIT
        elif not isinstance(error, Throttled):  # the governor keeps that wait
            self._backoff.failed(now, UNSENT_BACKOFF)
        return Outcome.RETRIED

    def _doubted(self, call: Call, slot: Slot, now: float) -> Outcome:
        slot.advance(Event.DOUBTED)
        self._backoff.failed(now, DOUBT_BACKOFF)
        match call:
            case Send():
                slot.doubted = call
                slot.labelled = slot.labelled or not self._terms.idempotent
            case Edit(progress=progress):
                slot.shown_hash = None
                slot.edits += progress
                slot.edited_at = now
        return Outcome.DOUBTED

    def _denied(self, call: Call, slot: Slot, error: Refused) -> Outcome:
        match call:
            case Delete():
                return self._undeletable(call, slot, error)
            case Edit() if isinstance(error, MessageGone):
                return self._lost(call, slot)
            case Send() if slot.state is State.UNSURE and call.begun:
                slot.advance(Event.DENIED)
        self._take_back(call, slot)
        otherwise = slot.put_otherwise(error, is_send=isinstance(call, Send))
        return otherwise or self._exhausted(call, slot)

    def _exhausted(self, call: Send | Edit, slot: Slot) -> Outcome:
        """Every way to put the content was refused; the final one gets its own try."""
        untried = self.final and call.content not in ("", slot.desired_hash)
        if isinstance(call, Send):
            if not untried:
                slot.advance(Event.REFUSED)
                slot.given_hash = slot.desired_hash
            return Outcome.GIVEN_UP
        if untried or not self.final:
            slot.stuck = True
            return Outcome.GIVEN_UP
        self._forget(call, Event.REPLACED)
        slot.labelled, slot.plain, slot.cuts = True, False, 0
        return Outcome.REPLACED

    def _lost(self, call: Edit, slot: Slot) -> Outcome:
        """A person deleted the message: once it is sent anew, then we are quiet."""
        self._forget(call, Event.LOST)
        if slot.lost_once:
            self._closed = "quiet"
            return Outcome.QUIETED
        slot.lost_once = True
        return Outcome.REPLACED

    def _undeletable(self, call: Delete, slot: Slot, error: Refused) -> Outcome:
        if not isinstance(error, MessageGone):
            slot.advance(Event.REFUSED)
            return Outcome.GIVEN_UP
        self._forget(call, Event.DELETED)
        return Outcome.RETRIED

    def _forget(self, call: Edit | Delete, event: Event) -> None:
        """Let go of the message of a call, which is not the page's any more."""
        slot = self._slots[call.number]
        slot.advance(event)
        slot.forget_message()
        self._records.append(Gone(call.number))

    def _take_back(self, call: Call, slot: Slot) -> None:
        if isinstance(call, Send) and slot.state is State.ABSENT:
            self._records.append(Unsent(call.number))
