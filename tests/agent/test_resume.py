"""A run that was cut off is taken up where it was; steering and profile changes join in."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path

from agent.scripted_host import OpenGate, ScriptedHost, calls, for_ever, said
from agent.stage import Diary, Stage, State, Words, assert_answered, ending, stage, tool
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scale import scaled

from navi_bot.agent import marks
from navi_bot.events import Event, Notice, ProfileSwitched, Steered, StreamEnd, ToolEvent
from navi_bot.messages import Entry, Message, ToolCall
from navi_bot.ports.model import ModelInfo
from navi_bot.ports.records import JournalledCall, PendingBatch
from navi_bot.ports.tools import Call, Effect, Result
from navi_bot.toolbox.contract import tool_of
from tools import switch_profile


def batch(*made: JournalledCall) -> PendingBatch:
    asked = tuple(each.call for each in made)
    return PendingBatch(4, Message("assistant", "On it.", tool_calls=asked), made)


def made(tool_name: str, effect: Effect, result: str | None = None) -> JournalledCall:
    return JournalledCall(ToolCall(f"id-{tool_name}", tool_name, {}), effect.value, result, True)


async def test_a_batch_cut_short_is_finished_by_effect(tmp_path: Path) -> None:
    """Results stay, harmless calls run again, calls with effects are told as interrupted."""
    tools = [tool("done"), tool("look"), tool("send", effect=Effect.OUTWARD)]
    scene = stage(tmp_path, said("Went on"), tools=tools)
    pending = batch(
        made("done", Effect.SANDBOXED, "was done"),
        made("look", Effect.READ_WORLD),
        made("send", Effect.OUTWARD),
    )
    context = (Message("user", "Do it"),)
    events = await scene.play(scene.run(None, context=context, pending=pending))
    results = [message.content for message in scene.diary.history if message.role == "tool"]
    assert results == ["was done", "look: ", marks.INTERRUPTED]
    assert scene.diary.lines[0] == ("end", 4, "look: ", True)
    assert not any(line[0] == "begin" for line in scene.diary.lines)
    shown = [event.result for event in events if isinstance(event, ToolEvent)]
    assert shown == results
    assert ending(events).full_content == "Went on"
    assert len(scene.host.requests[0].messages) == 6


async def test_an_answer_that_was_recorded_is_not_asked_again(tmp_path: Path) -> None:
    """A crash between the answer and the turn's end: the answer stands."""
    scene = stage(tmp_path, said("Another"))
    context = (Message("user", "Q"), Message("assistant", "A"))
    events = await scene.play(scene.run(None, context=context))
    assert ending(events).full_content == "A"
    assert not scene.host.requests
    assert not scene.diary.entries


async def test_a_question_that_is_in_the_context_is_not_repeated(tmp_path: Path) -> None:
    """A retry or a restart asks with the context as it is."""
    scene = stage(tmp_path, said("A"))
    await scene.play(scene.run(None, context=(Message("user", "Q"),)))
    assert [m.content for m in scene.host.requests[0].messages[1:]] == ["Q"]
    assert [m.content for m in scene.diary.history] == ["A"]


async def test_going_on_adds_a_line_for_the_model_only(tmp_path: Path) -> None:
    """[Continue]: no new question in the history, a line to go on in the context."""
    scene = stage(tmp_path, said("More"))
    context = (Message("user", "Q"), Message("assistant", "Once"))
    await scene.play(scene.run(None, context=context, continues=True))
    assert scene.host.requests[0].messages[-1].content.startswith(marks.GO_ON)
    assert [m.content for m in scene.diary.history] == ["More"]


async def test_messages_that_steer_reach_the_next_call(tmp_path: Path) -> None:
    """Steering is taken after a batch, kept in both lists and told."""
    scene = stage(tmp_path, calls(("a", {})), said("ok"), tools=[tool("a")])
    scene.diary.steers = [Message("user", "Shorter, please")]
    events = await scene.play()
    assert Steered("Shorter, please") in events
    assert scene.host.requests[1].messages[-1].content == "Shorter, please"
    assert "Shorter, please" in [message.content for message in scene.diary.history]


