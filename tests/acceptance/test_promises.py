"""The promises, kept by the real daemon between strict servers."""

import asyncio
import time

from daemon.stage import Stage
from strict_ollama import (
    Answer,
    Body,
    Called,
    Calls,
    Hold,
    Pause,
    Step,
    Text,
    Thinking,
    in_turn,
    say,
)
from strict_telegram import Reset, Throttle

WORDS = [f"word{number}" for number in range(60)]


def slowly(words: list[str], seconds: float = 0.05) -> list[Step]:
    return [Text(word + " ", delay=seconds) for word in words]


async def test_an_answer_with_tools_is_one_live_message(stage: Stage) -> None:
    """The main job: thinking, a tool, streamed text; one message, exact at the end."""
    calls: list[Step] = [
        Thinking("I need the time."),
        Calls((Called("clock", {"action": "now", "zone": "UTC"}),)),
    ]
    stage.plays(in_turn(calls, slowly(WORDS)), capabilities=("completion", "tools", "thinking"))
    async with stage.start() as daemon:
        await daemon.ready()
        stage.ask("what time is it?")
        final = await stage.shows("word59", "⏱")
        ended = await daemon.event("turn_ended")
    assert ended["outcome"] == "done"
    assert " ".join(WORDS) in final
    assert "✅" in final
    assert "clock" in final
    assert len(stage.texts()) == 1
    versions = stage.telegram.messages(stage.chat)[0].versions
    assert len(versions) > 2, "the message was edited while the answer streamed"
    second = stage.ollama.chats[1].body
    assert [message["role"] for message in second["messages"][-2:]] == ["assistant", "tool"]
    assert second["options"]["num_ctx"] == 65536
    assert second["truncate"] is False


async def test_a_stranger_gets_nothing(stage: Stage) -> None:
    """Promise 5, in private and in a group, with commands and presses."""
    stage.plays(say("hello"))
    eve = stage.telegram.person(66, "Eve")
    private = stage.telegram.private_chat(eve)
    group = stage.telegram.group("Team", [eve])
    async with stage.start() as daemon:
        await daemon.ready()
        for text in ("hello", "/start", "/start guess", "/stop", "/status"):
            stage.telegram.say(private, eve, text)
        stage.telegram.say(group, eve, "@navi_bot hello")
        stage.ask("are you there?")
        await stage.shows("hello", "⏱")
    assert stage.telegram.visible_texts(private) == []
    assert stage.telegram.visible_texts(group) == []
    assert len(stage.ollama.chats) == 1


async def test_the_printed_link_makes_its_opener_the_owner_once(stage: Stage) -> None:
    stage.plays(say("at your service"))
    async with stage.start(NAVI_OWNERS="") as daemon:
        await daemon.ready()
        link = (await daemon.event("owner_link_made"))["link"]
        code = link.partition("?start=")[2]
        assert link.startswith("https://t.me/navi_bot?start=")
        stage.ask(f"/start {code}")
        await stage.shows("owner")
        eve = stage.telegram.person(66, "Eve")
        stage.telegram.say(stage.telegram.private_chat(eve), eve, f"/start {code}")
        stage.ask("hello")
        await stage.shows("at your service", "⏱")
    assert stage.telegram.visible_texts(stage.telegram.private_chat(eve)) == []


async def test_messages_sent_while_down_are_answered_in_order(stage: Stage) -> None:
    """Promise 2."""
    asked: list[str] = []

    def script(body: Body) -> Answer:
        asked.append(str(body["messages"][-1]["content"]))
        return say(f"answer {len(asked)}")

    stage.plays(script)
    for number in range(5):
        stage.ask(f"question {number}")
    async with stage.start() as daemon:
        await daemon.ready()
        await daemon.event("turn_ended", nth=5, within=30)
        await stage.shows("answer 5", "⏱")
    assert [f"question {n}" in text for n, text in enumerate(asked)] == [True] * 5
    assert [f"answer {n + 1}" in text for n, text in enumerate(stage.texts())] == [True] * 5


