"""The engine's loop: it wakes for what is due, and looks even where no alarm rings."""

import asyncio
from collections.abc import Callable
from datetime import datetime

import pytest
import structlog.testing
from recall.recall_world import Shelf

from navi_bot.errors import StoreUnavailable
from navi_bot.messages import Head, Post
from navi_bot.ports.recall import Decide, Glance, Stage
from navi_bot.recall.engine import RecallEngine


class Work:
    """Implements RecallWork: counts looks, and answers what it is told to."""

    def __init__(self, *waits: float | Exception | None, unsettled: bool = False) -> None:
        self.waits = list(waits)
        self.unsettled = unsettled
        self.stages: list[str] = []
        self.looks = 0
        self.looked = asyncio.Event()

    async def glance(self, platform: str, account: str) -> Glance:
        self.looks += 1
        self.looked.set()
        wait = self.waits.pop(0) if self.waits else None
        if isinstance(wait, Exception):
            raise wait
        return Glance(wait, self.unsettled)

    async def decide(
        self, stage: Stage, platform: str, account: str, decide: Decide
    ) -> tuple[Post, ...]:
        self.stages.append(stage)
        return ()

    async def settle(self, platform: str, account: str) -> int:
        self.stages.append("settle")
        return 0

    async def returned(
        self, platform: str, account: str, tell: Callable[[Head, int, datetime], Post]
    ) -> tuple[Post, ...]:
        return ()


class Alarm:
    """Implements Alarm; rings only by hand."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self._event = asyncio.Event()

    def set(self, seconds: float) -> None:
        self.times.append(seconds)

    def ring(self) -> None:
        self._event.set()

    async def rung(self) -> None:
        await self._event.wait()
        self._event.clear()


async def looks(work: Work, alarm: Alarm, count: int, *, every: float = 5.0) -> None:
    """Run the engine until it has looked so often."""
    engine = RecallEngine(work, Shelf(), alarm, "telegram", "1", every)
    running = asyncio.ensure_future(engine.run())
    async with asyncio.timeout(2):
        while work.looks < count:
            work.looked.clear()
            await work.looked.wait()
    await asyncio.sleep(0)
    running.cancel()
    await asyncio.wait([running])
    assert running.cancelled()


async def test_the_alarm_is_set_for_what_is_due_soon() -> None:
    alarm = Alarm()
    await looks(Work(2.0), alarm, 1)
    assert [round(seconds, 2) for seconds in alarm.times] == [2.0]


async def test_no_alarm_is_set_for_what_is_due_later() -> None:
    """The next look is sooner than that."""
    alarm = Alarm()
    await looks(Work(3600.0, None), alarm, 1)
    assert alarm.times == []


async def test_it_looks_though_no_alarm_rings() -> None:
    """A clock that was stepped back would keep every alarm silent."""
    await looks(Work(0.5), Alarm(), 3, every=0.01)


async def test_the_bell_makes_it_look_at_once() -> None:
    work, alarm = Work(), Alarm()
    alarm.ring()
    await looks(work, alarm, 2, every=60.0)


async def test_what_somebody_else_has_locked_is_not_looked_at_without_pause() -> None:
    alarm = Alarm()
    await looks(Work(-5.0, -5.0), alarm, 2)
    assert alarm.times[0] >= 0.01


async def test_where_there_is_nothing_to_do_nothing_is_done() -> None:
    work = Work(3600.0, None)
    await looks(work, Alarm(), 2, every=0.01)
    assert work.stages == []


@pytest.mark.parametrize("work", [Work(0.0), Work(3600.0, unsettled=True)])
async def test_what_is_due_or_unsettled_is_seen_to(work: Work) -> None:
    await looks(work, Alarm(), 2)
    assert work.stages == ["due", "settle", "waiting", "failed", "undelivered", "unheard"]


async def test_a_database_that_is_away_is_said_once_and_looked_for_again() -> None:
    away = StoreUnavailable("The database does not answer now.")
    with structlog.testing.capture_logs() as lines:
        await looks(Work(away, away, ValueError("a fault"), None), Alarm(), 5, every=0.01)
    told = [line["event"] for line in lines]
    assert told.count("recalls_paused") == 1
    assert told.count("recalls_crashed") == 1
    assert told.count("recalls_resumed") == 1
