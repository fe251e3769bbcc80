"""Works that run together until the first of them ends."""

import asyncio

import pytest

from navi_bot.app.race import first_of


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
