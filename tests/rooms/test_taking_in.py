"""Taking batches in: once each, in order, with their cursor, whatever breaks off."""

import asyncio
from dataclasses import replace

import asyncpg
import pytest
from rooms.stage import (
    ACCOUNT,
    ANN,
    BOB,
    NOW,
    PLATFORM,
    TEAM,
    FlakyInbox,
    Stage,
    at,
    buttons,
    origin,
    private,
    said,
)
from structlog.testing import capture_logs

from navi_bot.decide import QUEUE_LIMIT
from navi_bot.errors import StoreError, StoreUnavailable
from navi_bot.messages import (
    Edited,
    Inbound,
    Left,
    Moved,
    Pressed,
    Returned,
    Role,
    RoomSettings,
    Withdrawn,
)
from navi_bot.rooms import QUEUED_MARK
from navi_bot.texts import commands as command_texts
from navi_bot.texts import rooms as texts


@pytest.fixture
async def stage(database: asyncpg.Pool) -> Stage:
    stage = Stage(database)
    await stage.let_in(ANN, Role.OWNER)
    return stage


async def cursor(stage: Stage) -> str:
    return await stage.inbox.cursor(PLATFORM, ACCOUNT)


async def test_a_batch_is_taken_in_order_and_the_cursor_moves(stage: Stage) -> None:
    await stage.hear(said("one"), said("two"), said("three"), cursor="s1")
    assert await stage.questions("queued") == ["one", "two", "three"]
    assert await cursor(stage) == "s1"


async def test_a_batch_of_nothing_for_us_moves_the_cursor_too(stage: Stage) -> None:
    """A platform is not asked again for what was talk among others."""
    await stage.hear(said("one"), replace(said("talk", room=TEAM), addressed=False), cursor="s2")
    assert await cursor(stage) == "s2"
    assert await stage.questions() == ["one"]


async def test_the_cursor_stays_until_the_whole_batch_is_stored(stage: Stage) -> None:
    """The database goes away in mid-batch: the adapter asks again, nothing is lost or doubled."""
    batch = [said("one"), said("two"), said("three")]
    away = StoreUnavailable("The database does not answer now.")
    whole = stage.inbox
    stage.inbox = FlakyInbox(stage.pool, lambda one: away if one is batch[1] else None)
    with pytest.raises(StoreUnavailable):
        await stage.hear(*batch, cursor="s3")
    assert await cursor(stage) == ""
    assert await stage.questions() == ["one"]
    stage.inbox = whole
    await stage.hear(*batch, cursor="s3")
    assert await stage.questions() == ["one", "two", "three"]
    assert await cursor(stage) == "s3"


@pytest.mark.parametrize("fault", [StoreUnavailable("Away."), StoreError("The disk is full.")])
async def test_a_database_that_is_ill_is_the_adapters_to_know(
    stage: Stage, fault: Exception
) -> None:
    """It keeps its offset then."""
    stage.inbox = FlakyInbox(stage.pool, lambda _: fault)
    with pytest.raises(type(fault)):
        await stage.hear(said("one"))


async def test_one_event_that_breaks_us_does_not_dam_up_the_others(stage: Stage) -> None:
    bad = said("bad")
    stage.inbox = FlakyInbox(stage.pool, lambda one: KeyError("bug") if one is bad else None)
    with capture_logs() as logs:
        await stage.hear(bad, said("good"), cursor="s4")
    assert await stage.questions() == ["good"]
    assert await cursor(stage) == "s4"
    (refused,) = [line for line in logs if line["event"] == "event_refused"]
    assert "bad" not in str({key: refused[key] for key in refused if key != "exc_info"})


EVENTS = {
    "a question": said("hello"),
    "a command": said("/profile developer"),
    "an unknown command": said("/dance"),
    "an empty message": said(" "),
    "an old message": said("hello?", minutes_old=400),
    "a forged press": Pressed(origin(message="1"), "stop:1", "p1"),
}


@pytest.mark.parametrize("inbound", EVENTS.values(), ids=EVENTS.keys())
async def test_what_is_delivered_again_has_no_second_effect(stage: Stage, inbound: Inbound) -> None:
    """C-06, in the same batch, in a later one and after a restart."""
    await stage.hear(said("before"))
    await stage.hear(inbound)
    stage.delivery.toasts.clear()
    before = [await stage.count(table) for table in ("inbox", "turns", "outbox", "rooms")]
    shown = len(stage.delivery.order)
    await stage.hear(inbound)
    await stage.restart()
    assert [await stage.count(table) for table in ("inbox", "turns", "outbox", "rooms")] == before
    assert len(stage.delivery.order) == shown


