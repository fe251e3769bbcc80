"""Reminders through the whole daemon, between strict servers."""

import asyncio
import re
import time

import asyncpg
from daemon.stage import Stage
from strict_ollama import Answer, Body, Called, Calls, Hold, Text, in_turn, say
from strict_telegram import Hang, Reset, Throttle

DUE = 6.0
"""Seconds within which something that was due is shown on a busy machine."""


def reminders(stage: Stage, text: str) -> list[str]:
    return [one for one in stage.texts() if one.startswith("⏰") and text in one and "Due" in one]


async def test_a_reminder_is_confirmed_and_comes(stage: Stage) -> None:
    """The echo has the absolute time; then a new message comes, with buttons that work."""
    stage.plays(say("hello"))
    async with stage.start(NAVI_TIMEZONE="Europe/Kyiv") as daemon:
        await daemon.ready()
        stage.ask("/remind in 2 seconds drink some tea")
        confirmed = await stage.shows("⏰", "Europe/Kyiv", "in 2 s", "drink some tea")
        assert "I take your time zone to be Europe/Kyiv" in confirmed
        asked = time.monotonic()
        await stage.shows("⏰ drink some tea", "Due", within=DUE)
        assert time.monotonic() - asked < DUE
        fired = await daemon.event("recall_fired")
        assert fired["late"] < 1
        message = stage.telegram.last(stage.chat)
        assert message is not None
        press = await stage.press(message, "✓ Done")
        await stage.telegram.wait_for(lambda: press.answered)
        assert "Done" in press.text
        await stage.shows("✓ Done: drink some tea")
        stage.ask("/recalls history")
        kept = await stage.shows("This month: 1 promised, 1 delivered, 1 of them within a minute")
        assert re.search(r"drink some tea: fired [\d:]{8}, delivered [\d:]{8}, done [\d:]{5}", kept)
    assert len(reminders(stage, "drink some tea")) == 1
    assert not stage.ollama.chats, "a plain reminder needs no model"


async def test_a_snoozed_reminder_is_told_to_come_again(stage: Stage) -> None:
    stage.plays(say("hello"))
    async with stage.start() as daemon:
        await daemon.ready()
        stage.ask("/remind in 1 second stand up")
        await stage.shows("⏰ stand up", "Due", within=DUE)
        message = stage.telegram.last(stage.chat)
        assert message is not None
        press = await stage.press(message, "💤 10 min")
        await stage.telegram.wait_for(lambda: press.answered)
        await stage.shows("💤 Again", "in 10 min", "stand up")
        stage.ask("/recalls")
        await stage.shows("Reminders:", "stand up")


async def test_the_model_sets_a_task_that_runs_by_itself(stage: Stage) -> None:
    """The tool reckons; at the time a turn runs in the session and pushes what it found.

    It may look and not touch: what writes is refused.
    """
    stage.plays(
        in_turn(
            [
                Calls(
                    (
                        Called(
                            "schedule_recall",
                            {"text": "look at the server", "when": "in 2 seconds", "kind": "task"},
                        ),
                    )
                )
            ],
            say("I will."),
            [Calls((Called("schedule_recall", {"text": "again", "when": "in 1 hour"}),))],
            say("The server is up."),
        )
    )
    async with stage.start() as daemon:
        await daemon.ready()
        stage.ask("in two seconds check the server")
        await stage.shows("I will.")
        result = await stage.shows("⏰ look at the server", "The server is up.", "Due", within=15)
        await daemon.event("turn_ended", nth=2)
    assert "🛠" not in result, "nobody watches, so nothing of the work is shown"
    told = [m for m in stage.ollama.chats[1].body["messages"] if m["role"] == "tool"][-1]["content"]
    assert "Recall 1 is set" in told
    assert "in 2 s" in told
    asked = [m for m in stage.ollama.chats[2].body["messages"] if m["role"] == "user"][-1]
    assert "look at the server" in asked["content"]
    assert "Nobody reads along" in asked["content"]
    refused = [m for m in stage.ollama.chats[3].body["messages"] if m["role"] == "tool"][-1]
    assert "nobody can be asked" in refused["content"]


