"""A stop at any point ends the run at once and leaves a history that is whole."""

import asyncio
from pathlib import Path

import pytest
from agent.scripted_host import OpenGate, calls, for_ever, said
from agent.stage import Diary, Stage, Words, stage, tool
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scale import scaled

from navi_bot.agent import marks
from navi_bot.events import (
    Event,
    ModelStarted,
    Queued,
    StreamEnd,
    StreamFailed,
    StreamStopped,
    TextDelta,
    ThinkingDelta,
    ThinkingEnd,
    ToolEvent,
    ToolStarted,
)
from navi_bot.messages import Message
from navi_bot.ports.model import Chunk
from navi_bot.ports.tools import Call, Effect, Result
from navi_bot.running import StopToken


async def stopped_at(scene: Stage, kind: type[Event], place: int = 1) -> list[Event]:
    """Play, setting the stop when the nth event of a kind is seen."""
    events: list[Event] = []
    seen = 0
    async with asyncio.timeout(2):
        async for event in scene.agent.run_stream(scene.run()):
            events.append(event)
            seen += isinstance(event, kind)
            if isinstance(event, kind) and seen == place:
                scene.stop.stop("somebody")
    scene.settled()
    return events


def last(events: list[Event]) -> StreamStopped:
    assert isinstance(events[-1], StreamStopped)
    return events[-1]


async def test_before_the_first_call_nothing_is_asked(tmp_path: Path) -> None:
    """N-37: the question stays, with the mark; the host hears nothing."""
    scene = stage(tmp_path, said("x"))
    scene.stop.stop("somebody")
    assert last(await scene.play()) == StreamStopped("")
    assert not scene.host.requests
    assert [message.content for message in scene.diary.history] == ["Hello?", marks.STOPPED]


async def test_while_waiting_for_the_gate(tmp_path: Path) -> None:
    """A waiting turn leaves the queue at once."""
    scene = stage(tmp_path, said("x"), gate=OpenGate(3, held=True))
    assert last(await stopped_at(scene, Queued)).partial == ""
    assert not scene.host.requests


async def test_during_prefill(tmp_path: Path) -> None:
    """N-32: a silent model does not delay the stop; its connection is closed."""
    scene = stage(tmp_path, [for_ever])
    assert last(await stopped_at(scene, ModelStarted)) == StreamStopped("")


async def test_during_thinking_closes_the_thinking(tmp_path: Path) -> None:
    """N-39: open thinking is closed."""
    scene = stage(tmp_path, [Chunk(thinking="hm"), for_ever])
    events = await stopped_at(scene, ThinkingDelta)
    assert isinstance(events[-2], ThinkingEnd)


async def test_mid_stream_keeps_the_part_in_both_lists(tmp_path: Path) -> None:
    """T-05: the partial text, with a mark, is in the history and seen by the model."""
    scene = stage(tmp_path, [Chunk(text="Half"), for_ever])
    assert last(await stopped_at(scene, TextDelta)).partial == "Half"
    kept = f"Half\n\n{marks.STOPPED}"
    assert scene.diary.history[-1].content == scene.diary.context[-1].content == kept


async def test_calls_that_came_with_the_stop_are_not_stored(tmp_path: Path) -> None:
    """T-05: calls of an answer that was stopped never become orphans; they are named."""
    scene = stage(tmp_path, [*calls(("a", {}), text="Now")[:1], for_ever], tools=[tool("a")])
    end = last(await stopped_at(scene, TextDelta))
    assert end.cancelled == ("a",)
    assert not scene.diary.context[-1].tool_calls


async def test_with_the_last_token_still_wins(tmp_path: Path) -> None:
    """N-37: checked after the stream; a stop that comes with its end is not lost."""
    script = said("Hi")
    scene = stage(tmp_path, script)

    async def press() -> None:
        scene.stop.stop("somebody")

    script.append(press)
    assert last(await scene.play()).partial == "Hi"


class Late(Diary):
    """A diary during whose last reading before a call the stop comes."""

    stop: StopToken

    async def profile_id(self) -> str:
        self.stop.stop("somebody")
        return await super().profile_id()


async def test_before_a_call_goes_before_its_limits(tmp_path: Path) -> None:
    """N-37: checked before the size guard, which would end the run as too large."""

    async def read(arguments: Words, call: Call) -> Result:
        return Result("x" * 60_000)

    scene = stage(tmp_path, calls(("a", {})), tools=[tool("a", read)], num_ctx=8192)
    scene.diary = diary = Late()
    diary.stop = scene.stop
    assert last(await scene.play()).finished == ("a",)


async def test_messages_that_steer_are_left_for_a_turn_of_their_own(tmp_path: Path) -> None:
    """After a stop nothing is taken that would then go unanswered."""

    async def press(arguments: Words, call: Call) -> Result:
        scene.stop.stop("somebody")
        return Result("done")

    scene = stage(tmp_path, calls(("a", {}), ("b", {})), tools=[tool("a", press), tool("b")])
    scene.diary.steers = [Message("user", "And this?")]
    end = last(await scene.play())
    assert (end.finished, end.cancelled) == (("a",), ("b",))
    assert scene.diary.steers