async def test_a_backlog_is_taken_in_whole_and_in_order(stage: Stage) -> None:
    """Promise 2: what was sent while we were down is never refused, however much it is."""
    backlog = [said(f"question {n}", minutes_old=60 - n) for n in range(QUEUE_LIMIT + 5)]
    await stage.hear(*backlog)
    assert await stage.questions("queued") == [one.text for one in backlog]
    assert stage.delivery.texts() == []


async def test_a_queue_that_is_full_says_so(stage: Stage) -> None:
    await stage.hear(*(said(f"question {n}") for n in range(QUEUE_LIMIT + 1)))
    assert len(await stage.questions("queued")) == QUEUE_LIMIT
    assert stage.delivery.texts() == [texts.QUEUE_FULL()]


SENTENCES = {
    "empty": (" ", texts.EMPTY()),
    "too long": ("x" * 100_001, texts.TOO_LONG()),
    "unknown": ("/dance now", texts.UNKNOWN_COMMAND()),
}


@pytest.mark.parametrize(("text", "answer"), SENTENCES.values(), ids=SENTENCES.keys())
async def test_what_cannot_be_asked_is_answered_in_a_sentence(
    stage: Stage, text: str, answer: str
) -> None:
    await stage.hear(said(text))
    assert stage.delivery.texts() == [answer]
    assert await stage.questions() == []


async def test_a_message_that_waits_is_marked_at_once(stage: Stage) -> None:
    """NX-13: queued is shown, in words to nobody; the first one needs no mark."""
    first, second = said("one"), said("two")
    await stage.hear(first, second)
    assert stage.delivery.reactions == [(second.origin.message_id, QUEUED_MARK)]


async def test_rooms_do_not_wait_for_each_other(stage: Stage) -> None:
    await stage.hear(said("here"), said("there", room=TEAM))
    assert stage.delivery.reactions == []


async def test_a_message_steers_the_running_turn_where_that_is_wanted(stage: Stage) -> None:
    await stage.hear(said("one"))
    room = await stage.room(private(ANN))
    await stage.sessions.change_settings(room, RoomSettings(steer=True))
    turn = stage.runs(await stage.begun(room), room, private(ANN), ANN)
    with stage.running.entered(turn):
        steering = said("rather this")
        await stage.hear(steering)
        assert turn.steered
    assert [message.content for _, message in await stage.turns.steering(turn.turn)] == [
        "rather this"
    ]
    assert stage.delivery.reactions == [(steering.origin.message_id, QUEUED_MARK)]


async def test_edits_replace_what_waits_in_their_order(stage: Stage) -> None:
    """C-08; a thousand edits are one turn."""
    question = said("first words")
    edits = [Edited(origin(message=question.origin.message_id), f"edit {n}") for n in range(30)]
    await stage.hear(question, *edits)
    assert await stage.questions("queued") == ["edit 29"]


async def test_an_edit_of_what_is_answered_changes_nothing(stage: Stage) -> None:
    question = said("first words")
    await stage.hear(question)
    await stage.begun(await stage.room(private(ANN)))
    await stage.hear(Edited(origin(message=question.origin.message_id), "other words"))
    assert await stage.questions() == ["first words"]


async def test_nobody_edits_or_withdraws_anothers_words(stage: Stage) -> None:
    await stage.let_in(BOB, Role.MEMBER)
    question = said("Ann's", room=TEAM)
    await stage.hear(question)
    message = question.origin.message_id
    bobs = origin(BOB, TEAM, message=message)
    await stage.hear(Edited(bobs, "Bob's"), Withdrawn(replace(bobs, key="w")))
    assert await stage.questions("queued") == ["Ann's"]


async def test_a_withdrawn_message_is_not_answered(stage: Stage) -> None:
    kept, withdrawn = said("kept"), said("withdrawn")
    await stage.hear(kept, withdrawn, Withdrawn(origin(message=withdrawn.origin.message_id)))
    assert await stage.questions("queued") == ["kept"]


async def test_a_chat_that_moves_stays_one_room(stage: Stage) -> None:
    """A group became a supergroup; what follows in the same batch finds its room moved."""
    new = replace(TEAM, chat="-1007")
    await stage.hear(said("old", room=TEAM))
    await stage.hear(Moved(origin(room=TEAM), new.chat), at(said("new", room=TEAM), new))
    assert await stage.count("rooms") == 1
    assert await stage.questions("queued") == ["old", "new"]


async def test_a_stranger_chat_that_moves_makes_no_room(stage: Stage) -> None:
    await stage.hear(Moved(origin(room=TEAM), "-1007"))
    assert await stage.count("rooms") == 0


async def state_of_room(stage: Stage) -> str:
    state: str = await stage.pool.fetchval("SELECT state FROM rooms")
    return state


