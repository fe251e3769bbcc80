"""What each command does, on a real PostgreSQL."""

from dataclasses import replace
from datetime import timedelta

import asyncpg
import pytest
from pydantic import BaseModel
from rooms.stage import ANN, BOB, TEAM, Stage, buttons, private, said
from structlog.testing import capture_logs

from navi_bot.app.persona import Persona
from navi_bot.commands.table import Ask, Command, Desk, Reply
from navi_bot.errors import ModelUnavailable
from navi_bot.messages import (
    Button,
    Entry,
    Head,
    Line,
    Message,
    Page,
    Post,
    Pressed,
    Role,
    RoomId,
    ToolCall,
)
from navi_bot.ports.records import CallEnd, Metrics, turn_key
from navi_bot.ports.tools import Call, Effect, Result, Tool
from navi_bot.settings import Settings
from navi_bot.store.choices import PostgresChoices
from navi_bot.store.state import PostgresSessionState
from navi_bot.texts import commands as texts
from navi_bot.texts import rooms as room_texts


@pytest.fixture
async def stage(database: asyncpg.Pool) -> Stage:
    stage = Stage(database)
    await stage.let_in(ANN, Role.OWNER)
    await stage.let_in(BOB, Role.MEMBER)
    return stage


async def says(stage: Stage, text: str) -> str:
    """Send something in Ann's own chat; return what is shown for it."""
    stage.delivery.order.clear()
    await stage.hear(said(text))
    return "\n".join(stage.delivery.texts())


async def answered(stage: Stage, text: str = "question", tokens: int = 30) -> RoomId:
    """Ask something in Ann's own chat, and have it answered."""
    await stage.hear(said(text))
    room = await stage.room(private(ANN))
    start = await stage.turns.claim(room)
    assert start is not None
    entries = [Entry(Message("user", text)), Entry(Message("assistant", f"answer to {text}"))]
    metrics = Metrics(1200, tokens, 0, 1.0, "tiny")
    await stage.turns.finish(start.id, "done", entries, metrics, ())
    return room


async def last_turn(stage: Stage) -> int:
    number: int = await stage.pool.fetchval("SELECT max(id) FROM turns")
    return number


async def context(stage: Stage, room: RoomId) -> list[str]:
    """Take the room's next turn; return what its model would have seen."""
    start = await stage.turns.claim(room)
    assert start is not None
    return [message.content for message in start.context]


# About ---------------------------------------------------------------------


async def test_start_greets_by_name(stage: Stage) -> None:
    assert (await says(stage, "/start")).startswith(texts.GREETING(name="Ann"))


async def test_whoami_names_the_id_that_the_settings_want(stage: Stage) -> None:
    """NAVI_OWNERS takes exactly this."""
    assert await says(stage, "/whoami") == "You are telegram:5, my owner."


async def test_status_tells_how_the_room_is(stage: Stage) -> None:
    room = await answered(stage)
    assert (await says(stage, "/status")).splitlines() == [
        texts.STATUS_PROFILE(profile="secretary"),
        texts.STATUS_MODEL(model="tiny:latest"),
        texts.STATUS_CONTEXT(used="1.2k", window="10.0k", share=12),
        texts.STATUS_SESSION(count=2),
        texts.STATUS_IDLE(),
        "All is well.",
    ]
    await stage.hear(said("one"), said("two"))
    turn = stage.runs(await stage.begun(room), room, private(ANN), ANN)
    with stage.running.entered(turn):
        assert "Now: an answer begins. Waiting: 1." in await says(stage, "/status")
        turn.doing = "using the tool clock"
        assert "Now: using the tool clock. Waiting: 1." in await says(stage, "/status")


async def test_status_tells_ones_places_in_the_line(stage: Stage) -> None:
    """C-07: in a room of several people each learns where their own messages stand."""
    asked = [said("runs", room=TEAM), said("1", BOB, TEAM), said("2", room=TEAM)]
    await stage.hear(*asked, said("3", BOB, TEAM))
    room = await stage.room(TEAM)
    with stage.running.entered(stage.runs(await stage.begun(room), room, TEAM, ANN)):
        stage.delivery.order.clear()
        await stage.hear(said("/status", room=TEAM))
        assert "Waiting: 3. Yours in that line: 2." in stage.delivery.texts()[-1]
        stage.delivery.order.clear()
        await stage.hear(said("/status", BOB, TEAM))
        assert "Waiting: 3. Yours in that line: 1, 3." in stage.delivery.texts()[-1]


