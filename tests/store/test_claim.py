"""What one statement takes, loads and stores when a turn begins, goes on and ends."""

import asyncio
from dataclasses import replace

import asyncpg
import pytest
from store.stage import ANN, BOB, Store, entry, said

from navi_bot.errors import Bug
from navi_bot.events import Todo
from navi_bot.messages import Line, Message, Page, Post, Role, RoomId, Sender, ToolCall, TurnId
from navi_bot.ports.delivery import PageNote
from navi_bot.ports.records import CallEnd, Metrics, TurnRequest
from navi_bot.store import codec
from navi_bot.store.state import PostgresSessionState

METRICS = Metrics(100, 20, 0, 1.0, "tiny")


async def jobs(store: Store) -> int:
    number: int = await store.pool.fetchval("SELECT count(*) FROM procrastinate.procrastinate_jobs")
    return number


# Taking in ---------------------------------------------------------------------


async def believing(
    store: Store, key: str, *, role: Role = Role.OWNER, chat: str = "5", cursor: str = ""
) -> bool:
    """Take Ann's message in on what is believed of her; whether it was."""
    inbound = said("again", key=key, chat=chat)
    taken = await store.inbox.take(inbound, store.ann, TurnRequest("again"), cursor, role)
    return taken is not None


async def end_all(store: Store) -> None:
    await store.pool.execute("UPDATE turns SET state = 'done'")


async def test_what_is_believed_and_holds_takes_a_message_in(store: Store) -> None:
    await store.ask("first")
    await end_all(store)
    assert await believing(store, "2")
    assert await jobs(store) == 2
    assert not await believing(store, "2"), "a redelivery in a busy room"
    await end_all(store)
    assert not await believing(store, "2"), "a redelivery in a quiet room"


@pytest.mark.parametrize(
    ("change", "role", "chat"),
    {
        "role given": (
            "UPDATE identities SET role = 'blocked' WHERE platform_id = '5'",
            Role.OWNER,
            "5",
        ),
        "role taken": ("SELECT 1", Role.MEMBER, "5"),
        "forgotten": ("DELETE FROM identities WHERE platform_id = '5'", Role.OWNER, "5"),
        "somebody else now": (
            "UPDATE identities SET person_id = 2 WHERE platform_id = '5'",
            Role.OWNER,
            "5",
        ),
        "room unknown": ("SELECT 1", Role.OWNER, "77"),
        "a turn waits": ("UPDATE turns SET state = 'queued'", Role.OWNER, "5"),
        "a turn runs": ("UPDATE turns SET state = 'running'", Role.OWNER, "5"),
        "a turn awaits": ("UPDATE turns SET state = 'awaiting_input'", Role.OWNER, "5"),
    }.values(),
)
async def test_what_is_believed_and_does_not_hold_stores_nothing(
    store: Store, change: str, role: Role, chat: str
) -> None:
    """Neither event nor turn nor wake-up, and the cursor stays where it was."""
    await store.ask("first")
    await end_all(store)
    await store.pool.execute(change)
    assert not await believing(store, "2", role=role, chat=chat, cursor="after")
    assert await store.inbox.cursor("telegram", "1") == ""
    assert await jobs(store) == 1
    assert await store.pool.fetchval("SELECT count(*) FROM inbox") == 1
    assert await store.pool.fetchval("SELECT count(*) FROM rooms") == 1


async def test_an_event_keeps_what_it_brings_of_room_and_sender(store: Store) -> None:
    """A new name of both; a room that was gone is back; the cursor moves with it."""
    await store.ask("first", chat="-7")
    await store.pool.execute("UPDATE rooms SET state = 'gone', title = 'Old'")
    inbound = said("hi", key="2", chat="-7", who=Sender("5", "Ann Lee"))
    assert await store.inbox.take(inbound, store.ann, None, "c2") is not None
    row = await store.pool.fetchrow("SELECT state, title FROM rooms")
    assert row is not None
    assert tuple(row) == ("active", "Old")
    names = await store.pool.fetch(
        "SELECT name FROM people WHERE id = $1 UNION ALL "
        "SELECT name FROM identities WHERE person_id = $1",
        store.ann,
    )
    assert [row["name"] for row in names] == ["Ann Lee", "Ann Lee"]
    assert await store.inbox.cursor("telegram", "1") == "c2"


