"""The machine of one post: each rule by itself."""

from collections.abc import Sequence
from itertools import count, product

import pytest

from navi_bot.delivery import slot
from navi_bot.delivery.actions import Call, Delete, Done, Edit, Outcome, Send, Sent, Shown, Wait
from navi_bot.delivery.dress import RoomForLabel, cut, labelled
from navi_bot.delivery.post import PostMachine
from navi_bot.delivery.slot import NEXT, Event, Slot, State
from navi_bot.delivery.terms import Pace, Terms
from navi_bot.errors import (
    Ambiguous,
    MarkupRefused,
    MessageGone,
    NaviError,
    NotSent,
    Refused,
    TooLong,
)
from navi_bot.messages import Address, Button, Document, Fold, Head, Line, Page, Prose, RoomId
from navi_bot.pagehash import page_hash
from navi_bot.ports.delivery import StoredPage, StoredPost
from navi_bot.texts.delivery import CUT, REPEAT

STOP = ((Button("Stop", "stop"),),)


def page(text: str, *, stop: bool = False) -> Page:
    return Page((Prose(text),), STOP if stop else ())


def machine(*, idempotent: bool = False, limit: int = 5, steady: int = 100) -> PostMachine:
    ids = count()
    pace = Pace(1.0, steady=steady, limit=limit)
    return PostMachine(Terms(pace, idempotent, lambda: f"t{next(ids)}"))


def call_of(post: PostMachine, now: float = 1000.0) -> Call:
    call = post.next_action(now)
    assert isinstance(call, Send | Edit | Delete), call
    post.begin(call)
    return call


def shown(*texts: str, **kind: bool) -> PostMachine:
    """Return a machine whose pages are all in the room."""
    post = machine(**kind)
    post.want([page(text) for text in texts], final=False)
    for number, _ in enumerate(texts):
        call_of(post)
        post.accepted(1000.0, f"m{number}")
    post.take_records()
    return post


def test_table_has_the_steps_of_its_picture_and_no_others() -> None:
    """The picture in the module's text is the table that runs."""
    lines = (slot.__doc__ or "").splitlines()
    events = lines[2].split()[2:]
    picture = {}
    for line in lines[3:7]:
        name, *cells = line.split()
        for heading, cell in zip(events, cells, strict=True):
            if cell != "-":
                picture[State[name], Event[heading.upper()]] = State[cell]
    assert picture == NEXT
    for state, event in product(State, Event):
        if (state, event) not in NEXT:
            with pytest.raises(KeyError):
                Slot(state).advance(event)


def test_pages_are_sent_in_order_one_at_a_time() -> None:
    post = machine()
    post.want([page("one"), page("two")], final=True)
    first = call_of(post)
    assert first.number == 0
    assert post.next_action(1000.0) == Wait()
    post.accepted(1000.0, "m0")
    assert call_of(post).number == 1
    post.accepted(1000.0, "m1")
    assert post.next_action(1000.0) == Done()


def test_equal_content_is_never_edited() -> None:
    post = shown("one")
    post.want([page("one")], final=True)
    assert post.next_action(1000.0) == Done()
    assert post.take_records() == (Shown(0, page_hash(page("one"))),)


@pytest.mark.parametrize(
    "blank", [Page(()), page("  \n"), Page((Line(""),), STOP)], ids=["empty", "space", "buttons"]
)
def test_blank_page_is_never_sent(blank: Page) -> None:
    post = machine()
    post.want([blank], final=False)
    assert post.next_action(1000.0) == Wait()


def test_document_is_not_blank() -> None:
    post = machine()
    post.want([Page((), document=Document("a.md", "text"))], final=True)
    assert isinstance(post.next_action(1000.0), Send)


def test_full_page_is_completed_before_the_next_is_sent() -> None:
    """The gap between two pages closes first, whatever the pace."""
    post = shown("one")
    post.want([page("one, whole"), page("two")], final=False)
    assert isinstance(call_of(post), Edit)
    post.accepted(1000.0)
    assert isinstance(call_of(post), Send)


def test_progress_edits_are_limited_and_the_final_is_not() -> None:
    post = shown("0")
    for number in range(1, 6):
        post.want([page(str(number))], final=False)
        call_of(post)
        post.accepted(1000.0)
    post.want([page("6")], final=False)
    assert post.next_action(1e6) == Wait()
    post.want([page("6")], final=True)
    assert isinstance(call_of(post), Edit)


