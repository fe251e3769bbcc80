"""V-32: two people in two rooms and one group never see each other's data by a command."""

import asyncpg
import pytest
from rooms.stage import ANN, BOB, TEAM, Stage, buttons, origin, private, said

from navi_bot.messages import Address, Entry, Message, Pressed, Role, Sender
from navi_bot.ports.records import Metrics
from navi_bot.store.state import PostgresSessionState
from navi_bot.texts import rooms as texts

MARKS = {"ann": "ANNS-SECRET", "bob": "BOBS-SECRET", "team": "TEAMS-MATTER"}
COMMANDS = ("status", "notes", "usage", "profile", "model", "think", "whoami", "tools", "help")


@pytest.fixture
async def stage(database: asyncpg.Pool) -> Stage:
    """Both have their own chat with a mark in everything it holds, and share a group."""
    stage = Stage(database)
    await stage.let_in(ANN, Role.OWNER)
    await stage.let_in(BOB, Role.MEMBER)
    for tokens, (mark, who, room) in enumerate(
        [("ann", ANN, private(ANN)), ("bob", BOB, private(BOB)), ("team", ANN, TEAM)], 1
    ):
        await fill(stage, who, room, MARKS[mark], 1111 * tokens)
    return stage


async def fill(stage: Stage, who: Sender, room: Address, mark: str, tokens: int) -> None:
    """Have a question answered in a room, with notes; the mark is everywhere."""
    await stage.hear(said(mark, who, room))
    number = await stage.room(room)
    start = await stage.turns.claim(number)
    assert start is not None
    entries = [Entry(Message("user", mark)), Entry(Message("assistant", mark))]
    metrics = Metrics(tokens, tokens, 0, 1.0, mark)
    await stage.turns.finish(start.id, "done", entries, metrics, ())
    await PostgresSessionState(stage.pool, start.session.id).write_note(mark, mark)


async def shown_to(stage: Stage, who: Sender, room: Address) -> str:
    """Return all that every command says to somebody in a room."""
    stage.delivery.order.clear()
    await stage.hear(*(said(f"/{name}", who, room) for name in COMMANDS))
    return "\n".join(stage.delivery.texts(room))


async def test_a_command_shows_the_data_of_its_own_room_alone(stage: Stage) -> None:
    stage.now = await stage.pool.fetchval("SELECT now()")
    places = [(ANN, private(ANN), "ann"), (BOB, private(BOB), "bob"), (ANN, TEAM, "team")]
    tokens = {"ann": "1,111", "bob": "2,222", "team": "3,333"}
    for who, room, own in [*places, (BOB, TEAM, "team")]:
        shown = await shown_to(stage, who, room)
        for mark, secret in MARKS.items():
            assert (secret in shown) is (mark == own), (who.name, room.chat, mark)
            assert (tokens[mark] in shown) is (mark == own), (who.name, room.chat, mark)


async def test_what_one_person_changes_is_changed_in_that_room_alone(stage: Stage) -> None:
    for command in ("/profile developer", "/model large:27b", "/think off", "/new"):
        await stage.hear(said(command, BOB))
    for room in (private(ANN), TEAM):
        number = await stage.room(room)
        session = await stage.sessions.current(number)
        assert (session.profile_id, session.message_count) == ("secretary", 2)
        assert (await stage.sessions.room_settings(number)).model is None


async def test_again_is_about_the_own_room(stage: Stage) -> None:
    await stage.hear(said("/retry", BOB))
    assert await stage.questions("queued") == [MARKS["bob"]]


async def test_a_stop_drops_nothing_elsewhere(stage: Stage) -> None:
    await stage.hear(said("Ann's next"), said("Bob's next", BOB), said("Team's", BOB, TEAM))
    await stage.hear(said("/stop", BOB))
    assert await stage.questions("queued") == ["Ann's next", "Team's"]


async def test_late_messages_are_answered_for_their_sender_and_room(stage: Stage) -> None:
    """A forged span of inbox numbers reaches nobody else's messages."""
    await stage.hear(said("Ann's old", ANN, TEAM, minutes_old=400))
    await stage.hear(said("Bob's old", BOB, TEAM, minutes_old=400))
    asked = stage.delivery.last
    (data,) = [data for data in buttons(asked) if data.startswith("fresh:")]
    assert await stage.press(asked, "fresh:1-999", BOB) == texts.PRESS_EXPIRED()
    await stage.press(asked, data, BOB)
    assert await stage.questions("queued") == ["Bob's old"]


async def test_a_message_of_another_room_cannot_be_pressed(stage: Stage) -> None:
    await stage.hear(said("/profile"))
    await stage.sent(stage.delivery.last, "m1")
    stolen = Pressed(origin(BOB, private(BOB), message="m1"), "profile:developer", "p1")
    impostor = Pressed(origin(BOB, private(ANN), message="m1"), "profile:developer", "p2")
    await stage.hear(stolen, impostor)
    assert stage.delivery.toasts == {"p1": texts.PRESS_EXPIRED(), "p2": texts.NOT_YOURS()}
    session = await stage.sessions.current(await stage.room(private(ANN)))
    assert session.profile_id == "secretary"
