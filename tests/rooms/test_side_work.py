"""Work beside the queues: waited for, but not for ever."""

import asyncio
import time

from navi_bot.side_work import SideWork


async def test_leaving_waits_for_what_is_under_way() -> None:
    done = asyncio.Event()

    async def work() -> None:
        await asyncio.sleep(0.01)
        done.set()

    async with SideWork() as side:
        side.start(work(), "work")
    assert done.is_set()


async def test_work_that_hangs_is_cut_off() -> None:
    """A command that never comes back must not keep the daemon from ending."""

    async def work() -> None:
        await asyncio.Event().wait()

    began = time.monotonic()
    async with SideWork(leave_wait=0.02) as side:
        task = side.start(work(), "work")
    assert task.cancelled()
    assert time.monotonic() - began < 2