async def test_kill_9_in_mid_stream_ends_in_the_same_message(stage: Stage) -> None:
    """Promises 1 and 2: the answer comes after the restart, once, in the same bubble."""
    stage.plays(in_turn([*slowly(WORDS[:10]), Pause(60)], slowly(WORDS, 0.01)))
    async with stage.start() as daemon:
        await daemon.ready()
        stage.ask("tell me")
        await stage.shows("word5")
        daemon.kill()
        await daemon.ended()
    shown = stage.telegram.last(stage.chat)
    async with stage.start() as daemon:
        await daemon.event("turn_ended", within=40)
        final = await stage.shows("word59", "⏱")
    assert final.count("word0 ") == 1
    assert len(stage.texts()) == 1
    assert stage.telegram.last(stage.chat) is shown


async def test_sigterm_hands_the_turn_to_the_next_daemon(stage: Stage) -> None:
    """Restarts are polite: the turn goes on after it, in the same message."""
    stage.plays(in_turn([*slowly(WORDS[:10]), Pause(60)], slowly(WORDS, 0.01)))
    async with stage.start(NAVI_DRAIN="0.5") as daemon:
        await daemon.ready()
        stage.ask("tell me")
        await stage.shows("word5")
        began = time.monotonic()
        daemon.terminate()
        assert await daemon.ended() == 0
        assert time.monotonic() - began < 10
    async with stage.start() as daemon:
        await daemon.event("turn_ended", within=40)
        await stage.shows("word59", "⏱")
    assert len(stage.texts()) == 1


async def test_stop_wins_during_silent_prefill(stage: Stage) -> None:
    """Promise 3: shown within a second, connection closed within two."""
    stage.plays([Pause(60), Text("never")])
    async with stage.start() as daemon:
        await daemon.ready()
        stage.ask("think long")
        await stage.telegram.wait_for(lambda: stage.ollama.chats)
        began = time.monotonic()
        stage.ask("/stop")
        await stage.ollama.idle(2)
        closed = time.monotonic() - began
        await stage.shows("Stopped")
        ended = await daemon.event("turn_ended")
    assert ended["outcome"] == "stopped"
    assert closed < 2
    assert not any("never" in text for text in stage.texts())


async def test_the_stop_button_stops_in_mid_stream(stage: Stage) -> None:
    """Promise 3: what was shown stays, and the model hears of it next time."""
    stage.plays(in_turn([*slowly(WORDS[:8]), Pause(60)], say("fine")))
    async with stage.start() as daemon:
        await daemon.ready()
        stage.ask("tell me")
        await stage.shows("word5")
        message = stage.telegram.last(stage.chat)
        assert message is not None
        press = await stage.press(message, "⏹ Stop")
        await stage.shows("word5", "Stopped")
        await stage.telegram.wait_for(lambda: press.answered)
        await stage.ollama.idle(2)
        stage.ask("and now?")
        await stage.shows("fine", "⏱")
    history = stage.ollama.chats[-1].body["messages"]
    partial = [message["content"] for message in history if message["role"] == "assistant"]
    assert "word5" in partial[0]
    assert "stopped" in partial[0]


async def test_stop_drops_what_waits(stage: Stage) -> None:
    stage.plays([Pause(60)])
    async with stage.start() as daemon:
        await daemon.ready()
        stage.ask("first")
        await stage.telegram.wait_for(lambda: stage.ollama.chats)
        for number in range(3):
            stage.ask(f"waiting {number}")
        await stage.telegram.wait_for(lambda: len(stage.telegram.calls("setMessageReaction")) == 3)
        stage.ask("/stop")
        await stage.shows("Waiting messages dropped: 3")
        await stage.ollama.idle(2)
        await asyncio.sleep(0.5)
    assert len(stage.ollama.chats) == 1


