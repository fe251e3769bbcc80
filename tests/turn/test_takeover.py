"""A turn that another daemon has taken over ends here without a word."""

import asyncio
from collections.abc import AsyncGenerator

import asyncpg
import pytest
from structlog.testing import capture_logs
from turn.test_turn import Loop, Scene, answers, scene

from navi_bot.events import Event, TextDelta
from navi_bot.messages import Entry, Message, ToolCall
from navi_bot.ports.records import TurnStart
from navi_bot.question import Question
from navi_bot.running import RunningTurn
from navi_bot.store.turns import PostgresTurns
from navi_bot.turn_journal import TurnJournal

__all__ = ["scene"]

TOLD = ("warning", "error", "critical")


async def take_over(pool: asyncpg.Pool) -> None:
    other = PostgresTurns(pool)
    (left,) = await other.interrupted("telegram", "1")
    await other.requeue(left.turn, 0.0, crashed=True)
    assert await other.claim(left.head.room) is not None


@pytest.mark.parametrize("at_tools", [False, True])
async def test_nothing_is_shown_stored_or_run_any_more(scene: Scene, at_tools: bool) -> None:
    """Neither its end nor a tool: the other daemon sees to both."""
    ran: list[str] = []

    async def loses(
        start: TurnStart, question: Question | None, journal: TurnJournal, running: RunningTurn
    ) -> AsyncGenerator[Event]:
        yield TextDelta("No")
        await take_over(scene.pool)
        if at_tools:
            call = Message("assistant", "", tool_calls=(ToolCall("a", "send", {}),))
            await journal.record([Entry(Message("user", start.request.text))])
            await journal.begin_batch(1, call, {"a": "W2"})
            ran.append("send")
        async for event in answers(start, None, journal, running):
            yield event

    room = await scene.ask()
    with capture_logs() as logs:
        async with asyncio.timeout(10):
            await scene.runner(Loop(loses)).wake(room)
    assert [line["event"] for line in logs if line["log_level"] in TOLD] == ["turn_lost"]
    assert await scene.state() == "running"
    assert scene.room.shown == []
    assert ran == []
    assert scene.ended == []
    assert not scene.running.all()
