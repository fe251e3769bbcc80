"""Taking in, queueing, journalling and ending turns, on a real PostgreSQL."""

import asyncio

import pytest
from store.stage import ANN, BOB, NOW, Store, entry, said

from navi_bot.errors import Bug
from navi_bot.messages import (
    Address,
    Allowed,
    Attachment,
    Button,
    ChatKind,
    Entry,
    Line,
    Message,
    Origin,
    Page,
    Post,
    Pressed,
    Prose,
    Role,
    Sender,
    ToolCall,
)
from navi_bot.pagehash import page_hash
from navi_bot.ports.delivery import PageNote
from navi_bot.ports.records import CallEnd, Metrics, TurnRequest, TurnStart


async def test_an_event_is_taken_in_once(store: Store) -> None:
    """Twenty redeliveries at once make one turn and one wake-up."""
    inbound = said("hi", key="same")
    request = TurnRequest("hi")
    results = await asyncio.gather(
        *(store.inbox.take(inbound, store.ann, request, "") for _ in range(20))
    )
    assert sum(result is not None for result in results) == 1
    assert await store.pool.fetchval("SELECT count(*) FROM turns") == 1
    jobs = await store.pool.fetchval("SELECT count(*) FROM procrastinate.procrastinate_jobs")
    assert jobs == 1
    assert (await store.inbox.facts(inbound)).duplicate


async def test_a_stranger_makes_no_rows(store: Store) -> None:
    facts = await store.inbox.facts(said("hi", key="k", chat="99", who=Sender("99", "Eve")))
    assert (facts.room, facts.person, facts.role) == (None, None, Role.GUEST)
    assert facts.owner_exists
    assert await store.pool.fetchval("SELECT count(*) FROM rooms") == 0


async def test_turns_of_a_room_are_taken_one_at_a_time_in_order(store: Store) -> None:
    room = (await store.ask("one")).room
    await store.ask("two")
    claims = await asyncio.gather(*(store.turns.claim(room) for _ in range(10)))
    taken = [claim for claim in claims if claim is not None]
    assert [claim.request.text for claim in taken] == ["one"]
    assert await store.turns.claim(room) is None
    await store.turns.finish(taken[0].id, "done", (), None, ())
    second = await store.turns.claim(room)
    assert second is not None
    assert second.request.text == "two"


async def test_facts_tell_what_runs_and_waits(store: Store) -> None:
    start = await store.started("one")
    await store.ask("two")
    facts = await store.inbox.facts(said("three", key="three"))
    assert [turn.state for turn in facts.active] == ["running", "queued"]
    assert facts.active[0].id == start.id
    assert facts.role is Role.OWNER


async def test_a_turn_leaves_history_context_and_posts_in_one_commit(store: Store) -> None:
    start = await store.started()
    page = Page((Prose("hello"),))
    final = entry("assistant", "hello", token_count=7, elapsed_seconds=1.5)
    metrics = Metrics(120, 7, 0, 1.5, "tiny")
    question = Entry(Message("user", "hi <facts>"), in_history=False)
    await store.turns.finish(
        start.id,
        "done",
        (Entry(Message("user", "hi"), in_context=False), question, final),
        metrics,
        (Post(start.head, (page,)),),
    )
    history = await store.sessions.history(start.session.id, 10)
    assert [(m.role, m.content) for m in history] == [("user", "hi"), ("assistant", "hello")]
    assert history[1].token_count == 7
    session = await store.sessions.current(start.head.room)
    assert (session.context_tokens, session.message_count) == (120, 2)
    (post,) = await store.outbox.unfinished("telegram", "1")
    assert post.final
    assert post.pages[0].desired == page
    assert post.pages[0].desired_hash == page_hash(page)
    await store.ask("next")
    following = await store.turns.claim(start.head.room)
    assert following is not None
    assert [m.content for m in following.context] == ["hi <facts>", "hello"]


async def test_a_turn_ends_once(store: Store) -> None:
    start = await store.started()
    await store.turns.finish(start.id, "stopped", (entry("user", "hi"),), None, ())
    await store.turns.finish(start.id, "done", (entry("user", "again"),), None, ())
    assert len(await store.sessions.history(start.session.id, 10)) == 1
    state = await store.pool.fetchval("SELECT state FROM turns WHERE id = $1", start.id)
    assert state == "stopped"


