"""How the machine of a post goes on after an earlier run."""

import pytest
from delivery.one_post import call_of, machine, page, shown

from navi_bot.delivery.actions import Delete, Done, Edit, Send, Sent, Shown, Wait
from navi_bot.delivery.dress import labelled
from navi_bot.messages import Address, Head, RoomId
from navi_bot.pagehash import page_hash
from navi_bot.ports.delivery import StoredPage, StoredPost


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
    assert post.take_records() == (Sent(0, "m1", page_hash(page("one")), page("one")),)
    assert post.take_records() == ()