async def test_a_switch_by_the_model_holds_from_the_next_call(tmp_path: Path) -> None:
    """N-110: prompt and tools are those of the new profile, in the same run."""
    switching = tool_of(switch_profile)
    scene = stage(
        tmp_path,
        calls(("switch_profile", {"profile_id": "two"})),
        calls(("switch_profile", {"profile_id": "one"})),
        said("ok"),
        tools=[switching, tool("a")],
    )
    events = await scene.play()
    assert [e for e in events if isinstance(e, ProfileSwitched)] == [ProfileSwitched("two", "two")]
    first, second, _ = scene.host.requests
    assert "Be one." in first.messages[0].content
    assert "Be two." in second.messages[0].content
    assert [[tool.name for tool in request.tools] for request in (first, second)] == [
        ["switch_profile", "a"],
        ["switch_profile"],
    ]
    refused = [message.content for message in scene.diary.context if message.role == "tool"][1]
    assert "already; stay with it" in refused


async def test_a_persons_switch_during_the_run_counts(tmp_path: Path) -> None:
    """T-09: /profile while a batch runs is effective at the next call."""

    async def meanwhile(arguments: Words, call: Call) -> Result:
        await call.state.switch_profile("two")
        return Result("x")

    scene = stage(tmp_path, calls(("a", {})), said("ok"), tools=[tool("a", meanwhile)])
    events = await scene.play()
    assert ProfileSwitched("two", "two") in events
    assert "Be two." in scene.host.requests[1].messages[0].content


async def test_a_profile_that_is_gone_is_replaced_and_said(tmp_path: Path) -> None:
    """The default profile stands in, once said, and no switch is told after a batch."""
    scene = stage(tmp_path, calls(("a", {})), said("ok"), tools=[tool("a")])
    scene.diary.profile = "gone"
    events = await scene.play(scene.run(profile_id="gone"))
    assert isinstance(events[0], Notice)
    assert "gone" in events[0].text
    assert not any(isinstance(event, ProfileSwitched) for event in events)
    assert ending(events).full_content == "ok"


async def test_a_room_can_override_model_and_thinking(tmp_path: Path) -> None:
    """The run's model and think go before the profile's and the host's."""
    scene = stage(tmp_path, said("ok"), more='"temperature": 0.2, "model": "own"')
    await scene.play()
    assert (scene.host.requests[0].model, scene.host.requests[0].think) == ("own", True)
    scene.diary = Diary()
    await scene.play(scene.run(model="big", think=False))
    request = scene.host.requests[1]
    assert (request.model, request.think, request.temperature) == ("big", False, 0.2)
    assert request.num_ctx == 65536


async def test_a_model_is_asked_only_what_it_can(tmp_path: Path) -> None:
    """VX-14: no tools and no thinking for a model without, and never above its window."""
    info = ModelInfo("m", 4096, tools=False, thinking=False, vision=True)
    scene = Stage(tmp_path, ScriptedHost(said("ok"), info=info), tools=[tool("a")])
    assert ending(await scene.play()).max_context_tokens == 4096
    request = scene.host.requests[0]
    assert (request.tools, request.think, request.num_ctx) == ((), None, 4096)


async def test_run_returns_the_text(tmp_path: Path) -> None:
    """N-14, T-16: the same loop, drained."""
    scene = stage(tmp_path, calls(("a", {})), said("Done"), tools=[tool("a")])
    assert await scene.agent.run(scene.run()) == "Done"
    assert scene.diary.closed


async def test_an_ephemeral_run_touches_no_journal(tmp_path: Path) -> None:
    """N-15, N-95: text and True; the run's own journal stays empty; 20 calls at most."""
    scene = stage(tmp_path, calls(("a", {})), said("Done"), tools=[tool("a")])
    assert await scene.agent.run_ephemeral(scene.run()) == ("Done", True)
    assert not scene.diary.entries
    counted = iter(range(100))
    scripts = [calls(("a", {"text": str(next(counted))})) for _ in range(30)]
    scene = stage(tmp_path, *scripts, tools=[tool("a")])
    _, completed = await scene.agent.run_ephemeral(scene.run())
    assert (completed, len(scene.host.requests)) == (False, 20)


