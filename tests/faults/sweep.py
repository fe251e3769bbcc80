"""Every scenario, every point that it reaches, every kind of fault; and what came of it."""

import asyncio
import os
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

from faults.judge import Verdict, judge
from faults.lane import Lane, Room, database
from faults.scenarios import SCENARIOS
from faults.switchboard import Fault, Kind

from navi_bot.fault_points import Point
from navi_bot.texts import rooms as rooms_texts
from navi_bot.texts import turn as turn_texts

KINDS: tuple[Kind, ...] = get_args(Kind)

EXCUSES = (turn_texts.BROKEN(), rooms_texts.BROKE())
"""Sentences that stand for an answer where the program itself failed in memory."""

Reached = Mapping[str, Mapping[Point, int]]
"""How often each scenario reaches each point."""

WITHIN = 120.0
"""Seconds in which everything is answered, whatever failed; on a machine that has a lot to do."""
STRIKES = 30.0
"""Seconds in which a fault strikes that is going to."""
PROBED = 15.0
"""Seconds in which another room is answered while a task hangs."""
LOOK_EVERY = 0.1
QUIET = 0.4
"""Seconds that are waited for an answer that comes once too often."""
INTAKE: tuple[Point, ...] = (
    "batch_received", "event_decided", "event_stored", "batch_stored",
    "turns_given_back", "events_taken_up", "posts_taken_up",
)  # fmt: skip
"""Where a task that hangs keeps everybody waiting, until the watchdog ends the daemon."""


@dataclass(frozen=True, slots=True)
class Case:
    scenario: str
    point: Point
    nth: int
    kind: Kind

    def __str__(self) -> str:
        return f"{self.scenario}: {self.kind} at {self.point} ({self.nth})"


@dataclass(slots=True)
class Result:
    case: Case
    verdict: Verdict
    struck: bool = True
    seconds: float = 0.0
    stop: float = 0.0
    """Seconds from a SIGTERM to the end; 0.0 if there was none."""

    @property
    def faults(self) -> list[str]:
        lost = [f"q{number} is lost" for number in self.verdict.lost]
        return [f"{self.case}: {fault}" for fault in lost + self.verdict.faults]


@dataclass(slots=True)
class Report:
    results: list[Result] = field(default_factory=list)

    @property
    def faults(self) -> list[str]:
        return [fault for result in self.results for fault in result.faults]

    def slower_than(self, seconds: float) -> list[str]:
        """Return the cases in which a SIGTERM took longer."""
        return [f"{one.case}: {one.stop:.1f} s" for one in self.results if one.stop > seconds]

    def table(self) -> str:
        """Return a row for each kind of fault: what was done and what came of it."""
        head = f"{'fault':6} {'points':>6} {'runs':>5} {'lost':>5} {'told':>5}"
        rows = [f"{head} {'labelled':>8} {'faults':>6} {'slowest':>8} {'stopped':>8}"]
        for kind in KINDS:
            done = [one for one in self.results if one.case.kind == kind and one.struck]
            if not done:
                continue
            points = {one.case.point for one in done}
            lost = sum(len(one.verdict.lost) for one in done)
            told = sum(len(one.verdict.told) for one in done)
            again = sum(len(one.verdict.repeated) for one in done)
            faults = sum(len(one.verdict.faults) for one in done)
            slowest = max(one.seconds for one in done)
            stop = max(one.stop for one in done)
            rows.append(
                f"{kind:6} {len(points):6} {len(done):5} {lost:5} {told:5} "
                f"{again:8} {faults:6} {slowest:7.1f}s {stop:7.1f}s"
            )
        return "\n".join(rows)


async def recorded(lane: Lane, scenario: str) -> Counter[Point]:
    """Play a scenario to its end without a fault; return how often each point was reached."""
    lane.faults.seen.clear()
    room = await lane.room()
    await SCENARIOS[scenario](lane, room)
    result = await judged(lane, room, Verdict())
    assert not [*result.lost, *result.faults], f"{scenario}: {lane.texts(room)}"
    return Counter(lane.faults.seen)


async def carried_out(lane: Lane, case: Case) -> Result:
    """Play a scenario with a fault, and judge what the chat shows when all is over."""
    began = time.monotonic()
    room = await lane.room()
    rung, stopped = len(lane.rings()), len(lane.stops)
    fault = lane.faults.arm(case.point, case.nth, case.kind)
    playing = asyncio.ensure_future(SCENARIOS[case.scenario](lane, room))
    verdict = Verdict()
    if case.kind == "hang":
        verdict.faults += await _hung(lane, room, fault, playing)
    try:
        await playing
    except TimeoutError as error:
        verdict.faults.append(f"what people waited for did not come: {error}")
    verdict = await judged(lane, room, verdict)
    lane.faults.disarm()
    rings = Counter(lane.rings()[rung:])
    verdict.faults += [f"the bell rang {n} times for {who}" for who, n in rings.items() if n > 1]
    if orphans := await lane.orphans():
        verdict.faults.append(f"{orphans} stored tool calls have no result")
    if over := lane.telegram.over_limits():
        verdict.faults.append(f"{len(over)} calls were over the platform's limits")
        lane.telegram.front.history.calls.clear()
    stop = max(lane.stops[stopped:], default=0.0)
    return Result(case, verdict, fault.struck.is_set(), time.monotonic() - began, stop)