async def test_a_crash_in_a_batch_leaves_what_was_done(store: Store) -> None:
    """The journal has the intent and each result; the next claim finds them."""
    start = await store.started()
    await store.turns.record(start.id, (entry("user", "hi"),))
    calls = (ToolCall("a", "clock", {"x": 1}), ToolCall("b", "todo", {}))
    assistant = Message("assistant", "let me see", tool_calls=calls)
    await store.turns.begin_batch(start.id, 1, assistant, {"a": "R0", "b": "W1"})
    await store.turns.end_calls(start.id, [CallEnd(1, "a", "noon", True)])
    (left,) = await store.turns.interrupted("telegram", "1")
    assert (left.turn, left.had_effects, left.attempts) == (start.id, True, 1)
    await store.turns.requeue(start.id, 0.0, crashed=True)
    again = await store.turns.claim(start.head.room)
    assert again is not None
    assert again.resumed
    assert again.attempts == 2
    assert again.pending is not None
    assert again.pending.assistant.tool_calls == calls
    assert [(c.call.id, c.result) for c in again.pending.calls] == [("a", "noon"), ("b", None)]
    results = [entry("tool", "x", tool_call_id=one, name="n") for one in ("a", "b")]
    await store.turns.record(start.id, (Entry(assistant), *results))
    await store.turns.requeue(start.id, 0.0)
    last = await store.turns.claim(start.head.room)
    assert last is not None
    assert last.pending is None
    assert last.attempts == 2, "a polite requeue is no attempt"
    assert [m.role for m in last.context] == ["user", "assistant", "tool", "tool"]


async def test_an_unanswered_call_is_never_stored(store: Store) -> None:
    start = await store.started()
    orphan = entry("assistant", "", tool_calls=(ToolCall("a", "clock", {}),))
    with pytest.raises(Bug):
        await store.turns.record(start.id, (orphan,))
    assert await store.sessions.history(start.session.id, 10) == ()


async def test_stop_drops_what_waits_of_one_or_of_all(store: Store) -> None:
    room = (await store.ask("one", chat="-7")).room
    await store.turns.claim(room)
    await store.ask("two", chat="-7")
    await store.ask("three", chat="-7", who=BOB)
    await store.ask("four", chat="-7")
    dropped = await store.turns.drop_queued(room, store.ann)
    assert len(dropped) == 2
    assert len(await store.turns.drop_queued(room, None)) == 1


async def test_a_queued_turn_can_be_changed_and_a_running_one_not(store: Store) -> None:
    first = await store.started("one")
    second = await store.ask("two")
    assert second.turn is not None
    assert await store.turns.replace_queued(second.turn, "better")
    assert not await store.turns.replace_queued(first.id, "better")
    await store.turns.finish(first.id, "done", (), None, ())
    start = await store.turns.claim(second.room)
    assert start is not None
    assert start.request.text == "better"


async def test_what_a_turn_may_do_is_narrowed_and_never_widened(store: Store) -> None:
    """By an edit, or by a retry, from a device that is trusted less."""
    first = await store.started("one")
    second = await store.ask("two")
    assert second.turn is not None
    await store.turns.replace_queued(second.turn, "better", "talk")
    await store.turns.replace_queued(second.turn, "best")
    await store.turns.finish(first.id, "done", (), None, ())
    start = await store.turns.claim(second.room)
    assert start is not None
    assert (start.request.text, start.request.allowed) == ("best", "talk")
    await store.turns.finish(start.id, "done", (entry("assistant", "done"),), None, ())
    for given in ("all", "sandbox", "talk"):
        await store.turns.again(second.room, store.ann, "retry", allowed=given)
        start = await store.turns.claim(second.room)
        assert start is not None
        assert start.request.allowed == "talk"
        await store.turns.finish(start.id, "done", (entry("assistant", "done"),), None, ())


