"""Fails at every point, in every way, and loses nothing.

A run without NAVI_TEST_FULL kills the daemon once at every point and draws
some more cases; with it, every scenario fails at every point that it reaches
in all five ways, and a thousand kills come at any moment.
"""

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from faults.kills import killed_at_random
from faults.sweep import KINDS, Case, Reached, lanes_of, recorded_all, swept
from faults.switchboard import POINTS
from scale import FULL, SEED, scaled

WIDTH = 4
"""Daemons side by side; they mostly wait."""
LONG_STOPS = (
    Case("tools", "turn_ending", 1, "hang"),
    Case("tools", "tool_called", 1, "hang"),
    Case("restarted", "turns_given_back", 1, "hang"),
)
"""What a SIGTERM has to wait for longest, and while it starts."""
DRAWN = 3
MOST = 2
"""Of the same point within a scenario; further ones are its repetition."""
CHUNKS = (1, 4)
"""Of an answer's chunks."""
STOP, BUSY_STOP = 10.0, 20.0
"""Seconds from SIGTERM to the end, whatever is under way; and while all lanes are at work."""

pytestmark = pytest.mark.usefixtures("server_dsn")


def every_case(reached: Reached) -> list[Case]:
    """Return each scenario at each of its points in each way."""
    cases = []
    for scenario, counts in reached.items():
        for point, count in counts.items():
            places = CHUNKS if point == "chunk_received" else range(1, min(count, MOST) + 1)
            cases += [Case(scenario, point, nth, kind) for nth in places for kind in KINDS]
    return cases


def chosen(reached: Reached, source: random.Random) -> list[Case]:
    """Return all cases; or a kill at every point, and some more."""
    cases = every_case(reached)
    if FULL:
        return source.sample(cases, len(cases))
    first = {case.point: case for case in reversed(cases) if case.kind == "kill"}
    return [*first.values(), *source.sample(cases, DRAWN)]


async def test_whatever_fails_wherever_nothing_is_lost(
    server_dsn: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """Promises 1 and 2: answered, exact, once unless labelled; SIGTERM ends it in time."""
    async with lanes_of(server_dsn, tmp_path, WIDTH) as lanes:
        reached = await recorded_all(lanes)
        missed = set(POINTS) - {point for counts in reached.values() for point in counts}
        assert not missed, "a point that no scenario reaches shows nothing"
        alone = await swept(lanes[:1], LONG_STOPS)
        report = await swept(lanes, chosen(reached, random.Random(SEED)))
    record_property("report", report.table())
    assert alone.faults + report.faults == [], f"NAVI_TEST_SEED={SEED}\n{report.table()}"
    assert alone.slower_than(STOP) + report.slower_than(BUSY_STOP) == []
    struck = {result.case.point for result in report.results if result.struck}
    assert struck == set(POINTS), "a fault that does not strike shows nothing"


async def test_kills_at_any_moment_lose_nothing(
    server_dsn: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """kill -9 between the points as well, and while it starts."""
    async with lanes_of(server_dsn, tmp_path, scaled(2, WIDTH)) as lanes:
        report = await killed_at_random(lanes, scaled(3, 1000), SEED)
    record_property("report", str(report))
    assert report.faults == [], f"NAVI_TEST_SEED={SEED}\n{report}"