# The room ------------------------------------------------------------------


async def test_new_begins_a_session_and_keeps_the_old_one(stage: Stage) -> None:
    room = await answered(stage)
    await says(stage, "/profile developer")
    old = await stage.sessions.current(room)
    assert await says(stage, "/new") == texts.NEW_SESSION(count=2)
    new = await stage.sessions.current(room)
    assert (new.id != old.id, new.message_count, new.profile_id) == (True, 0, "developer")
    assert len(await stage.sessions.history(old.id, 10)) == 2
    await stage.hear(said("next"))
    assert await context(stage, room) == []


@pytest.mark.parametrize("command", ["/new", "/retry", "/continue"])
async def test_what_would_cross_a_running_answer_waits_for_it(stage: Stage, command: str) -> None:
    """Queued is as good as running: it is on its way."""
    await answered(stage)
    await stage.hear(said("next"))
    assert await says(stage, command) == texts.BUSY()
    await stage.begun(await stage.room(private(ANN)))
    assert await says(stage, command) == texts.BUSY()
    assert await stage.questions() == ["question", "next"]


async def test_profile_shows_what_there_is_and_which_it_is(stage: Stage) -> None:
    assert (await says(stage, "/profile")).splitlines() == [
        texts.PROFILES(),
        "✓ secretary: The secretary.",
        "developer: The developer.",
        "server_admin: The server_admin.",
    ]
    assert list(buttons(stage.delivery.last)) == [
        "profile:secretary",
        "profile:developer",
        "profile:server_admin",
    ]


async def test_profile_changes_the_room_even_while_a_turn_runs(stage: Stage) -> None:
    """T-09: a column of its own; the turn's end does not write it over."""
    room = await answered(stage)
    await stage.hear(said("next"))
    start = await stage.turns.claim(room)
    assert start is not None
    assert await says(stage, "/profile Developer") == texts.PROFILE_SET(name="Developer")
    await stage.turns.finish(start.id, "done", (), Metrics(1, 1, 0, 1.0, "tiny"), ())
    assert (await stage.sessions.current(room)).profile_id == "developer"


async def test_a_press_changes_the_profile_in_the_message_that_shows_it(stage: Stage) -> None:
    await says(stage, "/profile")
    shown = stage.delivery.last
    assert await stage.press(shown, "profile:developer") == texts.PROFILE_SET(name="Developer")
    assert "✓ developer" in stage.delivery.texts()[0]
    assert len(stage.delivery.texts()) == 1, "the same message"
    room = await stage.room(private(ANN))
    assert (await stage.sessions.current(room)).profile_id == "developer"


async def test_model_is_chosen_for_the_room(stage: Stage) -> None:
    assert (await says(stage, "/model")).splitlines() == [
        texts.MODELS(),
        "✓ tiny:latest",
        "large:27b",
    ]
    room = await stage.room(private(ANN))
    assert await says(stage, "/model large:27b") == texts.MODEL_SET(model="large:27b")
    assert (await stage.sessions.room_settings(room)).model == "large:27b"
    assert await says(stage, "/model tiny") == texts.MODEL_SET(model="tiny:latest")
    stage.host.fault = ModelUnavailable("The model host does not answer.")
    assert await says(stage, "/model default") == texts.MODEL_DEFAULT()
    assert (await stage.sessions.room_settings(room)).model is None


async def test_a_model_host_that_is_away_is_named(stage: Stage) -> None:
    stage.host.fault = ModelUnavailable("The model host does not answer.")
    assert await says(stage, "/model") == "The model host does not answer."


THINKING = {
    "on": (True, True),
    "off": (False, True),
    "hide": (True, False),
    "auto": (None, True),
}


@pytest.mark.parametrize("choice", THINKING)
async def test_think_is_chosen_for_the_room(stage: Stage, choice: str) -> None:
    assert (await says(stage, f"/think {choice.upper()}")).startswith(f"Thinking: {choice}.")
    settings = await stage.sessions.room_settings(await stage.room(private(ANN)))
    assert (settings.think, settings.show_thinking) == THINKING[choice]
    (row,) = stage.delivery.last.pages[-1].buttons
    assert [button.label for button in row if button.label.startswith("✓")] == [f"✓ {choice}"]


