"""The engine of one bot account: wakes, fires what is due, sees to what became of it.

The rows are the truth. An alarm clock only wakes the loop for what is due
soon; a look every few seconds finds what no alarm rang for: a clock that was
stepped, a machine that slept, a recall that another process wrote. What was
due while nobody looked is found by the same query, and says that it is late.
A look begins with a glance, one statement, and mostly ends with it.
"""

import asyncio
import time
from collections.abc import Sequence
from functools import partial
from typing import Protocol

import structlog

from navi_bot.errors import NaviError
from navi_bot.fault_points import reached
from navi_bot.messages import Post
from navi_bot.ports.delivery import Delivery
from navi_bot.ports.recall import Case, Outcome, RecallWork, Stage
from navi_bot.recall.pages import returned_post
from navi_bot.recall.plan import decide

log = structlog.get_logger()

LOOK_EVERY = 5.0
"""Seconds between looks at the database, whatever the alarm does."""

AHEAD = 0.001
"""Seconds after the moment that the alarm is set to: too early is a look for nothing."""

SOONEST = 0.02
"""Seconds until the next look at least: what is due now is locked by somebody else."""

GAP = 60.0
"""Seconds by which wall time may run ahead of elapsed time before it is told as a gap."""

REPAIRS: tuple[Stage, ...] = ("waiting", "failed", "undelivered", "unheard")


class Alarm(Protocol):
    """An alarm clock with one alarm. `ring` may be called from anywhere in the loop."""

    def set(self, seconds: float) -> None:
        """Have it ring in so many seconds; replaces the alarm that was set."""
        ...

    def ring(self) -> None: ...

    async def rung(self) -> None:
        """Wait until it has rung since the last time."""
        ...


class RecallEngine:
    """Runs until it is cancelled."""

    def __init__(
        self,
        work: RecallWork,
        delivery: Delivery,
        alarm: Alarm,
        platform: str,
        account: str,
        look_every: float = LOOK_EVERY,
    ) -> None:
        self._work = work
        self._delivery = delivery
        self._alarm = alarm
        self._place = (platform, account)
        self._look_every = look_every
        self._looked = (time.time(), time.monotonic())
        self._troubled = False

    async def run(self) -> None:
        """Look, sleep, look again; the boundary of its faults."""
        while True:
            self._note_gap()
            try:
                await self.look()
            except NaviError as error:
                self._trouble(str(error))
            except Exception:
                log.exception("recalls_crashed")
                self._trouble("a fault of ours")
            await self._sleep()

    async def look(self) -> None:
        """Do what there is to do, and set the alarm for what comes next.

        Where there is nothing, as nearly always, that is one statement.
        """
        glance = await self._work.glance(*self._place)
        if glance.calls:
            await self._see_to_it()
            glance = await self._work.glance(*self._place)
        if self._troubled:
            log.info("recalls_resumed")
            self._troubled = False
        if glance.seconds is not None and glance.seconds < self._look_every:
            self._alarm.set(max(glance.seconds + AHEAD, SOONEST))

    async def _see_to_it(self) -> None:
        """Fire what is due, and see to the rest."""
        self._show(await self._work.returned(*self._place, returned_post))
        while fired := await self._stage("due"):
            log.debug("recalls_due", count=fired)
        await self._work.settle(*self._place)
        for stage in REPAIRS:
            await self._stage(stage)

    async def _sleep(self) -> None:
        """Sleep until the alarm rings, by the steady clock not much longer than a look's time."""
        try:
            async with asyncio.timeout(self._look_every):
                await self._alarm.rung()
        except TimeoutError:
            return

    async def _stage(self, stage: Stage) -> int:
        """See to what is at a stage; return how many that were."""
        outcomes: list[Outcome] = []
        deciding = partial(_decided, stage, outcomes)
        posts = await self._work.decide(stage, *self._place, deciding)
        if outcomes:
            await reached("recalls_claimed")
        for outcome in outcomes:
            _tell(stage, outcome)
        self._show(posts)
        return len(outcomes)

    def _show(self, posts: Sequence[Post]) -> None:
        for post in posts:
            self._delivery.show(post)

    def _note_gap(self) -> None:
        """Tell when the machine slept, or its clock was stepped."""
        (wall, steady), self._looked = self._looked, (time.time(), time.monotonic())
        gap = (self._looked[0] - wall) - (self._looked[1] - steady)
        if abs(gap) > GAP:
            log.warning("clock_jumped", seconds=round(gap))

    def _trouble(self, reason: str) -> None:
        if not self._troubled:
            log.warning("recalls_paused", reason=reason)
        self._troubled = True


def _decided(stage: Stage, outcomes: list[Outcome], cases: Sequence[Case]) -> Sequence[Outcome]:
    outcomes[:] = decide(stage, cases)
    return outcomes


def _tell(stage: Stage, outcome: Outcome) -> None:
    case = outcome.case
    ids = {"occurrence": case.id, "recall": case.recall.id, "room": case.head.room}
    if stage == "due":
        late = (case.now - case.due_at).total_seconds()
        log.info("recall_fired", kind=case.recall.plan.kind, late=round(late, 3), **ids)
    else:
        log.info("recall_seen_to", stage=stage, state=outcome.state, **ids)