async def _hung(lane: Lane, room: Room, fault: Fault, playing: asyncio.Future[None]) -> list[str]:
    """While a task hangs others are served, and a SIGTERM still ends the daemon."""
    if not await _struck(lane, room, fault, playing):
        return []
    faults = []
    if fault.point not in INTAKE:
        other = await lane.room()
        question = lane.ask(other, "plain")
        try:
            await lane.shows(other, question.words[-1], within=PROBED)
        except TimeoutError:
            faults.append("another room is not answered meanwhile")
    try:
        await lane.stop()
    except TimeoutError:
        faults.append("SIGTERM does not end the daemon")
        assert lane.daemon is not None
        lane.daemon.kill()
    return faults


async def _struck(lane: Lane, room: Room, fault: Fault, playing: asyncio.Future[None]) -> bool:
    """Wait for a fault to strike; False if all was over without it."""
    deadline = time.monotonic() + STRIKES
    while not fault.struck.is_set():
        over = playing.done() and room.asked and not await _left(lane, room, EXCUSES)
        if over or time.monotonic() > deadline:
            return False
        await asyncio.sleep(LOOK_EVERY)
    return True


async def judged(
    lane: Lane, room: Room, verdict: Verdict, excuses: Sequence[str] = EXCUSES
) -> Verdict:
    """Wait until all is answered and nothing is open; judge what is shown then."""
    deadline = time.monotonic() + WITHIN
    while left := await _left(lane, room, excuses):
        if time.monotonic() > deadline:
            break
        await asyncio.sleep(LOOK_EVERY)
    await asyncio.sleep(QUIET)
    found = _seen(lane, room, excuses)
    found.faults += verdict.faults
    found.faults += [f"still open: {each}" for each in left]
    return found


async def _left(lane: Lane, room: Room, excuses: Sequence[str]) -> list[str]:
    """Return what is not shown yet or, once all is, what the database has not done."""
    seen = _seen(lane, room, excuses)
    missing = [f"q{number}" for number in seen.lost]
    missing += [fault for fault in seen.faults if "is not said" in fault]
    if missing:
        return missing
    return [name for name, count in (await lane.open_work(str(room.chat.id))).items() if count]


def _seen(lane: Lane, room: Room, excuses: Sequence[str]) -> Verdict:
    return judge(lane.texts(room), room.asked, excuses, room.once, room.together)


async def recorded_all(lanes: Sequence[Lane]) -> Reached:
    """Play every scenario once without a fault; return how often each reached each point."""
    waiting = list(reversed(SCENARIOS))
    reached: dict[str, Mapping[Point, int]] = {}

    async def play(lane: Lane) -> None:
        while waiting:
            name = waiting.pop()
            reached[name] = await recorded(lane, name)

    async with asyncio.TaskGroup() as tasks:
        for lane in lanes:
            tasks.create_task(play(lane))
    return {name: reached[name] for name in SCENARIOS}


async def swept(lanes: Sequence[Lane], cases: Sequence[Case]) -> Report:
    """Carry the cases out, on all lanes side by side."""
    waiting = list(reversed(cases))
    report = Report()
    async with asyncio.TaskGroup() as tasks:
        for lane in lanes:
            tasks.create_task(_work_off(lane, waiting, report))
    return report


async def _work_off(lane: Lane, waiting: list[Case], report: Report) -> None:
    while waiting:
        case = waiting.pop()
        result = await carried_out(lane, case)
        report.results.append(result)
        if result.faults:
            await lane.end()  # what is wrong here is not to be wrong with the next
            await lane.start()


@asynccontextmanager
async def lanes_of(server: str, folder: Path, width: int) -> AsyncIterator[list[Lane]]:
    """Run lanes side by side, each with a database and a folder of its own."""
    async with AsyncExitStack() as stack:
        lanes = []
        for number in range(width):
            own = folder / str(number)
            own.mkdir(parents=True)
            name = f"faults_{os.getpid()}_{number}"
            await stack.enter_async_context(database(server, name))
            lanes.append(Lane(with_name(server, name), own, {"NAVI_STEER": "1"}))
        await asyncio.gather(*(stack.enter_async_context(lane) for lane in lanes))
        yield lanes


def with_name(dsn: str, name: str) -> str:
    """Return the URL of another database on the same server."""
    head, _, query = dsn.partition("?")
    return f"{head.rpartition('/')[0]}/{name}" + (f"?{query}" if query else "")
