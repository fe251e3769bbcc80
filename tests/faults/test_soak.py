"""One process among faults that do not end: it answers all, and holds no more than before."""

import os
from collections.abc import Callable
from pathlib import Path

from conftest import with_database
from faults.lane import database
from faults.life import PARALLEL
from faults.soak import Soak, Span, soaking, unhandled
from faults.vitals import Rest, Vitals
from scale import FULL, SEED, scaled

from adapters.telegram.adapter import CALL_POOL, POLL_POOL

SECONDS = float(os.environ.get("NAVI_TEST_SOAK_SECONDS") or scaled(8.0, 1800.0))
"""Of life between the two looks."""
WARM_UP = min(SECONDS, scaled(5.0, 120.0))
EVERY = scaled(1.0, 5.0)
"""Seconds from one fault to the next."""
REST = scaled(1.5, 20.0)
"""Seconds without a question before a look; the full run's let idle connections go."""
PEOPLE = 8
GROWTH = 1.05
"""Of resident memory. In a short run that is but a leak of a third of a megabyte a question;
there the objects say more."""
POOLED = {
    "database": 10 + 2 * (1 + 3 + 1),  # the pool; for two accounts lease, queue, its ear
    "Telegram": CALL_POOL + POLL_POOL,
    "Ollama": 2 * PARALLEL + 2,  # a stream that was left is replaced before it is gone
}
"""Connections that may be kept for the next use, by whom they lead to."""
CACHED = ("adapters.telegram.entities.", "navi_bot.messages.")
"""Kinds of objects that the cache of rendered pages holds, 64 of them, and what they show."""
ANSWERED = 0.6
"""Of the questions, at least: those that are stopped or meet a broken model are told so."""

Report = Callable[[str, object], None]


async def test_a_long_life_among_faults_costs_nothing(
    server_dsn: str, tmp_path: Path, record_property: Report
) -> None:
    """All promises at once, for one process: every message answered, nothing leaked."""
    name = f"soak_{os.getpid()}"
    dsn = with_database(server_dsn, name)
    async with database(server_dsn, name), soaking(dsn, tmp_path, SEED) as soak:
        await soak.settle_in(PEOPLE)
        warm = await soak.live(WARM_UP, EVERY, f"{SEED}/warm-up", harsh=FULL)
        before = await soak.rest(REST)
        span = await soak.live(SECONDS, EVERY, f"{SEED}", harsh=FULL)
        after = await soak.rest(REST)
        assert soak.lane.daemon is not None
        raw = list(soak.lane.daemon.raw)
    report = told(soak, span, before, after)
    record_property("report", report)
    assert warm.faults + span.faults == [], report
    assert span.answered >= ANSWERED * span.questions, report
    assert unhandled(raw) == [], report
    assert soak.lane.crashes == 0, report
    assert leaks(before.most, after.least, span.questions) == [], report


def leaks(before: Vitals, after: Vitals, questions: int) -> list[str]:
    """Return what the process always holds now and never held before."""
    found = [f"{n} more tasks: {name}" for name, n in (after.tasks - before.tasks).items()]
    found += [
        f"{n} connections to {name}" for name, n in after.connections.items() if n > POOLED[name]
    ]
    if after.descriptors > before.descriptors:
        found.append(f"{after.descriptors - before.descriptors} more descriptors")
    if after.memory > GROWTH * before.memory:
        found.append(f"{(after.memory - before.memory) / 2**20:.1f} MiB more memory")
    return found + [
        f"{n} more objects: {kind}"
        for kind, n in (after.objects - before.objects).items()
        if n > questions / 2 and not kind.startswith(CACHED)
    ]


def told(soak: Soak, span: Span, first: Rest, second: Rest) -> str:
    """Return the run in a few lines."""
    before, after = first.least, second.least
    grown = (after.objects - first.most.objects).most_common(5)
    faults = ", ".join(f"{name} {n}" for name, n in sorted(soak.weather.blown.items()))
    return "\n".join(
        (
            f"soak of {SECONDS:.0f} s with {PEOPLE} people, seed {SEED}: {span}",
            f"  {soak.weather.blown.total()} faults: {faults}",
            f"  memory {before.memory / 2**20:.1f} → {after.memory / 2**20:.1f} MiB "
            f"({100 * (after.memory / before.memory - 1):+.1f} %)",
            f"  tasks {before.tasks.total()} → {after.tasks.total()}, descriptors "
            f"{before.descriptors} → {after.descriptors}, connections "
            f"{dict(before.connections)} → {dict(after.connections)}",
            f"  objects {before.objects.total()} → {after.objects.total()}: {grown}",
        )
    )
