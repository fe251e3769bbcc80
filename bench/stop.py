"""What a stop takes in every state: two hundred in the real daemon, between strict servers."""

import statistics
import tempfile
from pathlib import Path

from stopping import rounds
from stopping.crowd import crowd
from stopping.figures import Stop, p99, told

from bench.row import Row
from navi_bot.store.embedded import EmbeddedServer

PEOPLE = 56
HOST = 24
"""Answers that the model host gives at once."""
PLAN: tuple[tuple[rounds.Round, slice], ...] = (
    (rounds.gate, slice(48)),
    (rounds.stream, slice(24)),
    (rounds.stream, slice(24, 48)),
    (rounds.deaf, slice(24)),
    (rounds.tree, slice(12)),
    (rounds.database_hangs, slice(24)),
    (rounds.database_away, slice(24)),
    (rounds.edits_hang, slice(8)),
    (rounds.penalty, slice(8, 10)),
    (rounds.penalty, slice(10, 12)),
    (rounds.queue, slice(48, 56)),
)
"""Who stops in each round: 200 in sum."""


async def measure() -> list[Row]:
    found: list[Stop] = []
    with tempfile.TemporaryDirectory(prefix="navi-bench-") as folder:
        async with (
            EmbeddedServer(Path(folder) / "database") as server,
            crowd(Path(folder), server.dsn, PEOPLE, HOST) as scene,
        ):
            for play, who in PLAN:
                found += await play(scene, scene.members[who])
    states = dict.fromkeys(stop.state for stop in found)
    groups = [(state, [stop for stop in found if stop.state == state]) for state in states]
    rows = [
        _row(f"{state}: carried out", [s.carried for s in group], 1.0) for state, group in groups
    ]
    return [
        *rows,
        _row("all: carried out", [stop.carried for stop in found], 1.0),
        _row("all: model connection closed", told(stop.closed for stop in found), 2.0),
        _row("all: every process gone", told(stop.gone for stop in found), 5.0),
        _row("all: shown, but during penalties", told(stop.shown for stop in found), 1.0),
    ]


def _row(name: str, values: list[float], bar: float) -> Row:
    detail = (
        f"{len(values)} stops: p50 {statistics.median(values):.3f} s, "
        f"p99 {p99(values):.3f} s, worst {max(values):.3f} s"
    )
    return Row(f"stop: {name}, p99", p99(values), "s", bar, detail, runs=tuple(values))