async def test_a_task_whose_model_is_away_is_tried_again(stage: Stage, dsn: str) -> None:
    """Nothing is shown of the failure; the ladder's first step is 30 s later."""
    stage.plays(say("hello"))
    async with stage.start() as daemon:
        await daemon.ready()
        stage.ask("hi")
        await stage.shows("hello", "⏱")
        pool = await asyncpg.connect(dsn)
        await pool.execute(
            "INSERT INTO recalls (person_id, room_id, kind, content, rule) "
            "SELECT asker_id, room_id, 'task', 'look', '{\"kind\": \"immediate\"}' FROM turns"
        )
        await stage.ollama.__aexit__(None, None, None)
        await pool.execute(
            "INSERT INTO occurrences (recall_id, due_at, fire_at) "
            "SELECT id, now(), now() FROM recalls"
        )
        seen = await daemon.event("recall_seen_to", within=20)
        row = await pool.fetchrow("SELECT state, tries, fire_at - now() AS wait FROM occurrences")
        await pool.close()
    assert row is not None
    assert (seen["stage"], row["state"], row["tries"]) == ("failed", "due", 1)
    assert 20 < row["wait"].total_seconds() <= 30
    assert len(stage.texts()) == 1


async def test_kill_9_before_the_send_delivers_once(stage: Stage) -> None:
    """It was taken and surely not sent: the next daemon sends it, without a label."""
    stage.plays(say("hello"))
    async with stage.start() as daemon:
        await daemon.ready()
        stage.ask("/remind in 3 seconds post the letter")
        await stage.shows("post the letter", "in 3 s")
        stage.telegram.fault(Throttle(30), "sendMessage", times=None)
        await daemon.event("recall_fired", within=DUE)
        daemon.kill()
        await daemon.ended()
    stage.telegram.heal()
    assert reminders(stage, "post the letter") == []
    async with stage.start() as daemon:
        await daemon.ready()
        shown = await stage.shows("⏰ post the letter", "Due")
        await asyncio.sleep(0.5)
        assert not any(line.get("event") == "recall_fired" for line in daemon.log)
    assert "repeat" not in shown.lower()
    assert len(reminders(stage, "post the letter")) == 1


async def test_kill_9_within_the_send_repeats_with_a_label(stage: Stage) -> None:
    """The platform took it and nobody learnt that: it comes again, and says so."""
    stage.plays(say("hello"))
    async with stage.start() as daemon:
        await daemon.ready()
        stage.ask("/remind in 3 seconds post the letter")
        await stage.shows("post the letter", "in 3 s")
        stage.telegram.fault(Hang(after=True), "sendMessage", text="Due")
        await stage.shows("⏰ post the letter", "Due", within=DUE)
        daemon.kill()
        await daemon.ended()
    async with stage.start() as daemon:
        await daemon.ready()
        await stage.telegram.wait_for(
            lambda: sum("Due" in text and "post the letter" in text for text in stage.texts()) == 2
        )
    labelled = [text for text in stage.texts() if "post the letter" in text and "Due" in text]
    assert [text.startswith("⏰") for text in labelled] == [True, False]


async def test_what_fell_due_while_down_comes_late_and_says_so(stage: Stage, dsn: str) -> None:
    """Three days away: one late message, the number that was missed, the next time."""
    stage.plays(say("hello"))
    async with stage.start() as daemon:
        await daemon.ready()
        stage.ask("/remind every day at 9 take the pill")
        await stage.shows("every day at 09:00", "take the pill")
    pool = await asyncpg.connect(dsn)
    await pool.execute(
        "UPDATE occurrences SET due_at = due_at - interval '4 days', "
        "fire_at = fire_at - interval '4 days'"
    )
    await pool.close()
    async with stage.start() as daemon:
        await daemon.ready()
        began = time.monotonic()
        shown = await stage.shows("take the pill", "I could not tell you then", within=10)
        assert time.monotonic() - began < 10
    assert "It fell due 3 more times meanwhile" in shown
    assert "Next:" in shown


