"""The alarm clock that only wakes: rings on time, when told, and never holds a truth."""

import asyncio
import time

from navi_bot.app.alarm import Bell

SLACK = 0.5
"""Seconds that a busy machine may take."""


async def test_it_rings_at_its_time() -> None:
    with Bell().alarm("a") as alarm:
        began = time.monotonic()
        alarm.set(0.03)
        await asyncio.wait_for(alarm.rung(), SLACK)
        assert time.monotonic() - began >= 0.02


async def test_what_is_past_rings_at_once() -> None:
    """APScheduler's own default would drop what is more than a second late."""
    with Bell().alarm("a") as alarm:
        alarm.set(-7200)
        await asyncio.wait_for(alarm.rung(), SLACK)


async def test_the_last_time_that_was_set_counts() -> None:
    with Bell().alarm("a") as alarm:
        alarm.set(0.01)
        alarm.set(60)
        await asyncio.sleep(0.04)
        try:
            await asyncio.wait_for(alarm.rung(), 0.02)
        except TimeoutError:
            return
        raise AssertionError("it rang for a time that was replaced")


async def test_the_bell_rings_every_alarm_that_is_lent() -> None:
    bell = Bell()
    with bell.alarm("a") as one, bell.alarm("b") as other:
        bell.ring()
        await asyncio.wait_for(asyncio.gather(one.rung(), other.rung()), SLACK)
    bell.ring()  # nobody hears it, and nothing breaks
    before = asyncio.all_tasks()
    assert before == {asyncio.current_task()}