def test_late_progress_edits_are_stretched() -> None:
    post = machine(steady=1)
    gaps = []
    post.want([page("0")], final=False)
    call_of(post)
    post.accepted(0.0, "m0")
    now = 0.0
    for number in range(1, 5):
        post.want([page(str(number))], final=False)
        action = post.next_action(now)
        if isinstance(action, Wait):
            assert action.until is not None
            gaps.append(action.until - now)
            now = action.until
        call_of(post, now)
        post.accepted(now)
    assert gaps == pytest.approx([1.2, 1.44, 1.728])


def test_changed_buttons_do_not_wait_for_the_pace() -> None:
    """Buttons for a question appear even when the edits are used up."""
    post = shown("0")
    for number in range(1, 6):
        post.want([page(str(number))], final=False)
        call_of(post)
        post.accepted(1000.0)
    post.want([page("May I?", stop=True)], final=False)
    call = call_of(post)
    assert isinstance(call, Edit)
    assert not call.progress


def test_surplus_pages_of_an_earlier_run_are_removed_at_the_end() -> None:
    """Not before; and what is settled is recorded last, for a restart in between."""
    post = shown("one", "two", "three")
    post.want([page("new")], final=False)
    call_of(post)
    post.accepted(1000.0)
    assert post.next_action(1000.0) == Wait()
    post.want([page("new")], final=True)
    assert post.take_records() == ()
    for number in (2, 1):
        assert call_of(post) == Delete(number, f"m{number}")
        post.accepted(1000.0)
    assert post.next_action(1000.0) == Done()
    assert post.take_records()[-1] == Shown(0, page_hash(page("new")))


@pytest.mark.parametrize(
    ("errors", "outcomes"),
    [
        ([MarkupRefused("")], [Outcome.PLAINED]),
        ([TooLong("")] * 3, [Outcome.PLAINED, Outcome.CUT, Outcome.CUT]),
        ([Refused("")] * 3, [Outcome.PLAINED, Outcome.RETRIED, Outcome.GIVEN_UP]),
        ([NotSent("")], [Outcome.RETRIED]),
        ([Ambiguous("")], [Outcome.DOUBTED]),
    ],
    ids=["markup", "too long", "refused", "not sent", "ambiguous"],
)
def test_what_becomes_of_a_refused_send(
    errors: Sequence[NaviError], outcomes: Sequence[Outcome]
) -> None:
    post = machine()
    post.want([page("a rather long text")], final=True)
    now = 1000.0
    seen = []
    for error in errors:
        call_of(post, now)
        seen.append(post.refused(error, now))
        now += 100
    assert seen == outcomes


def test_cut_page_says_so() -> None:
    content = Page((Prose("x" * 50), Fold("log", "y" * 50), Line("end")))
    short = cut(content, 2)
    assert short.blocks[-1] == Line(CUT(), "dim")
    assert len(getattr(short.blocks[0], "markdown", "")) == 50
    assert sum(len(getattr(b, "text", "")) for b in short.blocks) < 50
    assert cut(content, 50).blocks == (Line(CUT(), "dim"),)


def test_page_refused_as_progress_gets_one_more_try_at_the_end() -> None:
    post = machine()
    post.want([page("draft")], final=False)
    for _ in range(3):
        call_of(post)
        post.refused(Refused(""), 1000.0)
    post.want([page("another draft")], final=False)
    assert post.next_action(1000.0) == Wait()
    post.want([page("final")], final=True)
    assert isinstance(call_of(post), Send)


def test_message_that_cannot_be_edited_gets_its_final_text_anew_and_labelled() -> None:
    post = shown("draft")
    post.want([page("final")], final=True)
    for _ in range(2):
        assert isinstance(call_of(post), Edit)
        outcome = post.refused(Refused(""), 1000.0)
    assert outcome is Outcome.REPLACED
    call = call_of(post)
    assert isinstance(call, Send)
    assert call.page == labelled(page("final"))


def test_lost_message_is_sent_anew_once() -> None:
    post = shown("one")
    outcomes = []
    for text in ("two", "three"):
        post.want([page(text)], final=False)
        assert isinstance(call_of(post), Edit)
        outcomes.append(post.refused(MessageGone(""), 1000.0))
        if outcomes[-1] is Outcome.REPLACED:
            assert isinstance(call_of(post), Send)
            post.accepted(1000.0, "m9")
    assert outcomes == [Outcome.REPLACED, Outcome.QUIETED]
    post.want([page("final")], final=True)
    assert post.next_action(1e6) == Done()
    assert post.take_records()[-1] == Shown(0, page_hash(page("final")))