async def test_an_ephemeral_run_ends_in_time(tmp_path: Path) -> None:
    """T-07: the deadline cuts a silent stream, closes it and returns what there is."""
    scene = stage(tmp_path, [*said("Part")[:1], for_ever])
    assert await scene.agent.run_ephemeral(scene.run(), seconds=0.02) == ("Part", False)
    scene.settled()


class Crashing(Diary):
    """A diary that also knows the pending batch, as the store does."""

    def __init__(self) -> None:
        super().__init__()
        self.pending: PendingBatch | None = None

    async def record(self, entries: Sequence[Entry]) -> None:
        await super().record(entries)
        await asyncio.sleep(0)
        self.pending = None

    async def begin_batch(self, step: int, assistant: Message, effects: Mapping[str, str]) -> None:
        await asyncio.sleep(0)
        calls = tuple(
            JournalledCall(call, effects[call.id], None, False) for call in assistant.tool_calls
        )
        self.pending = PendingBatch(step, assistant, calls)

    async def end_call(self, step: int, call_id: str, result: str, ok: bool) -> None:
        assert self.pending is not None
        ended = tuple(
            JournalledCall(each.call, each.effect, result, ok) if each.call.id == call_id else each
            for each in self.pending.calls
        )
        self.pending = PendingBatch(step, self.pending.assistant, ended)
        await asyncio.sleep(0)


@settings(
    max_examples=scaled(150, 2000),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(moments=st.lists(st.integers(0, 150), max_size=3))
def test_a_run_cut_off_anywhere_can_be_taken_up(tmp_path: Path, moments: list[int]) -> None:
    """Whatever moments it is killed at: it ends, whole, and no effect happens twice."""
    asyncio.run(_killed(tmp_path, moments))


async def _killed(folder: Path, moments: list[int]) -> None:
    sent: list[str] = []

    async def send(arguments: Words, call: Call) -> Result:
        await asyncio.sleep(0)
        sent.append(arguments.text)
        await asyncio.sleep(0)
        return Result("sent")

    scripts = [calls(("a", {}), ("send", {"text": "1"})), calls(("send", {"text": "2"}), text="x")]
    tools = [tool("a"), tool("send", send, effect=Effect.OUTWARD)]
    scene = stage(folder, *scripts, said("end"), tools=tools, gate=OpenGate(1))
    diary = scene.diary = Crashing()
    kinds: list[type] | None = None
    for moment in [*moments, 1000]:
        kinds = await _life(scene, diary, moment)
        if kinds is not None:
            break
    assert kinds is not None
    assert kinds[-1] is StreamEnd
    assert len(sent) == len(set(sent))
    assert_answered(diary.context)
    assert [message.role for message in diary.history].count("user") == 1


async def _life(scene: Stage, diary: Crashing, moment: int) -> list[type] | None:
    """Take the run up from what is stored; None when it is cut off after `moment` rounds."""
    answered = sum(bool(message.tool_calls) for message in diary.context)
    del scene.host.requests[answered + (diary.pending is not None) :]
    run = scene.run(
        None if diary.entries else "Hello?",
        context=tuple(diary.context),
        pending=diary.pending,
        journal=diary,
        state=State(diary),
    )
    diary.closed = False
    async with asyncio.TaskGroup() as group:
        played = group.create_task(_kinds(scene.agent.run_stream(run)))
        for _ in range(moment):
            await asyncio.sleep(0)
        played.cancel()
    assert scene.host.open == scene.gate.inside == 0
    return None if played.cancelled() else played.result()


async def _kinds(events: AsyncGenerator[Event]) -> list[type]:
    async with aclosing(events) as stream:
        return [type(event) async for event in stream]