async def test_a_room_that_is_left_has_no_queue_any_more(stage: Stage) -> None:
    """Nobody can be answered there, so nothing is asked of the model."""
    await stage.hear(said("one", room=TEAM), said("two", room=TEAM))
    room = await stage.room(TEAM)
    turn = stage.runs(await stage.begun(room), room, TEAM, ANN)
    with stage.running.entered(turn):
        await stage.hear(Left(origin(room=TEAM), "kicked"))
        assert turn.stop.is_set
    assert await state_of_room(stage) == "gone"
    assert await stage.questions("queued") == []


@pytest.mark.parametrize(
    "inbound",
    [Returned(origin(room=TEAM)), said("hello again", room=TEAM)],
    ids=["added back", "spoken to"],
)
async def test_a_room_that_can_be_answered_is_active_again(stage: Stage, inbound: Inbound) -> None:
    await stage.hear(said("one", room=TEAM), Left(origin(room=TEAM), "kicked"))
    await stage.hear(inbound)
    assert await state_of_room(stage) == "active"


async def test_commands_do_not_wait_behind_turns(stage: Stage) -> None:
    await stage.hear(said("one"), said("two"), said("/whoami"))
    assert stage.delivery.texts() == ["You are telegram:5, my owner."]
    assert len(await stage.questions("queued")) == 2


async def test_a_command_has_its_effect_on_what_follows_it(stage: Stage) -> None:
    """/new and a question after it in one batch: the question is in the new session."""
    await stage.hear(said("old"))
    await stage.begun(await stage.room(private(ANN)))
    await stage.turns.finish(
        (await stage.pool.fetchval("SELECT id FROM turns")), "done", (), None, ()
    )
    await stage.hear(said("/new"), said("new"))
    sessions = await stage.pool.fetch("SELECT session_id FROM turns ORDER BY id")
    assert sessions[0]["session_id"] != sessions[1]["session_id"]


async def test_a_command_that_a_crash_cut_off_is_carried_out(stage: Stage) -> None:
    """Taken in, and then nothing: at the next start it is done, once."""
    command = said("/whoami")
    await stage.inbox.take(command, stage.ids[ANN.id], None, "")
    await stage.restart()
    await stage.restart()
    assert stage.delivery.texts() == ["You are telegram:5, my owner."]
    assert len(stage.delivery.order) == 1


async def test_a_press_that_is_quicker_than_our_note_counts(stage: Stage) -> None:
    """People see a button when the platform has it; our note of its message comes later."""
    await stage.hear(said("/profile"))
    shown = stage.delivery.last
    data = next(one for one in buttons(shown) if one.endswith("developer"))
    pressed = Pressed(origin(ANN, message="early"), data, "p-early")
    async with stage.rooms() as rooms, asyncio.TaskGroup() as tasks:
        tasks.create_task(rooms.accept((pressed,), ""))
        await asyncio.sleep(0.05)
        await stage.sent(shown, "early")
    assert stage.delivery.toasts["p-early"] != texts.PRESS_EXPIRED()
    assert (
        await stage.sessions.profile_id(
            (await stage.sessions.current(await stage.room(private(ANN)))).id
        )
        == "developer"
    )


async def test_a_reply_is_stored_before_it_is_shown(stage: Stage) -> None:
    """A crash after the commit loses nothing: the outbox has it."""
    await stage.hear(said("/whoami"))
    key = stage.delivery.last.head.key
    stored = await stage.outbox.load(key)
    assert stored is not None
    assert stored.final
    assert tuple(page.desired for page in stored.pages) == stage.delivery.last.pages


async def test_an_event_that_crashes_us_is_set_aside_and_its_sender_told(stage: Stage) -> None:
    """P12: three beginnings without an end; the fourth is not made."""
    taken = await stage.inbox.take(said("/whoami"), stage.ids[ANN.id], None, "")
    assert taken is not None
    for _ in range(3):
        await stage.inbox.begin_attempt(taken.inbox)
    await stage.restart()
    assert stage.delivery.texts() == [texts.POISON(attempts=3, number=taken.inbox)]
    await stage.restart()
    assert len(stage.delivery.order) == 1


async def test_a_command_of_whoever_lost_their_rights_is_dropped(stage: Stage) -> None:
    await stage.inbox.take(said("/whoami"), stage.ids[ANN.id], None, "")
    await stage.people.revoke(PLATFORM, ANN.id)
    await stage.restart()
    assert stage.delivery.texts() == []
    assert await stage.inbox.unhandled(PLATFORM, ACCOUNT) == ()


async def test_now_is_when_it_is_taken_in(stage: Stage) -> None:
    """The platform's clock only tells old from new: the limit is NAVI_STALE_AFTER to the second."""
    edge = said("fresh", minutes_old=360)
    assert (NOW - edge.origin.sent_at).total_seconds() == stage.policy.stale_after
    await stage.hear(edge, said("stale", minutes_old=360.1))
    assert await stage.questions() == ["fresh"]
    assert command_texts.STALE_ANSWERING() not in stage.delivery.texts()