async def test_what_a_stop_cannot_undo_is_named(tmp_path: Path) -> None:
    """Finished or cut off in the middle: what may have changed the world, and nothing else."""

    async def works(arguments: Words, call: Call) -> Result:
        return Result("done")

    async def fails(arguments: Words, call: Call) -> Result:
        return Result("It was not sent.", ok=False)

    async def presses(arguments: Words, call: Call) -> Result:
        scene.stop.stop("somebody")
        await asyncio.Event().wait()
        raise AssertionError

    tools = [
        tool("look", works),
        tool("send", works, effect=Effect.OUTWARD),
        tool("lose", fails, effect=Effect.OUTWARD),
        tool("write", presses, effect=Effect.SANDBOXED),
        tool("later", works, effect=Effect.HOST),
    ]
    scene = stage(tmp_path, calls(*((each.name, {}) for each in tools)), tools=tools)
    end = last(await scene.play())
    assert end.finished == ("look", "send", "lose")
    assert end.cancelled == ("write", "later")
    assert end.lasting == ("send", "write")


async def test_during_a_tool_cancels_it_and_skips_the_rest(tmp_path: Path) -> None:
    """N-37, T-05: finished, cancelled and unstarted calls all have a result."""
    cleaned: list[bool] = []

    async def hang(arguments: Words, call: Call) -> Result:
        try:
            await for_ever()
        finally:
            cleaned.append(True)
        return Result("")

    tools = [tool("a"), tool("b", hang, effect=Effect.OUTWARD), tool("c")]
    scene = stage(tmp_path, calls(("a", {}), ("b", {}), ("c", {}), text="Go."), tools=tools)
    events = await stopped_at(scene, ToolStarted, 2)
    end = last(events)
    assert (end.partial, end.finished, end.cancelled) == ("Go.", ("a",), ("b", "c"))
    assert cleaned == [True]
    results = [message.content for message in scene.diary.context if message.role == "tool"]
    assert results == ["a: ", marks.STOPPED_DURING_EFFECT, marks.STOPPED_BEFORE]
    assert scene.diary.context[-1].content == marks.STOPPED
    shown = [(event.tool_name, event.success) for event in events if isinstance(event, ToolEvent)]
    assert shown == [("a", True), ("b", False)]


async def test_after_a_tool_asks_no_more(tmp_path: Path) -> None:
    """N-37: checked after the tools; the results stay."""
    scene = stage(tmp_path, calls(("a", {})), said("x"), tools=[tool("a")])
    end = last(await stopped_at(scene, ToolEvent))
    assert (end.finished, end.cancelled) == (("a",), ())
    assert len(scene.host.requests) == 1


async def test_a_tool_that_holds_on_is_waited_for(tmp_path: Path) -> None:
    """T-04: the run ends after the tool's own cleaning up, not beside it."""
    order: list[str] = []

    async def stubborn(arguments: Words, call: Call) -> Result:
        try:
            await for_ever()
        finally:
            await asyncio.sleep(0.01)
            order.append("cleaned")
        return Result("")

    scene = stage(tmp_path, calls(("a", {})), tools=[tool("a", stubborn)])
    await stopped_at(scene, ToolStarted)
    order.append("ended")
    assert order == ["cleaned", "ended"]


SCRIPTS = [
    calls(("a", {"text": "1"}), ("b", {"text": "2"}), text="First."),
    [Chunk(thinking="t"), Chunk(text="An "), *calls(("b", {"text": "3"}))],
    [Chunk(thinking="t", text="The "), *said("end", ".")],
]


@settings(
    max_examples=scaled(150, 2000),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(moment=st.integers(0, 150), twice=st.booleans())
def test_a_stop_at_any_moment_leaves_a_whole_history(
    tmp_path: Path, moment: int, twice: bool
) -> None:
    """N-37: whatever moment it comes: one ending, nothing open, no orphan, question first."""
    asyncio.run(_stopped_after(tmp_path, moment, twice))


async def _stopped_after(folder: Path, moment: int, twice: bool) -> None:
    async def steps(arguments: Words, call: Call) -> Result:
        for _ in range(3):
            await asyncio.sleep(0)
        return Result("ok")

    tools = [tool("a", steps), tool("b", steps, effect=Effect.SANDBOXED)]
    scene = stage(folder, *SCRIPTS, tools=tools, gate=OpenGate(1))

    async def stop_later() -> None:
        for _ in range(moment):
            await asyncio.sleep(0)
        scene.stop.stop("somebody")
        if twice:
            scene.stop.stop("somebody else")

    async with asyncio.timeout(2), asyncio.TaskGroup() as group:
        group.create_task(stop_later())
        events = await scene.play()
    endings = [e for e in events if isinstance(e, StreamEnd | StreamStopped | StreamFailed)]
    assert endings == [events[-1]]
    assert scene.diary.closed
    assert scene.diary.history[0].content == "Hello?"
    assert scene.diary.context[-1].role == "assistant"
    started = [event.call_id for event in events if isinstance(event, ToolStarted)]
    assert started == [event.call_id for event in events if isinstance(event, ToolEvent)]
    if isinstance(events[-1], StreamStopped):
        assert marks.STOPPED in scene.diary.context[-1].content


@pytest.mark.parametrize("text", ["", "Half"])
def test_a_mark_stands_below_the_text(text: str) -> None:
    """Without text the mark stands alone."""
    assert marks.marked(text, "[x]") == ("Half\n\n[x]" if text else "[x]")
