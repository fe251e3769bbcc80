"""The call that brings one page nearer to what is desired. Pure."""

from dataclasses import dataclass, replace

from navi_bot.delivery.actions import Edit, Send, Wait
from navi_bot.delivery.slot import REPEAT_MARK, Slot, State
from navi_bot.delivery.terms import Terms


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page stands in its post. `full`: another page follows."""

    number: int
    final: bool
    full: bool


def propose_send(slot: Slot, place: Place, terms: Terms) -> Send:
    """Return the send; a doubtful one is repeated as it was, or labelled."""
    assert slot.desired is not None, "only desired pages are sent"
    repeats = slot.state is State.UNSURE and terms.idempotent
    begun = repeats or slot.begun
    if repeats and slot.doubted is not None:
        return replace(slot.doubted, begun=True)
    mark = REPEAT_MARK if slot.labelled else ""
    return Send(
        number=place.number,
        page=slot.dressed(),
        desired=slot.desired,
        # An earlier run's send of the same transaction may have shown other content.
        content="" if repeats else slot.desired_hash,
        transaction=slot.transaction if begun else mark + terms.token(),
        plain=slot.plain,
        final=place.final or place.full,
        with_reply=place.number == 0 and slot.with_reply,
        begun=begun,
    )


def propose_edit(slot: Slot, place: Place, terms: Terms, now: float) -> Edit | Wait:
    """Return the edit, or how long it has to wait; `Wait(None)`: until the end.

    Buttons that changed are not progress: nobody shall wait for them. A page
    that is full gets one edit more, unpaced, to close the gap to the next.
    """
    assert slot.desired is not None, "only desired pages are edited"
    if slot.stuck and not place.final:
        return Wait()
    progress = not place.final and slot.shown_buttons in (None, slot.desired.buttons)
    if progress:
        limit = terms.pace.limit
        if limit is not None and slot.edits >= limit + place.full:
            return Wait()
        due = slot.edited_at + terms.pace.gap(slot.edits)
        if now < due and not place.full:
            return Wait(due)
    shape = (slot.desired_hash, slot.plain, slot.cuts)
    if slot.edit_shape != shape:
        slot.edit_shape, slot.edit_transaction = shape, terms.token()
    return Edit(
        number=place.number,
        message_id=slot.message_id,
        page=slot.dressed(),
        content=slot.desired_hash,
        transaction=slot.edit_transaction,
        plain=slot.plain,
        final=place.final or place.full,
        progress=progress,
    )
