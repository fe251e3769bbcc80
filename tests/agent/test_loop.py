"""The loop: what it asks, tells and writes down, step by step."""

import asyncio
from pathlib import Path

import pytest
from agent.scripted_host import OpenGate, ScriptedHost, calls, for_ever, said
from agent.stage import Stage, Words, ending, stage, text_of, tool

from navi_bot.errors import ModelUnavailable
from navi_bot.events import (
    ModelStarted,
    Notice,
    Queued,
    StreamEnd,
    TextDelta,
    ThinkingDelta,
    ThinkingEnd,
    TodoChanged,
    ToolEvent,
    ToolStarted,
)
from navi_bot.messages import Message
from navi_bot.ports.model import Chunk, ModelInfo
from navi_bot.ports.tools import Call, Effect, Result


async def test_an_answer_is_streamed_and_kept(tmp_path: Path) -> None:
    """N-17, N-02: deltas as they come, then StreamEnd with the text; both lists have it."""
    scene = stage(tmp_path, said("Hi ", "there"))
    events = await scene.play()
    assert text_of(events) == "Hi there"
    assert ending(events).full_content == "Hi there"
    assert [message.content for message in scene.diary.history] == ["Hello?", "Hi there"]
    assert scene.diary.context[-1].content == "Hi there"


async def test_the_question_is_recorded_before_the_first_call(tmp_path: Path) -> None:
    """N-03: even when the host is away, the question is in both lists."""
    scene = stage(tmp_path, said("x"))
    scene.host.describing = ModelUnavailable("Away.")
    with pytest.raises(ModelUnavailable):
        await scene.play()
    assert scene.diary.history[0].content == "Hello?"
    assert scene.diary.context[0].content.startswith("Hello?")
    assert not scene.host.requests


async def test_a_chunk_with_thinking_and_text_loses_neither(tmp_path: Path) -> None:
    """T-18: both are told, the thinking first and closed before the text."""
    scene = stage(tmp_path, [Chunk(thinking="a", text="b"), *said("c")])
    events = await scene.play()
    kinds = [event for event in events if not isinstance(event, ModelStarted | StreamEnd)]
    assert kinds[:2] == [ThinkingDelta("a"), ThinkingEnd()]
    assert text_of(events) == "bc"
    assert scene.diary.history[-1].thinking == "a"


async def test_waiting_for_the_host_shows_the_place(tmp_path: Path) -> None:
    """Queued tells each place before ModelStarted."""
    scene = stage(tmp_path, said("x"), gate=OpenGate(2, 1))
    events = await scene.play()
    assert events[:3] == [Queued(2), Queued(1), ModelStarted(1, 40, "m")]


async def test_tools_run_in_order_and_are_recorded_once(tmp_path: Path) -> None:
    """N-18…N-20: intent, each call with its events, then one record of all of it."""
    scene = stage(
        tmp_path,
        calls(("a", {"text": "1"}), ("b", {"text": "2"}), text="Look."),
        said("Done"),
        tools=[tool("a"), tool("b", effect=Effect.OUTWARD)],
    )
    events = await scene.play()
    told = [event for event in events if isinstance(event, ToolStarted | ToolEvent)]
    assert [(type(event).__name__, event.tool_name) for event in told] == [
        ("ToolStarted", "a"),
        ("ToolEvent", "a"),
        ("ToolStarted", "b"),
        ("ToolEvent", "b"),
    ]
    begun = scene.diary.lines[1]
    assert begun[:2] == ("begin", 1)
    assert sorted(begun[2].values()) == ["R0", "W2"]  # type: ignore[attr-defined]  # the effects
    assert scene.diary.lines[2:] == [
        ("end", 1, "a: 1", True),
        ("end", 1, "b: 2", True),
        ("record", "assistant", "tool", "tool"),
        ("close", "assistant"),
    ]
    kept = scene.diary.history[1]
    assert (kept.content, kept.thinking, len(kept.tool_calls)) == ("Look.", "hm", 2)
    assert ending(events).tool_call_count == 2
    sent = scene.host.requests[1].messages
    assert [message.role for message in sent] == ["system", "user", "assistant", "tool", "tool"]


async def test_an_unknown_tool_is_told_to_the_model(tmp_path: Path) -> None:
    """N-21: a failed result with its fixed words; the loop goes on."""
    scene = stage(tmp_path, calls(("x", {})), said("Sorry"))
    events = await scene.play()
    failed = next(event for event in events if isinstance(event, ToolEvent))
    assert (failed.result, failed.success) == ("Error: tool 'x' not found.", False)
    assert ending(events).full_content == "Sorry"