async def test_choices_keep_each_other(stage: Stage) -> None:
    for command in ("/model large:27b", "/think hide", "/profile developer"):
        await says(stage, command)
    settings = await stage.sessions.room_settings(await stage.room(private(ANN)))
    assert (settings.model, settings.think, settings.show_thinking) == ("large:27b", True, False)


WRONG = {
    "/profile chef": texts.NO_SUCH_PROFILE(
        wanted="chef", known="secretary, developer, server_admin"
    ),
    "/model huge": texts.NO_SUCH_MODEL(wanted="huge", known="tiny:latest, large:27b"),
    "/think maybe": texts.THINK_USAGE(),
    "/profile " + "x" * 5000: texts.NO_SUCH_PROFILE(
        wanted="x" * 60 + "…", known="secretary, developer, server_admin"
    ),
}


@pytest.mark.parametrize("text", WRONG, ids=["profile", "model", "think", "endless"])
async def test_a_wrong_argument_is_answered_with_the_mend(stage: Stage, text: str) -> None:
    assert await says(stage, text) == WRONG[text]


class Nothing(BaseModel):
    pass


async def nothing(_arguments: BaseModel, _call: Call) -> Result:
    return Result("")


async def test_tools_lists_the_good_and_the_bad(stage: Stage) -> None:
    """T-17: what was skipped is said, not swallowed."""
    assert texts.NO_TOOLS() in await says(stage, "/tools")
    clock = Tool(
        "clock", "Tell the time.\nMore.", Nothing, Effect.PURE, "always", "daemon", nothing
    )
    stage.tools = (clock, replace(clock, name="shell", description="", effect=Effect.HOST))
    stage.problems = ("rocket.py was left out: it has no description.",)
    lines = (await says(stage, "/tools")).splitlines()
    assert "- `clock` (R0): Tell the time." in lines
    assert "- `shell` (W3): " in lines
    assert "- ⚠ rocket.py was left out: it has no description." in lines


async def test_tools_with_a_name_shows_its_manual(stage: Stage) -> None:
    """N-132: what the model can read, people can read too."""
    stage.tools = (
        Tool(
            "clock", "Tell the time.", Nothing, Effect.PURE, "always", "daemon", nothing, "Turn it."
        ),
    )
    shown = await says(stage, "/tools CLOCK")
    assert "clock: Tell the time." in shown
    assert "Turn it." in shown
    assert "It takes no arguments." in shown
    assert texts.NO_SUCH_TOOL(wanted="rocket", known="clock") in await says(stage, "/tools rocket")


async def test_reload_reads_the_profiles_again_and_names_the_bad(stage: Stage) -> None:
    shown = await says(stage, "/reload")
    assert stage.profiles.reloads == 1
    assert texts.RELOADED(names="secretary, developer, server_admin") in shown
    assert "⚠ Profile 'mine' was skipped" in shown


async def test_persona_shows_who_speaks(stage: Stage) -> None:
    shown = await says(stage, "/persona")
    assert "I am Navi." in shown
    assert "NAVI_PERSONA_FILE" in shown


async def test_persona_is_set_kept_and_given_back(stage: Stage) -> None:
    """N-108: an owner sets it in a chat; it outlives a restart and goes before the settings."""
    assert texts.PERSONA_SET() in await says(stage, "/persona You are a pirate.")
    choices = PostgresChoices(stage.pool)
    settings = Settings.model_validate({"NAVI_PERSONA": "You are kind."})
    again = await Persona.load(settings, choices)
    assert (again.text, again.is_chosen) == ("You are a pirate.", True)
    assert "You are a pirate." in await says(stage, "/persona")
    shown = stage.delivery.last
    assert await stage.press(shown, "persona:reset") == ""
    assert texts.PERSONA_RESET() in stage.delivery.texts()
    assert stage.persona.text == "I am Navi."
    again = await Persona.load(settings, choices)
    assert (again.text, again.is_chosen) == ("You are kind.", False)


async def test_a_persona_of_a_books_length_is_refused(stage: Stage) -> None:
    assert texts.PERSONA_TOO_LONG(most=20_000) in await says(stage, "/persona " + "x" * 20_001)
    assert not stage.persona.is_chosen


