"""What breaks around a turn: the database for a moment, or we ourselves."""

from collections.abc import AsyncGenerator, Callable, Sequence

import asyncpg
import pytest
from faults.here import failing_at
from structlog.testing import capture_logs
from turn.test_turn import END, Loop, Scene, answers

from navi_bot.errors import StoreUnavailable
from navi_bot.events import Event
from navi_bot.fault_points import Point
from navi_bot.messages import Entry, Line, Message, PersonId, Role, RoomId, ToolCall, TurnId
from navi_bot.ports.records import CallEnd, TurnStart
from navi_bot.question import Question
from navi_bot.running import RunningTurn
from navi_bot.store.people import PostgresPeople
from navi_bot.store.turns import PostgresTurns
from navi_bot.turn import MAX_ATTEMPTS
from navi_bot.turn_journal import TurnJournal

AWAY = StoreUnavailable("The database does not answer now.")


@pytest.fixture
async def scene(database: asyncpg.Pool, tmp_path: object) -> Scene:
    scene = Scene(database, tmp_path)
    scene.ann = await PostgresPeople(database).ensure("telegram", "5", "Ann", Role.OWNER)
    return scene


class Cut(PostgresTurns):
    """Every write of a turn loses its connection the first time."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        super().__init__(pool)
        self.cut: list[str] = []

    def _lose(self, what: str) -> None:
        if what not in self.cut:
            self.cut.append(what)
            raise AWAY

    async def claim(self, room: RoomId) -> TurnStart | None:
        self._lose("claim")
        return await super().claim(room)

    async def begin_batch(self, *arguments: object, **named: object) -> None:
        self._lose("begin")
        await super().begin_batch(*arguments, **named)  # type: ignore[arg-type]  # passed through

    async def end_calls(self, turn: TurnId, ended: Sequence[CallEnd]) -> None:
        self._lose("end")
        await super().end_calls(turn, ended)

    async def record(self, *arguments: object, **named: object) -> str:
        self._lose("record")
        return await super().record(*arguments, **named)  # type: ignore[arg-type]  # passed through

    async def finish(self, *arguments: object, **named: object) -> None:
        self._lose("finish")
        await super().finish(*arguments, **named)  # type: ignore[arg-type]  # passed through


async def uses_a_tool(
    start: TurnStart, question: Question | None, journal: TurnJournal, running: RunningTurn
) -> AsyncGenerator[Event]:
    calls = (ToolCall("c1", "bell", {}), ToolCall("c2", "bell", {}))
    assistant = Message("assistant", "", tool_calls=calls)
    await journal.record([Entry(Message("user", start.request.text))])
    await journal.begin_batch(1, assistant, {"c1": "W2", "c2": "W2"})
    for call in calls:
        await journal.end_call(1, call.id, "It rang.", True)
    results = [Message("tool", "It rang.", tool_call_id=call.id, name="bell") for call in calls]
    await journal.record([Entry(assistant), *(Entry(result) for result in results)])
    await journal.close([Entry(Message("assistant", "Noon."))])
    yield END


async def test_a_connection_that_breaks_costs_a_turn_nothing(scene: Scene) -> None:
    """Wherever it breaks; each thing is stored once."""
    room = await scene.ask()
    turns = Cut(scene.pool)
    scene.turns = turns  # type: ignore[assignment]  # another flaky store
    with capture_logs():
        await scene.runner(Loop(uses_a_tool)).wake(room)
    assert turns.cut == ["claim", "begin", "end", "record", "finish"]
    assert await scene.state() == "done"
    scene.turns = PostgresTurns(scene.pool)  # type: ignore[assignment]  # one that works
    roles = [role for role, _ in await scene.context()]
    assert roles == ["user", "assistant", "tool", "tool", "assistant"]


@pytest.mark.parametrize("point", ["turn_claimed", "turn_ending"])
async def test_a_turn_that_breaks_off_is_begun_again(scene: Scene, point: Point) -> None:
    """It must not stand in its room's way for ever."""
    room = await scene.ask()
    loop = Loop(answers, answers)
    with capture_logs(), failing_at(point, KeyError("a bug")):
        await scene.runner(loop).wake(room)
        assert await scene.state() == "queued"
        await scene.runner(loop).wake(room)
    assert await scene.state() == "done"


async def test_a_turn_that_breaks_off_each_time_is_set_aside(scene: Scene) -> None:
    room = await scene.ask()
    runner = scene.runner(Loop())
    with capture_logs(), failing_at("turn_claimed", KeyError("a bug"), times=MAX_ATTEMPTS):
        for _ in range(MAX_ATTEMPTS + 1):
            await runner.wake(room)
    assert await scene.state() == "failed"
    assert len(scene.room.shown) == 1


Crash = Callable[[Scene], PersonId]


async def crash(scene: Scene, room: RoomId, times: int) -> None:
    """Be killed so often while the room's turn runs; the last time nobody gives it back."""
    for number in range(times):
        start = await scene.turns.claim(room)
        assert start is not None
        if number + 1 < times:
            await scene.turns.requeue(start.id, 0.0, crashed=True)


async def test_what_a_crash_left_running_is_given_back(scene: Scene) -> None:
    await crash(scene, await scene.ask(), MAX_ATTEMPTS - 1)
    assert await scene.runner(Loop()).take_up("telegram", "1") == (1, 0)
    assert await scene.state() == "queued"
    assert scene.room.shown == []


async def test_what_crashed_us_three_times_is_set_aside_before_anything_runs(
    scene: Scene,
) -> None:
    """Its asker is told, once, whatever comes; another turn is given back."""
    await crash(scene, await scene.ask(), MAX_ATTEMPTS)
    await crash(scene, await scene.ask(chat="6"), 1)
    runner = scene.runner(Loop())
    with capture_logs():
        assert await runner.take_up("telegram", "1") == (1, 1)
        assert await runner.take_up("telegram", "1") == (0, 0)
    assert await scene.states() == ["failed", "queued"]
    (post,) = scene.room.shown
    assert isinstance(post.pages[0].blocks[0], Line)