def test_edit_in_doubt_is_made_again_even_when_the_old_content_is_wanted() -> None:
    """Nobody knows which of the two contents the message holds."""
    post = shown("old")
    post.want([page("new")], final=False)
    call_of(post)
    post.refused(Ambiguous(""), 1000.0)
    post.want([page("old")], final=True)
    assert isinstance(call_of(post, 1100.0), Edit)


def test_label_stays_with_every_later_edit() -> None:
    """Without it the room would show a text twice and not say so."""
    post = machine()
    post.want([page("one")], final=False)
    call_of(post)
    post.refused(Ambiguous(""), 1000.0)
    call_of(post, 1100.0)
    post.accepted(1100.0, "m1")
    post.want([page("two")], final=True)
    call = call_of(post, 1100.0)
    assert isinstance(call, Edit)
    assert call.page.blocks[0] == Line(REPEAT(), "dim")


@pytest.mark.parametrize("idempotent", [True, False])
def test_uncertain_page_of_an_earlier_run(idempotent: bool) -> None:
    """The same transaction is repeated, or the page is labelled; then edited if need be."""
    head = Head("note:1", RoomId(1), Address("p", "b", "c"))
    stored = StoredPage(0, page("one"), page_hash(page("one")), "", "", "old", uncertain=True)
    post = machine(idempotent=idempotent)
    post.adopt(StoredPost(head, True, (stored,)))
    post.want([page("one")], final=True)
    call = call_of(post)
    assert isinstance(call, Send)
    assert (call.transaction == "old") is idempotent
    assert call.begun is idempotent
    assert (call.page == labelled(page("one"))) is not idempotent
    post.accepted(1000.0, "m1")
    if idempotent:  # the first attempt may have shown another content
        assert isinstance(call_of(post), Edit)
        post.accepted(1000.0)
    assert post.next_action(1000.0) == Done()


def test_labelled_message_of_an_earlier_run_keeps_its_label() -> None:
    head = Head("note:1", RoomId(1), Address("p", "b", "c"))
    stored = StoredPage(0, None, "", "", "m1", "repeat-x", uncertain=False)
    post = machine()
    post.adopt(StoredPost(head, False, (stored,)))
    post.want([page("final")], final=True)
    call = call_of(post)
    assert isinstance(call, Edit)
    assert call.page == labelled(page("final"))


def test_settled_content_is_stored_with_its_message() -> None:
    post = machine()
    post.want([page("one")], final=True)
    call_of(post)
    post.accepted(1000.0, "m1")
    assert post.take_records() == (Sent(0, "m1", page_hash(page("one"))),)
    assert post.take_records() == ()


def test_waits_double_and_end_with_success() -> None:
    post = machine()
    post.want([page("one")], final=True)
    waits: list[float | None] = []
    for _ in range(9):
        call_of(post, 0.0 if not waits else 1e6)
        post.refused(NotSent(""), 0.0)
        action = post.next_action(0.0)
        assert isinstance(action, Wait)
        waits.append(action.until)
    assert waits == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]
    call_of(post, 1e6)
    post.accepted(1e6, "m1")
    post.want([page("two")], final=True)
    assert isinstance(post.next_action(0.0), Edit)


def test_page_measured_with_room_for_the_label_fits_with_it() -> None:
    class Short:
        def fits(self, page: Page) -> bool:
            return sum(len(str(getattr(b, "text", "") or b)) for b in page.blocks) <= 60

    assert Short().fits(page("x" * 30))
    assert not RoomForLabel(Short()).fits(page("x" * 30))
    assert Short().fits(labelled(page("x"))) is RoomForLabel(Short()).fits(page("x"))


@pytest.mark.parametrize(
    "other",
    [
        Page((Line("text"),)),
        Page((Prose("text"), Prose(""))),
        page("text", stop=True),
        Page((Prose("text"),), document=Document("a", "b")),
        Page((Fold("text", ""),)),
    ],
)
def test_hash_tells_pages_apart(other: Page) -> None:
    """Everything that a reader can notice counts; equal content is equal."""
    assert page_hash(other) != page_hash(page("text"))
    assert page_hash(page("text")) == page_hash(page("text"))
