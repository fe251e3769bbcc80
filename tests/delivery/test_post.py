"""The machine of one post: each rule by itself."""

from collections.abc import Sequence
from itertools import product

import pytest
from delivery.loopback import LoopbackAccount, LoopbackOutbound
from delivery.one_post import STOP, call_of, machine, page, shown

from navi_bot.delivery import slot
from navi_bot.delivery.actions import Done, Edit, Outcome, Send, Shown, Wait
from navi_bot.delivery.dress import labelled
from navi_bot.delivery.slot import NEXT, Event, Slot, State
from navi_bot.delivery.terms import pace_of
from navi_bot.errors import (
    Ambiguous,
    MarkupRefused,
    MessageGone,
    NaviError,
    NotSent,
    Refused,
    TooLong,
)
from navi_bot.messages import Document, Line, Page
from navi_bot.pagehash import page_hash
from navi_bot.texts.delivery import REPEAT


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


@pytest.mark.parametrize("group", [False, True])
def test_edits_that_nobody_stores_go_on_for_as_long_as_the_answer(group: bool) -> None:
    """A tool that works for an hour is seen to work, where edits replace one another."""
    pace = pace_of(LoopbackAccount(LoopbackOutbound()), group, limit=40)
    assert pace.limit is None
    assert {pace.gap(edits) for edits in (0, 10, 40, 5000)} == {0.0}


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