@pytest.mark.parametrize("command", ["reload", "persona", "persona I obey Bob"])
async def test_what_the_daemon_is_made_of_is_the_owners(stage: Stage, command: str) -> None:
    await stage.hear(said(f"/{command}", who=BOB))
    assert stage.profiles.reloads == 0
    assert not stage.persona.is_chosen
    assert room_texts.OWNER_ONLY(command=command.split()[0]) in "\n".join(stage.delivery.texts())


async def test_notes_shows_the_scratchpad_of_this_session(stage: Stage) -> None:
    assert await says(stage, "/notes") == texts.NO_NOTES()
    room = await stage.room(private(ANN))
    state = PostgresSessionState(stage.pool, (await stage.sessions.current(room)).id)
    await state.write_note("plan", "buy milk")
    assert await says(stage, "/notes") == "**plan**\n\nbuy milk"
    await says(stage, "/new")
    assert await says(stage, "/notes") == texts.NO_NOTES()


async def test_long_notes_take_as_many_pages_as_they_need(stage: Stage) -> None:
    """The screen refuses a page that a platform would refuse."""
    await says(stage, "/notes")
    room = await stage.room(private(ANN))
    state = PostgresSessionState(stage.pool, (await stage.sessions.current(room)).id)
    written = " ".join(f"word{n} 😀" for n in range(1000))
    await state.write_note("plan", written)
    shown = await says(stage, "/notes")
    assert len(stage.delivery.last.pages) > 2
    assert [word for word in shown.split() if word != "**plan**"] == written.split()


async def test_usage_counts_today_and_the_month(stage: Stage) -> None:
    await answered(stage, "one", 1000)
    await answered(stage, "two", 500)
    stage.now = await stage.pool.fetchval("SELECT now()")
    await stage.pool.execute(
        "UPDATE turns SET ended_at = $1 WHERE id = 1", stage.now - timedelta(days=2)
    )
    assert await says(stage, "/usage") == texts.USAGE(
        zone="UTC", today_turns=1, today_tokens="500", month_turns=2, month_tokens="1,500"
    )


async def test_usage_in_a_group_tells_ones_own_part(stage: Stage) -> None:
    """N-97: by room and by person."""
    await stage.hear(said("@navi_bot hi", ANN, TEAM), said("/usage", BOB, TEAM))
    shown = "\n".join(stage.delivery.texts())
    assert "Of these yours: 0 answers" in shown


async def used_tools(stage: Stage) -> RoomId:
    await stage.hear(said("look"))
    room = await stage.room(private(ANN))
    start = await stage.turns.claim(room)
    assert start is not None
    calls = (ToolCall("a", "clock", {"zone": "UTC"}), ToolCall("b", "todo", {}))
    batch = Message("assistant", "", tool_calls=calls)
    await stage.turns.begin_batch(start.id, 1, batch, {"a": "R0", "b": "R0"})
    ended = CallEnd(1, "a", "It is noon.\nIn full.", True), CallEnd(1, "b", "No such item.", False)
    await stage.turns.end_calls(start.id, ended)
    await stage.turns.finish(start.id, "done", (), None, ())
    return room


async def test_detail_shows_what_tools_gave_back(stage: Stage) -> None:
    """N-22: the live message has a short line, this the whole result."""
    assert texts.NO_CALLS() in await says(stage, "/detail")
    await used_tools(stage)
    listed = await says(stage, "/detail")
    assert listed.splitlines()[1:] == ["1. ✅ clock", "2. ❌ todo"]
    shown = await says(stage, "/detail 1")
    assert '1. ✅ clock {"zone": "UTC"}' in shown
    assert "It is noon.\nIn full." in shown
    assert "No such item." in await says(stage, "/detail 2")


@pytest.mark.parametrize("number", ["0", "3", "x", "-1", "²"])
async def test_detail_of_nothing_is_one_sentence(stage: Stage, number: str) -> None:
    await used_tools(stage)
    assert await says(stage, f"/detail {number}") == texts.NO_SUCH_CALL(count=2)


# Turns ---------------------------------------------------------------------


async def test_retry_asks_the_last_question_without_its_answer(stage: Stage) -> None:
    await answered(stage, "one")
    room = await answered(stage, "two")
    assert await says(stage, "/retry") == "", "the answer itself is the reply"
    assert await stage.questions("queued") == ["two"]
    assert await context(stage, room) == ["one", "answer to one"]
    session = await stage.sessions.current(room)
    assert len(await stage.sessions.history(session.id, 10)) == 4, "the history keeps it"


