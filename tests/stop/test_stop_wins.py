"""A stop wins in every state, measured: the real daemon between the two strict servers."""

import itertools
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from scale import scaled
from stopping import rounds
from stopping.crowd import Crowd, Member, crowd
from stopping.figures import Stop, line, p99, told

Round = Callable[[Crowd, Sequence[Member]], Awaitable[list[Stop]]]

PEOPLE = 48
TIMES = scaled(1, 5)
"""How often each round is played."""

PLAN: tuple[tuple[Round, int], ...] = (
    (rounds.gate, 48),
    (rounds.stream, 24),
    (rounds.deaf, 24),
    (rounds.tree, 12),
    (rounds.queue, 6),
    (rounds.edits_hang, 8),
    (rounds.database_hangs, 36),
    (rounds.database_away, 36),
    (rounds.penalty, 6),
)
"""How many stop in each round: 200 in sum."""


async def test_a_stop_wins_in_every_state(tmp_path: Path, dsn: str) -> None:
    """Promise 3: carried out in 1 s, connection closed in 2 s, every process gone in 5 s."""
    found: list[Stop] = []
    async with crowd(tmp_path, dsn, PEOPLE, parallel=PEOPLE // 2) as scene:
        for play, many in itertools.chain.from_iterable(itertools.repeat(PLAN, TIMES)):
            began = time.monotonic()
            last = play is rounds.queue  # their marks of waiting still come in later rounds
            members = scene.members[-many:] if last else scene.members[:many]
            found += await play(scene, members)
            print(f"{play.__name__}: {time.monotonic() - began:.1f} s")
        scene.daemon.terminate()
        assert await scene.daemon.ended(20) == 0, "tools that never end hold the daemon up"
    report = "\n".join(
        line(state, [stop.carried for stop in group])
        for state, group in ((s, list(g)) for s, g in itertools.groupby(found, lambda f: f.state))
    )
    print(report)
    assert len(found) >= 200 * TIMES
    assert p99([stop.carried for stop in found]) <= 1.0, report
    assert p99(told(stop.closed for stop in found)) <= 2.0, report
    assert max(told(stop.gone for stop in found)) <= 5.0, report
    assert p99(told(stop.shown for stop in found)) <= 1.0, report
