"""What is taken in: events of hostile senders, commands, poison, cursors, rooms."""

from datetime import timedelta

import pytest
from store.stage import ANN, BOB, NOW, Store, said

from navi_bot.messages import (
    Address,
    ChatKind,
    Head,
    Line,
    Origin,
    Page,
    Post,
    Pressed,
    Said,
    Sender,
)
from navi_bot.ports.records import TurnRequest


def event(key: str = "1", chat: str = "5", title: str = "", who: Sender = ANN) -> Said:
    kind = ChatKind.GROUP if chat.startswith("-") else ChatKind.PRIVATE
    origin = Origin(key, Address("telegram", "1", chat), kind, who, "7", NOW, title)
    return Said(origin, "hi")


UNSTORABLE = ("a\0b", "\ud800", "x\udfffy", "\0")


@pytest.mark.parametrize("bad", UNSTORABLE, ids=ascii)
async def test_no_event_can_break_the_intake(store: Store, bad: str) -> None:
    """Whatever a hostile server puts into ids, names and texts."""
    origin = Origin(
        bad, Address("matrix", "1", bad, bad), ChatKind.GROUP, Sender(bad, bad), bad, NOW, bad
    )
    assert (await store.inbox.facts(Pressed(origin, bad, bad))).role.value == "guest"
    inbound = Said(origin, bad, album=bad, forwarded_from=bad)
    request = TurnRequest(bad, album=bad, forwarded_from=bad)
    first = await store.inbox.take(inbound, store.ann, request, "")
    assert first is not None
    assert await store.inbox.take(inbound, store.ann, request, "") is None
    start = await store.turns.claim(first.room)
    assert start is not None
    assert "\0" not in start.request.text


async def test_a_forged_sender_is_a_guest(store: Store) -> None:
    """An id that PostgreSQL cannot hold does not become the owner's."""
    for forged in ("5\0", "\x005", "5\ud800"):
        facts = await store.inbox.facts(event(who=Sender(forged, "Eve")))
        assert (facts.person, facts.role.value) == (None, "guest")


async def test_a_command_waits_until_it_is_seen_to(store: Store) -> None:
    """A crash between taking it in and carrying it out does not lose it."""
    accepted = await store.inbox.take(event(), store.ann, None, "")
    assert accepted is not None
    assert accepted.turn is None
    (left,) = await store.inbox.unhandled("telegram", "1")
    assert (left.inbox, left.room, left.inbound) == (accepted.inbox, accepted.room, event())
    assert await store.inbox.unhandled("telegram", "2") == ()
    head = Head("reply:1", accepted.room, Address("telegram", "1", "5"))
    await store.inbox.handled(accepted.inbox, (Post(head, (Page((Line("done"),)),)),))
    assert await store.inbox.unhandled("telegram", "1") == ()
    (post,) = await store.outbox.unfinished("telegram", "1")
    assert post.head == head


async def test_a_turns_event_is_seen_to_by_its_turn(store: Store) -> None:
    await store.ask("hi")
    assert await store.inbox.unhandled("telegram", "1") == ()


async def test_poison_is_counted_and_set_aside(store: Store) -> None:
    accepted = await store.inbox.take(event(), store.ann, None, "")
    assert accepted is not None
    assert [await store.inbox.begin_attempt(accepted.inbox) for _ in range(3)] == [1, 2, 3]
    await store.inbox.handled(accepted.inbox, parked=True)
    assert await store.inbox.unhandled("telegram", "1") == ()
    state = await store.pool.fetchval("SELECT state FROM inbox WHERE id = $1", accepted.inbox)
    assert state == "parked"