async def test_bad_arguments_name_the_field(tmp_path: Path) -> None:
    """Arguments that do not fit are a failed result that names the field."""
    scene = stage(tmp_path, calls(("a", {"number": "many"})), said("ok"), tools=[tool("a")])
    events = await scene.play()
    failed = next(event for event in events if isinstance(event, ToolEvent))
    assert not failed.success
    assert "number" in failed.result


async def test_a_raising_tool_does_not_end_the_turn(tmp_path: Path) -> None:
    """T-03: its line is closed as failed, its words stay out, the turn goes on."""

    async def burst(arguments: Words, call: Call) -> Result:
        raise RuntimeError("the token is 12345")

    scene = stage(tmp_path, calls(("a", {})), said("ok"), tools=[tool("a", burst)])
    events = await scene.play()
    failed = next(event for event in events if isinstance(event, ToolEvent))
    assert not failed.success
    assert "RuntimeError" in failed.result
    assert "12345" not in failed.result
    assert ending(events).full_content == "ok"


async def test_a_slow_tool_is_cut_off(tmp_path: Path) -> None:
    """A tool's own timeout makes a failed result."""

    async def slow(arguments: Words, call: Call) -> Result:
        await for_ever()
        return Result("")

    scene = stage(tmp_path, calls(("a", {})), said("ok"), tools=[tool("a", slow, timeout=0.01)])
    events = await scene.play()
    failed = next(event for event in events if isinstance(event, ToolEvent))
    assert "longer than 0.01 s" in failed.result


async def test_live_events_of_a_tool_pass_while_it_runs(tmp_path: Path) -> None:
    """Call.emit is forwarded before the tool has ended."""
    seen = asyncio.Event()

    async def lively(arguments: Words, call: Call) -> Result:
        call.emit(TodoChanged(()))
        await asyncio.wait_for(seen.wait(), 1)
        return Result("done")

    scene = stage(tmp_path, calls(("a", {})), said("ok"), tools=[tool("a", lively)])
    async for event in scene.agent.run_stream(scene.run()):
        if isinstance(event, TodoChanged):
            seen.set()
    assert seen.is_set()


async def test_a_watcher_that_leaves_cancels_the_tool(tmp_path: Path) -> None:
    """T-04: closing the events cancels the tool and waits for its cleaning up."""
    cleaned = []

    async def slow(arguments: Words, call: Call) -> Result:
        try:
            await for_ever()
        finally:
            await asyncio.sleep(0)
            cleaned.append(True)
        return Result("")

    scene = stage(tmp_path, calls(("a", {})), tools=[tool("a", slow)])
    events = scene.agent.run_stream(scene.run())
    async for event in events:
        if isinstance(event, ToolStarted):
            break
    await events.aclose()
    assert cleaned == [True]
    assert ("record", "assistant", "tool") not in scene.diary.lines


async def test_a_watcher_that_leaves_closes_the_stream(tmp_path: Path) -> None:
    """N-36: closing the events closes the model's connection and leaves the gate."""
    scene = stage(tmp_path, [Chunk(text="a"), for_ever])
    events = scene.agent.run_stream(scene.run())
    async for event in events:
        if isinstance(event, TextDelta):
            break
    await events.aclose()
    scene.settled()


async def test_a_loaded_picture_goes_to_the_context_only(tmp_path: Path) -> None:
    """N-101, NX-24: after the results, as a user message that says it is visible."""

    async def look(arguments: Words, call: Call) -> Result:
        return Result("loaded", image="room/cat.png")

    scene = stage(
        tmp_path, calls(("a", {}), ("b", {})), said("A cat"), tools=[tool("a", look), tool("b")]
    )
    await scene.play()
    roles = [message.role for message in scene.diary.context]
    assert roles == ["user", "assistant", "tool", "tool", "user", "assistant"]
    picture = scene.diary.context[4]
    assert picture.images == ("room/cat.png",)
    assert "in front of you" in picture.content
    assert picture not in scene.diary.history


async def test_a_model_without_eyes_gets_no_pictures(tmp_path: Path) -> None:
    """Pictures are left out of its requests, and the person is told."""
    info = ModelInfo("m", 0, tools=True, thinking=False, vision=False)
    scene = Stage(tmp_path, ScriptedHost(said("ok"), info=info))
    question = Message("user", "See", images=("room/cat.png",))
    events = await scene.play(scene.run(question))
    assert isinstance(events[0], Notice)
    assert all(not message.images for message in scene.host.requests[0].messages)
    assert scene.host.requests[0].think is None
    assert scene.diary.history[0].images == ("room/cat.png",)
