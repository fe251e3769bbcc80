"""Works that run together until the first of them ends."""

import asyncio

import pytest
import structlog.testing

from navi_bot.app.race import first_of
from navi_bot.errors import Bug


async def never() -> None:
    await asyncio.Event().wait()


async def soon() -> None:
    await asyncio.sleep(0)


async def test_the_first_to_end_is_named_and_the_others_are_cancelled() -> None:
    cancelled = asyncio.Event()

    async def hanging() -> None:
        try:
            await never()
        finally:
            cancelled.set()

    assert await first_of(hanging(), soon(), never()) == 1
    assert cancelled.is_set()


async def test_its_error_comes_out_as_it_was() -> None:
    """Not wrapped in a group."""

    async def failing() -> None:
        raise ValueError("this one")

    with pytest.raises(ValueError, match="this one"):
        await first_of(never(), failing())


async def test_an_error_of_one_that_leaves_is_logged() -> None:
    """It comes too late to be raised, and is not lost."""

    async def failing_late() -> None:
        try:
            await never()
        finally:
            raise ValueError("too late")

    with structlog.testing.capture_logs() as lines:
        assert await first_of(soon(), failing_late()) == 0
    assert [str(line["exc_info"]) for line in lines] == ["too late"]


async def test_a_work_that_gives_up_by_itself_is_a_fault() -> None:
    """A cancellation that nobody asked for must not look like an end in good order."""

    async def gives_up() -> None:
        raise asyncio.CancelledError

    with pytest.raises(Bug):
        await first_of(gives_up(), never())


async def test_the_others_have_cleaned_up_when_it_returns() -> None:
    log: list[str] = []

    async def slow_to_leave() -> None:
        try:
            await never()
        finally:
            await asyncio.sleep(0.01)
            log.append("left")

    await first_of(slow_to_leave(), soon())
    assert log == ["left"]


async def test_a_cancelled_race_cancels_every_work() -> None:
    left: list[int] = []

    async def runner(number: int) -> None:
        try:
            await never()
        finally:
            left.append(number)

    race = asyncio.ensure_future(first_of(runner(1), runner(2)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    race.cancel()
    with pytest.raises(asyncio.CancelledError):
        await race
    assert sorted(left) == [1, 2]