async def test_another_person_cannot_stop_or_press(stage: Stage) -> None:
    """The asker and the owner may; a member in the same group may not."""
    hold = asyncio.Event()
    stage.plays([*slowly(WORDS[:5]), Hold(hold), *say(" the end")])
    bob = stage.telegram.person(7, "Bob")
    group = stage.telegram.group("Team", [stage.ann, bob])
    async with stage.start() as daemon:
        await daemon.ready()
        stage.telegram.say(group, stage.ann, "@navi_bot go")
        # Right after a start, progress in a group waits for a full bucket: 7 s.
        await stage.telegram.wait_for(
            lambda: "word4" in str(stage.telegram.visible_texts(group)), timeout=15
        )
        message = stage.telegram.last(group)
        assert message is not None
        await stage.press(message, "⏹ Stop", bob)
        stage.telegram.say(group, bob, "/stop@navi_bot")
        stage.telegram.forge(message, "profile:server_admin", bob)
        await asyncio.sleep(0.5)
        hold.set()
        await daemon.event("turn_ended")
        await stage.telegram.wait_for(lambda: "the end" in str(stage.telegram.visible_texts(group)))
    assert len(stage.telegram.visible_texts(group)) == 1


async def test_a_profile_changes_with_a_button(stage: Stage) -> None:
    stage.plays(say("hello"))
    async with stage.start() as daemon:
        await daemon.ready()
        stage.ask("/profile")
        await stage.shows("secretary", "developer", "server_admin", "smart_home")
        message = stage.telegram.last(stage.chat)
        assert message is not None
        await stage.press(message, "profile:developer")
        await stage.shows("✓ developer")
        stage.ask("hi")
        await stage.shows("hello", "⏱")
    system = stage.ollama.chats[-1].body["messages"][0]["content"]
    assert "You work as: developer" in system


async def test_the_final_text_survives_throttling_and_lost_replies(stage: Stage) -> None:
    """Promise 1: 429 on the last edit, a reply that never came: exact text, once."""
    stage.plays(slowly(WORDS, 0.02))
    stage.telegram.fault(Throttle(2), "editMessageText", text="word59")
    stage.telegram.fault(Reset(after=True), "editMessageText", nth=2)
    async with stage.start() as daemon:
        await daemon.ready()
        stage.ask("tell me")
        final = await stage.shows("word59", "⏱", within=20)
    assert " ".join(WORDS) in final
    assert len(stage.texts()) == 1


async def test_a_lost_first_reply_is_repeated_with_a_label(stage: Stage) -> None:
    """Promise 1: Telegram has no idempotency key; the repeat says that it is one."""
    stage.plays(say("short answer"))
    stage.telegram.fault(Reset(after=True), "sendMessage")
    async with stage.start() as daemon:
        await daemon.ready()
        stage.ask("tell me")
        await daemon.event("turn_ended")
        await stage.telegram.wait_for(
            lambda: any("repeat" in t and "short answer" in t for t in stage.texts()), timeout=20
        )
    assert sum("repeat" in text for text in stage.texts()) == 1


async def test_a_model_server_that_is_down_is_told_once_and_waited_for(stage: Stage) -> None:
    """Promise 9: one sentence, then the answer when it is back."""
    stage.plays(say("back again"))
    await stage.ollama.stop()
    async with stage.start() as daemon:
        await daemon.ready()
        stage.ask("hello?")
        await stage.shows("not answer")
        await stage.ollama.start()
        await stage.shows("back again", "⏱", within=20)
    assert len(stage.texts()) == 1


async def test_an_answer_that_took_long_notifies(stage: Stage) -> None:
    """A run longer than NAVI_NOTIFY_AFTER puts its answer into a new message."""
    work: list[Step] = [
        *slowly(["looking", "around", "first"], 0.1),
        Calls((Called("clock", {}),)),
    ]
    stage.plays(in_turn(work, [Pause(1.5), *slowly(WORDS[:20], 0.05)]))
    async with stage.start(NAVI_NOTIFY_AFTER="1") as daemon:
        await daemon.ready()
        stage.ask("take your time")
        await daemon.event("turn_ended", within=20)
        await stage.telegram.wait_for(lambda: len(stage.texts()) == 2)
        await stage.shows("word19", "⏱")
    log, answer = stage.texts()
    assert "clock" in log
    assert "word1 " not in log
    assert "word19" in answer
    assert "clock" not in answer