async def test_continue_goes_on_after_the_last_answer(stage: Stage) -> None:
    room = await answered(stage, "one")
    await says(stage, "/continue")
    assert await context(stage, room) == ["one", "answer to one"]


@pytest.mark.parametrize("command", ["/retry", "/continue"])
async def test_there_may_be_nothing_to_do_again(stage: Stage, command: str) -> None:
    assert await says(stage, command) == texts.NOTHING_TO_RETRY()


def live_message(room: RoomId, turn: int, kind: str) -> Post:
    """Return the final page of a turn, with the button that it then has."""
    head = Head(turn_key(turn), room, private(ANN))  # type: ignore[arg-type]  # a TurnId
    return Post(head, (Page((Line("half"),), ((Button(kind, f"{kind}:{turn}"),),)),))


@pytest.mark.parametrize("kind", ["retry", "continue"])
async def test_a_button_is_for_its_own_turn(stage: Stage, kind: str) -> None:
    """An old button does not ask the newest question again."""
    room = await answered(stage, "one")
    first = live_message(room, await last_turn(stage), kind)
    await answered(stage, "two")
    second = live_message(room, await last_turn(stage), kind)
    assert await stage.press(first, f"{kind}:{first.head.key[5:]}") == texts.NOTHING_TO_RETRY()
    assert await stage.questions("queued") == []
    toast = texts.RETRYING() if kind == "retry" else texts.CONTINUING()
    assert await stage.press(second, f"{kind}:{second.head.key[5:]}") == toast
    assert await stage.questions("queued") == ["two" if kind == "retry" else ""]


async def test_two_quick_presses_retry_once(stage: Stage) -> None:
    room = await answered(stage, "one")
    turn = await last_turn(stage)
    await stage.sent(live_message(room, turn, "retry"), "m1")
    presses = [
        Pressed(replace(said("").origin, message_id="m1"), f"retry:{turn}", f"p{n}")
        for n in range(3)
    ]
    await stage.hear(*presses)
    assert await stage.questions("queued") == ["one"]
    assert list(stage.delivery.toasts.values()) == [texts.RETRYING(), texts.BUSY(), texts.BUSY()]


# Buttons, faults -----------------------------------------------------------


async def test_a_members_press_of_the_owners_button_is_refused_in_a_toast(stage: Stage) -> None:
    await stage.hear(said("/profile", ANN, TEAM))
    shown = stage.delivery.last
    assert await stage.press(shown, "profile:developer", BOB) == room_texts.NOT_YOURS()
    assert (await stage.sessions.current(await stage.room(TEAM))).profile_id == "secretary"


FORGED = ["profile:chef", "profile", "help:", "new:", "stop:1", "", ":", "x" * 64, "profile:\0"]


@pytest.mark.parametrize("data", FORGED, ids=range(len(FORGED)))
async def test_a_forged_press_is_refused_in_a_toast(stage: Stage, data: str) -> None:
    """Only what this very message shows can be pressed."""
    await says(stage, "/profile")
    shown = stage.delivery.order[:]
    assert await stage.press(stage.delivery.last, data) == room_texts.PRESS_EXPIRED()
    assert stage.delivery.order == shown


async def test_a_button_of_one_room_is_worth_nothing_in_another(stage: Stage) -> None:
    await says(stage, "/profile")
    await stage.sent(stage.delivery.last, "m1")
    await stage.hear(said("hello", room=TEAM))
    elsewhere = replace(said("", room=TEAM).origin, message_id="m1")
    await stage.hear(Pressed(elsewhere, "profile:developer", "p1"))
    assert stage.delivery.toasts == {"p1": room_texts.PRESS_EXPIRED()}


async def breaks(_ask: Ask, _desk: Desk) -> Reply:
    raise KeyError("a secret")


async def test_a_command_that_crashes_says_so_once(stage: Stage) -> None:
    """One sentence in the chat, one line in the log, and nothing else harmed."""
    stage.commands["status"] = Command("status", stage.commands["status"].who, texts.TOOLS, breaks)
    with capture_logs() as logs:
        shown = await says(stage, "/status")
    assert shown == room_texts.COMMAND_FAILED(command="status")
    assert [line["event"] for line in logs if line["log_level"] == "error"] == ["command_crashed"]
    stage.delivery.order.clear()
    await stage.restart()
    assert stage.delivery.order == []
    assert await says(stage, "/whoami")