async def test_an_album_becomes_one_turn(store: Store) -> None:
    first = await store.ask("two", key="a", album="x", attachments=(Attachment("image", "1", "1"),))
    second = await store.ask("", key="b", album="x", attachments=(Attachment("image", "2", "2"),))
    assert first.turn == second.turn
    start = await store.turns.claim(first.room)
    assert start is not None
    assert [one.ref for one in start.request.attachments] == ["1", "2"]
    assert start.request.text == "two"


async def test_steering_takes_only_the_askers_messages(store: Store) -> None:
    room = (await store.ask("one", chat="-7")).room
    start = await store.turns.claim(room)
    assert start is not None
    await store.ask("rather this", chat="-7", steer=True)
    await store.ask("mine", chat="-7", who=BOB, steer=True)
    ((turn, message),) = await store.turns.steering(start.id)
    assert message.content == "rather this"
    assert await store.turns.steering(start.id), "taken only when it is recorded"
    await store.turns.record(start.id, [Entry(message)], [turn])
    assert await store.turns.steering(start.id) == ()


@pytest.mark.parametrize(
    ("running", "said", "taken"),
    [
        ("all", "all", True),
        ("all", "sandbox", False),
        ("sandbox", "sandbox", True),
        ("sandbox", "all", True),
        ("sandbox", "talk", False),
        ("talk", "talk", True),
    ],
)
async def test_a_turn_takes_no_words_that_may_less_than_itself(
    store: Store, running: Allowed, said: Allowed, taken: bool
) -> None:
    """Its permission holds for all its steps, so they wait for a turn of their own."""
    room = (await store.ask("one", allowed=running)).room
    start = await store.turns.claim(room)
    assert start is not None
    await store.ask("rather this", steer=True, allowed=said)
    assert bool(await store.turns.steering(start.id)) is taken


async def test_a_turn_that_nobody_reads_along_with_takes_no_steering(store: Store) -> None:
    """It may show nothing, and the message would go with it."""
    room = (await store.ask("one")).room
    await store.pool.execute("""UPDATE turns SET request = request || '{"kind": "recall"}'""")
    start = await store.turns.claim(room)
    assert start is not None
    await store.ask("rather this", steer=True)
    assert await store.turns.steering(start.id) == ()


async def test_a_retry_takes_the_answer_back_and_keeps_the_history(store: Store) -> None:
    start = await store.started("hi")
    entries = (entry("user", "hi"), entry("assistant", "bad"))
    await store.turns.finish(start.id, "done", entries, None, ())
    turn = await store.turns.again(start.head.room, store.ann, "retry")
    again = await store.turns.claim(start.head.room)
    assert again is not None
    assert (again.id, again.request.text, again.context) == (turn, "hi", ())
    assert len(await store.sessions.history(start.session.id, 10)) == 2


async def test_continue_keeps_everything_and_asks_nothing(store: Store) -> None:
    start = await store.started("hi")
    entries = (entry("user", "hi"), entry("assistant", "half"))
    await store.turns.finish(start.id, "done", entries, None, ())
    await store.turns.again(start.head.room, store.ann, "continue")
    again = await store.turns.claim(start.head.room)
    assert again is not None
    assert (again.request.kind, again.request.text) == ("continue", "")
    assert len(again.context) == 2


async def test_nothing_to_do_again_is_none(store: Store) -> None:
    room = (await store.ask("hi")).room
    assert await store.turns.again(room, store.ann, "retry") is None


def noted(start: TurnStart, number: int, message_id: str, page: Page) -> PageNote:
    """Return the note of a page that the platform took."""
    return PageNote(
        start.head.key, number, message_id, page_hash(page), uncertain=False, shown=page
    )


async def test_a_press_finds_the_buttons_of_our_own_message_in_that_room(store: Store) -> None:
    start = await store.started()
    page = Page((Line("working"),), ((Button("Stop", "stop:1"),),))
    await store.outbox.begin(start.head, 0, "t", page)
    await store.outbox.note([noted(start, 0, "77", page)])
    origin = Origin("p", start.head.address, ChatKind.PRIVATE, ANN, "77", NOW)
    facts = await store.inbox.facts(Pressed(origin, "stop:1", "x"))
    assert (facts.shown, facts.shown_post) == (page.buttons[0], start.head.key)
    elsewhere = Origin("p", Address("telegram", "1", "6"), ChatKind.PRIVATE, BOB, "77", NOW)
    assert (await store.inbox.facts(Pressed(elsewhere, "stop:1", "x"))).shown == ()


