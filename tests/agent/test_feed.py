"""The feed between the loop and its watcher, and waits that a stop ends."""

import asyncio

import pytest

from navi_bot.agent.feed import Tell, events_of
from navi_bot.agent.stopping import Stopped, until_stopped
from navi_bot.errors import ModelUnavailable
from navi_bot.events import Event, Notice, TextDelta, ThinkingDelta
from navi_bot.running import StopToken


async def test_events_come_in_order_and_deltas_grow_together() -> None:
    """Nothing is lost; deltas that nobody has taken yet become one."""

    async def play(tell: Tell) -> None:
        for event in (TextDelta("a"), TextDelta("b"), ThinkingDelta("c"), Notice("d")):
            tell(event)
        await asyncio.sleep(0)
        tell(TextDelta("e"))

    assert [event async for event in events_of(play)] == [
        TextDelta("ab"),
        ThinkingDelta("c"),
        Notice("d"),
        TextDelta("e"),
    ]


async def test_a_delta_is_there_at_once() -> None:
    """A watcher that keeps up gets each delta by itself, while the play goes on."""
    taken: list[Event] = []
    gone_on = asyncio.Event()

    async def play(tell: Tell) -> None:
        tell(TextDelta("a"))
        await asyncio.wait_for(gone_on.wait(), 1)
        tell(TextDelta("b"))

    async for event in events_of(play):
        taken.append(event)
        gone_on.set()
    assert taken == [TextDelta("a"), TextDelta("b")]


async def test_an_error_comes_as_it_is_after_the_events() -> None:
    """No group around it: the watcher catches what the play raised."""

    async def play(tell: Tell) -> None:
        tell(Notice("a"))
        raise ModelUnavailable("Away.")

    events = events_of(play)
    assert await anext(events) == Notice("a")
    with pytest.raises(ModelUnavailable):
        await anext(events)


async def test_leaving_cancels_the_play_and_waits() -> None:
    """T-04: when aclose returns, the play has cleaned up."""
    cleaned: list[bool] = []

    async def play(tell: Tell) -> None:
        tell(Notice("a"))
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            cleaned.append(True)

    events = events_of(play)
    assert await anext(events) == Notice("a")
    await events.aclose()
    assert cleaned == [True]


async def test_cancelling_the_watcher_cancels_the_play() -> None:
    """A shutdown reaches the loop, and stays a cancellation."""
    cleaned: list[bool] = []

    async def play(tell: Tell) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cleaned.append(True)

    async def watch() -> None:
        async for _ in events_of(play):
            pass

    async with asyncio.TaskGroup() as group:
        watching = group.create_task(watch())
        await asyncio.sleep(0.01)
        watching.cancel()
    assert watching.cancelled()
    assert cleaned == [True]


async def test_work_that_ends_keeps_its_outcome() -> None:
    """The value, or the error unwrapped."""
    stop = StopToken()

    async def answer() -> int:
        return 42

    async def fail() -> int:
        raise ModelUnavailable("Away.")

    assert await until_stopped(answer(), stop) == 42
    with pytest.raises(ModelUnavailable):
        await until_stopped(fail(), stop)


@pytest.mark.parametrize("early", [True, False])
async def test_a_stop_ends_a_wait(early: bool) -> None:
    """Set before or during: the work is gone when Stopped is raised."""
    stop = StopToken()
    cleaned: list[bool] = []

    async def hang() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            cleaned.append(True)

    if early:
        stop.stop("x")
    asyncio.get_running_loop().call_later(0.01, stop.stop, "x")
    with pytest.raises(Stopped):
        await until_stopped(hang(), stop)
    assert cleaned == ([] if early else [True])


async def test_cancelling_a_wait_cancels_its_work() -> None:
    """A cancellation is not a stop: it passes, after the work is gone."""
    cleaned: list[bool] = []

    async def hang() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cleaned.append(True)

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await until_stopped(hang(), StopToken())
    assert cleaned == [True]
