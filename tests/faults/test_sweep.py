"""Fails at every point, in every way, and loses nothing.

A run without NAVI_TEST_FULL kills the daemon once at every point and draws
some more cases; with it, every scenario fails at every point that it reaches
in all five ways, and a thousand kills come at any moment.
"""

import random
from pathlib import Path

import pytest
from faults.kills import killed_at_random
from faults.sweep import KINDS, Case, Reached, recorded_all, swept
from faults.switchboard import POINTS
from scale import FULL, SEED, scaled

from navi_bot.fault_points import Point

WIDTH = 4
"""Daemons side by side; they mostly wait."""
DRAWN = 10
MOST = 2
"""Of the same point within a scenario; further ones are its repetition."""
CHUNKS = (1, 4)
"""Of an answer's chunks."""
STOP = 10.0
"""Seconds from SIGTERM to the end, whatever is under way."""

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
    """Return all cases, or a kill at every point and some more."""
    cases = every_case(reached)
    if FULL:
        return source.sample(cases, len(cases))
    first = {case.point: case for case in reversed(cases) if case.kind == "kill"}
    return [*first.values(), *source.sample(cases, DRAWN)]


async def test_whatever_fails_wherever_nothing_is_lost(
    server_dsn: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Promises 1 and 2: answered, exact, once unless labelled; SIGTERM ends it in time."""
    reached = await recorded_all(server_dsn, tmp_path / "first", WIDTH)
    missed = set(POINTS) - {point for counts in reached.values() for point in counts}
    assert not missed, "a point that no scenario reaches shows nothing"
    cases = chosen(reached, random.Random(SEED))
    report = await swept(server_dsn, tmp_path / "then", cases, WIDTH)
    with capsys.disabled():
        print(f"\n{report.table()}")
    assert report.faults == [], f"NAVI_TEST_SEED={SEED}\n{report.table()}"
    assert [str(one.case) for one in report.results if one.stop > STOP] == []
    struck = {result.case.point for result in report.results if result.struck}
    assert struck == set(POINTS), "a fault that does not strike shows nothing"


async def test_sigterm_ends_it_within_ten_seconds(server_dsn: str, tmp_path: Path) -> None:
    """P13: as shipped, wherever a turn or a command hangs; what was asked is answered later."""
    hung: list[tuple[str, Point]] = [("tools", "turn_ending"), ("tools", "tool_called")]
    if FULL:
        reached = await recorded_all(server_dsn, tmp_path / "first", WIDTH)
        hung = [(name, point) for name in ("tools", "command") for point in reached[name]]
    cases = [Case(name, point, 1, "hang") for name, point in hung]
    report = await swept(
        server_dsn, tmp_path / "stops", cases, min(WIDTH, len(cases)), NAVI_DRAIN=""
    )
    assert report.faults == []
    assert [f"{one.case}: {one.stop:.1f} s" for one in report.results if one.stop > STOP] == []


async def test_kills_at_any_moment_lose_nothing(
    server_dsn: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """kill -9 between the points as well, and while it starts."""
    report = await killed_at_random(server_dsn, tmp_path, scaled(12, 1000), WIDTH, SEED)
    with capsys.disabled():
        print(f"\n{report}")
    assert report.faults == [], f"NAVI_TEST_SEED={SEED}\n{report}"