async def test_a_redelivery_changes_nothing_but_the_cursor(store: Store) -> None:
    await store.ask("hi", key="1")
    await store.pool.execute("UPDATE rooms SET state = 'gone'")
    again = await store.inbox.take(said("hi", key="1"), store.ann, TurnRequest("hi"), "c1")
    assert again is None
    assert await store.pool.fetchval("SELECT state FROM rooms") == "gone"
    assert await store.inbox.cursor("telegram", "1") == "c1"


async def test_a_new_room_is_opened_once_by_two_at_once(store: Store) -> None:
    await asyncio.gather(*(store.ask(f"hi {n}", chat="-9", who=(ANN, BOB)[n]) for n in range(2)))
    assert await store.pool.fetchval("SELECT count(*) FROM rooms") == 1
    assert await store.pool.fetchval("SELECT count(*) FROM sessions") == 1
    assert await store.pool.fetchval("SELECT count(*) FROM turns") == 2


# Taking a turn -------------------------------------------------------------------


async def test_a_claim_brings_todos_notes_and_context(store: Store) -> None:
    first = await store.started("one")
    state = PostgresSessionState(store.pool, first.session.id)
    await state.replace_todos((Todo("pack", "open"), Todo("go", "done")))
    await state.write_note("plan", "b")
    await state.write_note("map", "a")
    calls = (ToolCall("c", "clock", {"zone": "UTC"}),)
    said_so = (
        entry("user", "one"),
        entry("assistant", "", thinking="hm", tool_calls=calls),
        entry("tool", "noon", tool_call_id="c", name="clock"),
    )
    await store.turns.finish(first.id, "done", said_so, METRICS, ())
    start = await store.started("two")
    assert start.todos == (Todo("pack", "open"), Todo("go", "done"))
    assert start.notes == ("map", "plan")
    seen = [(m.role, m.content, m.thinking, m.tool_calls, m.tool_call_id) for m in start.context]
    assert seen == [
        ("user", "one", "", (), ""),
        ("assistant", "", "hm", calls, ""),
        ("tool", "noon", "", (), "c"),
    ]
    assert all(m.created_at is not None and m.created_at.tzinfo for m in start.context)


@pytest.mark.parametrize("chat", ["5", "-7"])
async def test_the_intent_of_the_first_send_is_stored_with_the_claim(
    store: Store, chat: str
) -> None:
    """As delivery would have stored it; a turn that was begun before has none."""
    accepted = await store.ask("hi", chat=chat)
    start = await store.turns.claim(accepted.room)
    assert start is not None
    assert len(start.begun) == 36
    stored = await store.outbox.load(start.head.key)
    assert stored is not None
    assert stored.head == start.head
    assert await store.pool.fetchval("SELECT head FROM outbox") == codec.dump_head(start.head)
    (page,) = stored.pages
    assert (page.transaction, page.uncertain, page.message_id) == (start.begun, True, "")
    await store.turns.requeue(start.id, 0.0, crashed=True)
    again = await store.turns.claim(accepted.room)
    assert again is not None
    assert again.begun == ""


async def test_a_turn_given_back_politely_keeps_what_was_noted(store: Store) -> None:
    """Its message is there: the next claim leaves it as it is."""
    start = await store.started()
    note = PageNote(start.head.key, 0, "77", "", uncertain=False, shown=Page((Line("x"),)))
    await store.outbox.note([note])
    await store.turns.requeue(start.id, 0.0)
    again = await store.turns.claim(start.head.room)
    assert again is not None
    assert (again.attempts, again.begun) == (1, "")
    stored = await store.outbox.load(start.head.key)
    assert stored is not None
    assert (stored.pages[0].message_id, stored.pages[0].uncertain) == ("77", False)


async def test_a_recalls_turn_has_no_intent(store: Store) -> None:
    """It may end without a word, which an outbox row would belie."""
    accepted = await store.ask("look", kind="recall")
    start = await store.turns.claim(accepted.room)
    assert start is not None
    assert start.begun == ""
    assert await store.outbox.load(start.head.key) is None


async def test_many_claims_at_once_take_a_turn_once(store: Store) -> None:
    room = (await store.ask("hi")).room
    claims = await asyncio.gather(*(store.turns.claim(room) for _ in range(8)))
    assert sum(claim is not None for claim in claims) == 1


# Going on ------------------------------------------------------------------------


async def test_a_batch_is_journalled_together_with_what_comes_before_it(store: Store) -> None:
    start = await store.started()
    assistant = Message("assistant", "", tool_calls=(ToolCall("a", "clock", {}),))
    question = (entry("user", "hi"),)
    await store.turns.begin_batch(start.id, 1, assistant, {"a": "R0"}, question)
    await store.turns.requeue(start.id, 0.0, crashed=True)
    again = await store.turns.claim(start.head.room)
    assert again is not None
    assert again.resumed
    assert [m.content for m in again.context] == ["hi"]
    assert again.pending is not None
    assert [c.result for c in again.pending.calls] == [None]