async def test_an_uncertain_send_and_surplus_pages_are_remembered(store: Store) -> None:
    start = await store.started()
    page = Page((Line("one"),))
    for number in range(2):
        await store.outbox.begin(start.head, number, f"t{number}", page)
    await store.outbox.note([noted(start, 1, "78", page)])
    stored = await store.outbox.load(start.head.key)
    assert stored is not None
    assert [one.uncertain for one in stored.pages] == [True, False]
    assert not stored.final
    await store.turns.finish(start.id, "done", (), None, (Post(start.head, (page,)),))
    (post,) = await store.outbox.unfinished("telegram", "1")
    assert [one.desired for one in post.pages] == [page, None]
    gone = PageNote(start.head.key, 1, message_id="", acknowledged_hash="")
    await store.outbox.note([noted(start, 0, "77", page), gone])
    assert await store.outbox.unfinished("telegram", "1") == ()


async def test_an_abandoned_room_is_left_alone(store: Store) -> None:
    start = await store.started()
    await store.turns.finish(start.id, "done", (), None, (Post(start.head, (Page((Line("x"),)),)),))
    await store.outbox.abandon(start.head.room, "blocked")
    assert await store.outbox.unfinished("telegram", "1") == ()


async def test_two_people_never_see_each_others_data(store: Store) -> None:
    """Rooms, sessions, contexts and presses are looked up by room alone."""
    texts = {}
    for who, chat in ((ANN, "5"), (BOB, "6"), (ANN, "-7"), (BOB, "-8")):
        accepted = await store.ask(f"secret of {chat}", chat=chat, who=who)
        start = await store.turns.claim(accepted.room)
        assert start is not None
        mine = (entry("user", f"secret of {chat}"),)
        await store.turns.finish(start.id, "done", mine, None, ())
        texts[chat] = accepted.room
    for chat, room in texts.items():
        session = await store.sessions.current(room)
        history = await store.sessions.history(session.id, 100)
        assert [m.content for m in history] == [f"secret of {chat}"]
    others = await store.inbox.between(texts["5"], 0, 10_000, store.bob)
    assert others == ()


async def test_a_message_that_postgresql_cannot_hold_is_cleaned(store: Store) -> None:
    accepted = await store.ask("nul \0 and \ud800 surrogate", key="bad\0key")
    start = await store.turns.claim(accepted.room)
    assert start is not None
    assert start.request.text == "nul \ufffd and \ufffd surrogate"
    await store.turns.finish(start.id, "failed", (entry("user", "a\0b\udfff"),), None, (), "x\0")


async def test_a_group_becomes_a_supergroup_with_everything(store: Store) -> None:
    accepted = await store.ask("hi", chat="-7")
    await store.inbox.move_room(Address("telegram", "1", "-7"), "-100")
    start = await store.turns.claim(accepted.room)
    assert start is not None
    assert start.head.address.chat == "-100"


async def test_writes_of_a_turn_do_not_grow_with_the_history(store: Store) -> None:
    """Promise 10: WAL of a turn late in a session within 1.3 times of an early one."""

    async def turn(number: int) -> int:
        before = await store.pool.fetchval("SELECT pg_current_wal_insert_lsn()")
        accepted = await store.ask(f"question {number:04}", key=str(number))
        start = await store.turns.claim(accepted.room)
        assert start is not None
        page = Page((Prose("answer " * 20),))
        mine = (entry("user", "question"), entry("assistant", "answer " * 20))
        await store.turns.finish(start.id, "done", mine, None, (Post(start.head, (page,)),))
        await store.pool.execute(
            "UPDATE context SET folded_by = id WHERE session_id = $1 AND folded_by IS NULL",
            start.session.id,
        )
        return int(await store.pool.fetchval("SELECT pg_current_wal_insert_lsn() - $1", before))

    await store.pool.execute("CHECKPOINT")
    sizes = [await turn(number) for number in range(210)]
    early, late = sorted(sizes[10:30])[10], sorted(sizes[-20:])[10]
    assert late <= early * 1.3
