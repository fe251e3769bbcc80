"""The alarm clock of recalls: APScheduler, in memory, one date job an account.

It holds no truth: a job that never runs costs at most one look. Its defaults
drop what is a second late, so `misfire_grace_time` is None.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from apscheduler.schedulers.asyncio import AsyncIOScheduler  # type: ignore[import-untyped]  # it ships no types


class SchedulerAlarm:
    """Implements recall.engine.Alarm."""

    def __init__(self, scheduler: AsyncIOScheduler, name: str) -> None:
        self._scheduler = scheduler
        self._name = f"recalls:{name}"
        self._rung = asyncio.Event()

    def set(self, seconds: float) -> None:
        self._scheduler.add_job(
            self._ring_in_loop,
            "date",
            run_date=datetime.now(UTC) + timedelta(seconds=seconds),
            id=self._name,
            misfire_grace_time=None,
            coalesce=True,
            max_instances=1,
            replace_existing=True,
        )

    def ring(self) -> None:
        self._rung.set()

    async def rung(self) -> None:
        await self._rung.wait()
        self._rung.clear()

    async def _ring_in_loop(self) -> None:
        """A plain function would be run in a thread."""
        self._rung.set()


class Bell:
    """Rings every alarm of this process: some recall has changed."""

    def __init__(self) -> None:
        self._alarms: list[SchedulerAlarm] = []

    def ring(self) -> None:
        for alarm in self._alarms:
            alarm.ring()

    @contextmanager
    def alarm(self, name: str) -> Iterator[SchedulerAlarm]:
        """Lend an alarm that hears the bell for as long as it is entered."""
        scheduler = AsyncIOScheduler(timezone=UTC)
        scheduler.start()
        alarm = SchedulerAlarm(scheduler, name)
        self._alarms.append(alarm)
        try:
            yield alarm
        finally:
            self._alarms.remove(alarm)
            scheduler.shutdown(wait=False)