async def test_many_overdue_ones_come_in_one_digest(stage: Stage, dsn: str) -> None:
    stage.plays(say("hello"))
    async with stage.start() as daemon:
        await daemon.ready()
        stage.ask("/remind in 2 hours thing 0")
        await stage.shows("thing 0")
    pool = await asyncpg.connect(dsn)
    await pool.execute(
        "INSERT INTO recalls (person_id, room_id, kind, content, rule) "
        "SELECT person_id, room_id, kind, 'thing ' || n, rule "
        "FROM recalls, generate_series(1, 30) n"
    )
    await pool.execute(
        "INSERT INTO occurrences (recall_id, due_at, fire_at) "
        "SELECT id, now() - interval '3 hours', now() - interval '3 hours' FROM recalls "
        "WHERE content <> 'thing 0'"
    )
    await pool.close()
    async with stage.start() as daemon:
        await daemon.ready()
        shown = await stage.shows("30 reminders fell due while I could not tell you", within=10)
        await stage.shows("thing 30")
    assert "thing 1" in shown
    assert len(stage.texts()) <= 4


async def test_a_lost_reply_is_repeated_with_a_label(stage: Stage) -> None:
    stage.plays(say("hello"))
    async with stage.start() as daemon:
        await daemon.ready()
        stage.ask("/remind in 2 seconds tea")
        await stage.shows("tea")
        stage.telegram.fault(Reset(after=True), "sendMessage", text="Due")
        await stage.telegram.wait_for(
            lambda: sum("Due" in text for text in stage.texts()) == 2, timeout=15
        )
    assert sum(text.startswith("⏰ tea") and "Due" in text for text in stage.texts()) == 1


async def test_a_second_daemon_does_not_fire_it_again(stage: Stage, tmp_path: object) -> None:
    stage.plays(say("hello"))
    async with (
        stage.start() as first,
        stage.start(NAVI_DATA_DIR=f"{tmp_path}/other") as second,
    ):
        await first.event("daemon_ready", within=40)
        await second.event("daemon_ready", within=40)
        stage.ask("/remind in 2 seconds tea")
        await stage.shows("⏰ tea", "Due", within=DUE)
        await asyncio.sleep(1)
    assert len(reminders(stage, "tea")) == 1


async def test_a_task_with_no_news_is_silent(stage: Stage, dsn: str) -> None:
    """Notify on match: the answer lacks the text, so the chat hears nothing."""
    stage.plays(
        in_turn(
            [
                Calls(
                    (
                        Called(
                            "schedule_recall",
                            {
                                "text": "is it down?",
                                "when": "in 2 seconds",
                                "kind": "task",
                                "notify": "match",
                                "match": "DOWN",
                            },
                        ),
                    )
                )
            ],
            say("I will."),
            say("All is up."),
        )
    )
    async with stage.start() as daemon:
        await daemon.ready()
        stage.ask("tell me when it is down")
        await stage.shows("I will.")
        await daemon.event("turn_ended", nth=2, within=20)
        pool = await asyncpg.connect(dsn)
        for _ in range(40):
            state = await pool.fetchval("SELECT state FROM occurrences")
            if state == "quiet":
                break
            await asyncio.sleep(0.25)
        learnt = await pool.fetchval("SELECT last_result FROM recalls")
        await pool.close()
    assert state == "quiet"
    assert learnt == "All is up."
    assert not any("All is up" in text for text in stage.texts())


async def test_a_message_is_not_swallowed_by_a_task_that_runs(stage: Stage) -> None:
    """With NAVI_STEER too: nobody sees what a task does, so a turn of its own answers it."""
    hold = asyncio.Event()
    task = {"text": "is it down?", "when": "now", "kind": "task", "notify": "match", "match": "NO"}

    def script(body: Body) -> Answer:
        since = [m["content"] for m in body["messages"] if m["role"] == "user"]
        done = body["messages"][-1]["role"] == "tool"
        if "is it down?" in since[-1]:
            look: Answer = [Text("let me look"), Hold(hold), Calls((Called("clock", {}),))]
            return say("All is up.") if done else look
        if "watch it" in since[-1]:
            return say("I will.") if done else [Calls((Called("schedule_recall", task),))]
        return say("I heard you.")

    stage.plays(script)
    async with stage.start(NAVI_STEER="true") as daemon:
        await daemon.ready()
        stage.ask("watch it")
        await daemon.event("turn_started", nth=2, within=20)
        await stage.telegram.wait_for(lambda: len(stage.ollama.chats) == 3)
        stage.ask("are you there?")
        await asyncio.sleep(0.7)
        hold.set()
        await stage.shows("I heard you.", "⏱")
    assert not any("All is up" in text for text in stage.texts())
