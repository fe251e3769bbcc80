"""A stop wins in every state, measured: the real daemon between the two strict servers."""

from pathlib import Path

from scale import scaled
from stopping import rounds
from stopping.crowd import crowd
from stopping.figures import Stop, p99, report, told

PEOPLE = 24
PLAN: tuple[tuple[rounds.Round, slice], ...] = (
    (rounds.gate, slice(24)),
    (rounds.stream, slice(12)),
    (rounds.deaf, slice(12)),
    (rounds.tree, slice(5)),
    (rounds.database_hangs, slice(12)),
    (rounds.database_away, slice(12)),
    (rounds.edits_hang, slice(3)),
    (rounds.penalty, slice(3, 5)),
    (rounds.queue, slice(5, 8)),
)
"""Who stops in each round: 85 in sum. The last three leave a chat busy for a while."""
TIMES = scaled(1, 12)
"""How often all rounds are played."""


async def test_a_stop_wins_in_every_state(tmp_path: Path, dsn: str) -> None:
    """Promise 3: carried out in 1 s, connection closed in 2 s, every process gone in 5 s."""
    found: list[Stop] = []
    for _ in range(TIMES):
        async with crowd(tmp_path, dsn, PEOPLE, parallel=PEOPLE // 2) as scene:
            for play, who in PLAN:
                found += await play(scene, scene.members[who])
            scene.daemon.terminate()
            assert await scene.daemon.ended(20) == 0, "tools that never end hold the daemon up"
    figures = report(found)
    assert len(found) == 85 * TIMES
    assert p99([stop.carried for stop in found]) <= 1.0, figures
    assert p99(told(stop.closed for stop in found)) <= 2.0, figures
    assert max(told(stop.gone for stop in found)) <= 5.0, figures
    assert p99(told(stop.shown for stop in found)) <= 1.0, figures