async def test_a_batch_without_anything_before_it_asks_nothing(store: Store) -> None:
    start = await store.started()
    assistant = Message("assistant", "", tool_calls=(ToolCall("a", "clock", {}),))
    await store.turns.begin_batch(start.id, 1, assistant, {"a": "R0"})
    asked = await store.pool.fetchval("SELECT asked FROM turns")
    assert asked is False


async def test_a_record_ends_calls_and_tells_the_profile(store: Store) -> None:
    start = await store.started()
    calls = (ToolCall("a", "clock", {}), ToolCall("b", "clock", {}))
    assistant = Message("assistant", "", tool_calls=calls)
    await store.turns.begin_batch(start.id, 1, assistant, {"a": "R0", "b": "R0"})
    await store.sessions.set_profile(start.session.id, "developer")
    results = [entry("tool", "noon", tool_call_id=one, name="clock") for one in ("a", "b")]
    ended = [CallEnd(1, "a", "noon", True), CallEnd(1, "b", "no\0pe", False)]
    whole = (entry("assistant", "", tool_calls=calls), *results)
    assert await store.turns.record(start.id, whole, (), ended) == "developer"
    kept = await store.sessions.last_calls(start.head.room)
    assert [(one.result, one.ok) for one in kept] == [("noon", True), ("no\ufffdpe", False)]


async def test_a_record_for_no_turn_is_a_bug(store: Store) -> None:
    with pytest.raises(Bug):
        await store.turns.record(TurnId(999), (entry("user", "hi"),))
    assert await store.pool.fetchval("SELECT count(*) FROM messages") == 0


# Ending ----------------------------------------------------------------------------


async def test_an_end_wakes_the_room_only_if_somebody_waits(store: Store) -> None:
    first = await store.started("one")
    assert await jobs(store) == 1
    await store.turns.finish(first.id, "done", (), None, ())
    assert await jobs(store) == 1
    second = await store.started("two")
    await store.ask("three")
    assert await jobs(store) == 3
    await store.turns.finish(second.id, "done", (), None, ())
    assert await jobs(store) == 4


async def test_an_end_that_comes_too_late_stores_none_of_its_posts(store: Store) -> None:
    start = await store.started()
    post = Post(start.head, (Page((Line("late"),)),))
    await store.turns.finish(start.id, "stopped", (), None, ())
    await store.turns.finish(start.id, "done", (entry("user", "hi"),), METRICS, (post,))
    assert await store.outbox.unfinished("telegram", "1") == ()
    assert await store.sessions.history(start.session.id, 10) == ()


async def test_an_end_that_is_refused_leaves_the_turn_running(store: Store) -> None:
    """All of it or nothing: a post that cannot be stored takes the state back with it."""
    start = await store.started()
    pages = (Page((Line("x"),)),)
    nowhere = replace(start.head, key="x", room=RoomId(999))
    posts = (Post(start.head, pages), Post(nowhere, pages))
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await store.turns.finish(start.id, "done", (entry("user", "hi"),), METRICS, posts)
    assert await store.pool.fetchval("SELECT state FROM turns") == "running"
    assert await store.sessions.history(start.session.id, 10) == ()
    assert await store.outbox.unfinished("telegram", "1") == ()


async def test_notes_and_ends_of_the_same_pages_never_lock_each_other_out(store: Store) -> None:
    """Ten turns end while all their pages are noted, again and again."""
    starts = []
    for number in range(10):
        accepted = await store.ask(f"hi {number}", chat=str(100 + number))
        start = await store.turns.claim(accepted.room)
        assert start is not None
        starts.append(start)
    notes = [PageNote(start.head.key, 0, f"m{start.id}", uncertain=False) for start in starts]
    pages = tuple(Page((Line(f"page {number}"),)) for number in range(3))

    async def note() -> None:
        for _ in range(10):
            await store.outbox.note(notes)

    ends = (
        store.turns.finish(start.id, "done", (), None, (Post(start.head, pages),))
        for start in starts
    )
    await asyncio.wait_for(asyncio.gather(note(), *ends, note()), 20)
    posts = await store.outbox.unfinished("telegram", "1")
    assert {post.pages[0].message_id for post in posts} == {note.message_id for note in notes}
