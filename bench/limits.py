"""What limits of the platform do to what people see: each kind of limit, few and many rooms.

The real delivery runs on virtual time against the strict server's limits; the
network takes 15 to 35 ms a way. Conversations have pauses; a limit that is not
published is learnt from refusals, and judged in the second half of the run.
"""

import asyncio
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import structlog
from delivery.crowd import Run, conversations, evenly, stream_all
from delivery.limit_judge import finals, refused_share, served, staleness
from delivery.limit_models import HIDDEN, HIDDEN_OVERALL, KNOWN
from delivery.limit_platform import counted
from strict_telegram.limits import MILD, SLIDING, Limits

from bench.row import Row
from bench.spread import percentile

SEED = 11
SIZES: Mapping[int, int] = {1: 60, 10: 24, 60: 8}
"""Rooms, and turns in each where the limit is published."""
LEARNING = 6
"""So many times as many turns where it is not, and at least 50."""
LATE = 1.1
"""Seconds that a final may be late."""
STREAMING = 60
"""Rooms that stream all the time."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a run was like: the share of refused calls, and seconds."""

    rooms: int
    refused: float
    latency: Sequence[float]
    late: Sequence[float]
    ages: Sequence[float]

    @property
    def words(self) -> str:
        times = [percentile(self.latency, share) for share in (0.5, 0.99, 1.0)]
        ages = [percentile(self.ages, share) for share in (0.5, 0.99)]
        return (
            f"{self.rooms}: final {times[0]:.2f}/{times[1]:.2f}/{times[2]:.2f} s, "
            f"stale {ages[0]:.2f}/{ages[1]:.2f} s"
        )


async def measure() -> list[Row]:
    """Measure in a thread of its own: virtual time is another event loop."""
    return await asyncio.to_thread(_measure)


def _measure() -> list[Row]:
    with _quiet():
        rows = [row for name, limits in KNOWN.items() for row in _known(name, limits)]
        rows += _known("sliding windows, groups", SLIDING, "group")
        for name, limits in HIDDEN.items():
            rows += _learnt(name, limits, (1, 10))
        for name, limits in HIDDEN_OVERALL.items():
            rows += _learnt(name, limits, (STREAMING,))
        return [*rows, _fairness(), _freshness()]


def _known(name: str, limits: Limits, kind: str = "private") -> Iterator[Row]:
    runs = [_talked(_chats(rooms, kind), turns, limits) for rooms, turns in SIZES.items()]
    seen = [_seen(rooms, run, 0.0) for rooms, run in zip(SIZES, runs, strict=True)]
    worst = max(max(one.late) for one in seen)
    words = "p50/p99/worst at " + "; ".join(one.words for one in seen)
    yield Row(f"limits, {name}: refused", 100 * max(one.refused for one in seen), "%", 1.0)
    yield Row(f"limits, {name}: final late, worst", worst, "s", LATE, words)


def _learnt(name: str, limits: Limits, sizes: Sequence[int]) -> Iterator[Row]:
    runs = [_talked(_chats(n), max(50, LEARNING * SIZES[n]), limits) for n in sizes]
    halves = [counted(run)[len(counted(run)) // 2].arrived for run in runs]
    seen = [_seen(*one) for one in zip(sizes, runs, halves, strict=True)]
    costs = [
        f"{rooms}: {sum(t.wait > 0 for t in counted(run) if t.arrived < half) / rooms:.1f} a room"
        for rooms, run, half in zip(sizes, runs, halves, strict=True)
    ]
    refused = 100 * max(one.refused for one in seen)
    yield Row(
        f"limits, hidden, {name}: refused", refused, "%", 1.0, "to learn it, " + "; ".join(costs)
    )
    worst = max(percentile(one.late, 0.9) for one in seen)
    words = "p50/p99/worst at " + "; ".join(one.words for one in seen)
    yield Row(f"limits, hidden, {name}: final late, p90", worst, "s", _round(limits), words)


def _fairness() -> Row:
    run = stream_all(evenly(_chats(STREAMING), 80.0, spread=4.0, late=10), SLIDING, SEED)
    calls = served(run, 46.0, 75.0).values()
    words = f"{min(calls)} to {max(calls)} calls in 29 s, ten rooms having begun late"
    ratio = max(calls) / min(calls)
    return Row(f"limits: calls of {STREAMING} rooms, most / least", ratio, "ratio", 1.5, words)


def _freshness() -> Row:
    run = stream_all(evenly(_chats(STREAMING), 60.0, spread=20.0), SLIDING, SEED)
    ages = staleness(run)
    words = f"p50 {percentile(ages, 0.5):.2f} s, worst {max(ages):.2f} s"
    name = f"limits: staleness p99 of {STREAMING} rooms that stream all the time"
    return Row(name, percentile(ages, 0.99), "s", 3.0, words)


def _talked(chats: Sequence[str], turns: int, limits: Limits) -> Run:
    return stream_all(conversations(chats, turns, SEED), limits, SEED)


def _seen(rooms: int, run: Run, after: float) -> Seen:
    ended = [final for final in finals(run) if final.talk.ends >= after]
    return Seen(
        rooms,
        refused_share(run, after),
        [final.latency for final in ended],
        [final.late for final in ended],
        staleness(run),
    )


def _chats(count: int, kind: str = "private") -> list[str]:
    return [f"{kind}{number}" for number in range(count)]


def _round(limits: Limits) -> float:
    """Return the seconds in which everyone who waits makes a call, at half of a hidden rate."""
    if limits.overall != MILD.overall:
        assert limits.overall is not None, "what is hidden is there"
        return 2 * STREAMING * limits.overall.seconds / limits.overall.count
    assert limits.chat is not None, "what is hidden is there"
    return 2 * limits.chat.seconds / limits.chat.count


@contextmanager
def _quiet() -> Iterator[None]:
    """Leave the refusals, which are meant to happen, out of the output."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    try:
        yield
    finally:
        structlog.reset_defaults()