async def test_a_cursor_moves_with_its_event(store: Store) -> None:
    """Each account has its own, and an event that was there already moves it too."""
    assert await store.inbox.cursor("telegram", "1") == ""
    await store.inbox.take(event("1"), store.ann, None, "10")
    await store.inbox.take(event("2"), store.ann, None, "")
    assert await store.inbox.cursor("telegram", "1") == "10"
    await store.inbox.take(event("1"), store.ann, None, "11")
    assert await store.inbox.cursor("telegram", "1") == "11"
    await store.inbox.keep_cursor("telegram", "1", "12")
    await store.inbox.keep_cursor("telegram", "2", "99")
    assert await store.inbox.cursor("telegram", "1") == "12"


async def test_equal_keys_of_two_accounts_are_two_events(store: Store) -> None:
    for account in ("1", "2"):
        origin = Origin("k", Address("telegram", account, "5"), ChatKind.PRIVATE, ANN, "7", NOW)
        assert await store.inbox.take(Said(origin, "hi"), store.ann, None, "") is not None


async def test_a_room_keeps_its_title_when_an_event_has_none(store: Store) -> None:
    accepted = await store.inbox.take(event("1", "-7", "Garden"), store.ann, None, "")
    assert accepted is not None
    await store.inbox.take(event("2", "-7"), store.ann, TurnRequest("hi"), "")
    start = await store.turns.claim(accepted.room)
    assert start is not None
    assert start.room_title == "Garden"


async def test_a_person_is_called_by_the_name_of_today(store: Store) -> None:
    await store.inbox.take(event("1", who=Sender("5", "Anna")), store.ann, TurnRequest("hi"), "")
    await store.inbox.take(event("2", who=Sender("5", "")), store.ann, None, "")
    facts = await store.inbox.facts(event("3"))
    assert facts.room is not None
    start = await store.turns.claim(facts.room)
    assert start is not None
    assert start.asker_name == "Anna"


async def test_albums_of_two_senders_are_two_turns(store: Store) -> None:
    """However their albums are called."""
    first = await store.ask("one", key="a", chat="-7", album="x")
    second = await store.ask("two", key="b", chat="-7", album="x", who=BOB)
    third = await store.ask("", key="c", chat="-7", album="x")
    assert first.turn == third.turn != second.turn


async def test_only_a_persons_own_events_are_found_again(store: Store) -> None:
    """In order, between two numbers, of one room."""
    ours = [await store.ask(text, chat="-7") for text in ("one", "two", "three")]
    await store.ask("bob's", chat="-7", who=BOB)
    await store.ask("elsewhere", chat="5")
    found = await store.inbox.between(ours[0].room, ours[0].inbox, ours[1].inbox + 100, store.ann)
    assert [each.text for each in found if isinstance(each, Said)] == ["one", "two", "three"]
    found = await store.inbox.between(ours[0].room, ours[1].inbox, ours[1].inbox, store.ann)
    assert [each.text for each in found if isinstance(each, Said)] == ["two"]


async def test_a_room_that_is_gone_is_left_alone_until_somebody_speaks(store: Store) -> None:
    start = await store.started()
    post = Post(start.head, (Page((Line("x"),)),))
    await store.turns.finish(start.id, "done", (), None, (post,))
    await store.inbox.mark_room(start.head.room, "gone")
    assert await store.outbox.unfinished("telegram", "1") == ()
    await store.ask("back again")
    assert len(await store.outbox.unfinished("telegram", "1")) == 1


async def test_a_moved_room_does_not_take_anothers_place(store: Store) -> None:
    old, new = await store.ask("old", chat="-7"), await store.ask("new", chat="-100")
    await store.inbox.move_room(Address("telegram", "1", "-7"), "-100")
    assert (await store.ask("again", chat="-100")).room == new.room
    assert (await store.ask("again", chat="-7")).room == old.room


async def test_the_platforms_clock_is_kept(store: Store) -> None:
    """A message from before the daemon was up is told by it."""
    inbound = said("hi", key="k")
    accepted = await store.inbox.take(inbound, store.ann, TurnRequest("hi"), "")
    assert accepted is not None
    start = await store.turns.claim(accepted.room)
    assert start is not None
    assert start.sent_at == NOW
    assert abs(start.created_at - start.sent_at) > timedelta(seconds=1)
