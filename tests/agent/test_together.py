"""The loop with the real parts around it: gate, guard, estimate, shipped tools and profiles."""

import asyncio
from contextlib import aclosing
from pathlib import Path

from agent.stage import NOW, Diary, State, assert_answered

from navi_bot.agent.loop import Agent
from navi_bot.agent.profiles import Profiles
from navi_bot.agent.run import Run, Tail
from navi_bot.events import (
    Event,
    ModelStarted,
    Queued,
    StreamEnd,
    StreamStopped,
    TextDelta,
    TodoChanged,
    ToolEvent,
)
from navi_bot.messages import ChatKind, Message, PersonId, Role, RoomId, SessionId, TurnId
from navi_bot.models.estimate import TokenEstimator
from navi_bot.models.gate import FairGate
from navi_bot.models.guard import guarded
from navi_bot.models.repetition import RepetitionDetector
from navi_bot.models.scripted import ScriptedModel
from navi_bot.ports.agent import Backend
from navi_bot.running import StopToken
from navi_bot.toolbox.registry import Registry, shipped
from navi_bot.toolbox.runner import InstalledTools

SHIPPED = Path(__file__).parents[2] / "profiles"


def agent(parallel: int = 1) -> Agent:
    registry = Registry(shipped())
    return Agent(
        profiles=Profiles([SHIPPED], installed=registry.names),
        toolbox=InstalledTools(registry),
        backends={"ollama": Backend(ScriptedModel(0.0), FairGate(parallel), "")},
        guard=guarded,
        estimator=TokenEstimator(),
        repetition=RepetitionDetector,
    )


def run(room: int, stop: StopToken | None = None) -> Run:
    diary = Diary("secretary")
    return Run(
        turn=TurnId(room),
        session=SessionId(room),
        room=RoomId(room),
        person=PersonId(room),
        role=Role.OWNER,
        platform="console",
        chat_kind=ChatKind.PRIVATE,
        profile_id="secretary",
        context=(),
        question=Message("user", f"Question of room {room}"),
        tail=Tail(NOW, "Europe/Berlin"),
        journal=diary,
        state=State(diary),
        stop=stop or StopToken(),
        workspace=SHIPPED,
    )


async def played(loop: Agent, asked: Run) -> list[Event]:
    async with aclosing(loop.run_stream(asked)) as events:
        return [event async for event in events]


async def test_a_turn_with_every_real_part() -> None:
    """A plan, the time and an answer, through the tools and profiles that ship."""
    asked = run(1)
    events = await played(agent(), asked)
    assert isinstance(events[-1], StreamEnd)
    assert "Question of room 1" in events[-1].full_content
    assert all(event.success for event in events if isinstance(event, ToolEvent))
    changed = [event for event in events if isinstance(event, TodoChanged)]
    assert [item.state for item in changed[-1].items] == ["done", "done", "done"]
    assert isinstance(asked.journal, Diary)
    assert_answered(asked.journal.context)
    assert events[-1].prefix_share is not None
    assert events[-1].prefix_share > 0.9


async def test_many_rooms_at_one_host_each_end_once() -> None:
    """Twenty rooms, one place: each waits, is served and ends with its own answer."""
    loop = agent()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(played(loop, run(room))) for room in range(20)]
    for room, task in enumerate(tasks):
        end = task.result()[-1]
        assert isinstance(end, StreamEnd)
        assert f"Question of room {room}" in end.full_content
    assert any(isinstance(event, Queued) for event in tasks[19].result())


async def test_a_stop_in_the_queue_frees_the_place() -> None:
    """A stopped turn leaves the real gate, and the next one is served."""
    loop = agent()
    first, stop = run(1), StopToken()
    waiting = run(2, stop)
    async with aclosing(loop.run_stream(first)) as held:
        async for event in held:
            if isinstance(event, ModelStarted):
                break
        second: list[Event] = []
        async for event in loop.run_stream(waiting):
            second.append(event)
            if isinstance(event, Queued):
                stop.stop("somebody")
        assert isinstance(second[-1], StreamStopped)
    third = await played(loop, run(3))
    assert any(isinstance(event, TextDelta) for event in third)
