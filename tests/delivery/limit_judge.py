"""What a run under limits looked like: to the platform, and to the people."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass

from delivery.crowd import END, RATE, Run, Talk
from delivery.limit_platform import counted, replay
from delivery.loopback import Trip

SAMPLE_EVERY = 0.05
"""Seconds between two looks at how old the oldest unseen token is."""
INSTANT = 1e-3
"""Seconds that count as the same time."""


@dataclass(frozen=True, slots=True)
class Final:
    """When a talk's whole text was shown. `earliest`: when it could have been."""

    talk: Talk
    shown: float
    earliest: float

    @property
    def latency(self) -> float:
        return self.shown - self.talk.ends

    @property
    def late(self) -> float:
        """Seconds after the platform would have taken it."""
        return self.shown - self.earliest


def refused_share(run: Run, after: float = 0.0) -> float:
    """Return the share of the counted calls that were refused after a time."""
    trips = [trip for trip in counted(run) if trip.arrived >= after]
    return sum(trip.wait > 0 for trip in trips) / max(1, len(trips))


def ignored_penalties(run: Run) -> list[Trip]:
    """Return the calls made to a chat between a refusal's answer and the end that it told."""
    told: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for trip in run.trips:
        if trip.wait:
            told[trip.made.chat].append((trip.ended, trip.arrived + trip.wait))
    return [
        trip
        for trip in run.trips
        if any(known < trip.made.at < end - INSTANT for known, end in told[trip.made.chat])
    ]


def calls_into_ban(run: Run) -> list[Trip]:
    """Return the calls that came in while all calls were refused, in order."""
    return [trip for platform, trip in replay(run) if platform.is_banned(trip.arrived)]


def finals(run: Run) -> list[Final]:
    """Replay the run; return each talk's final. One that never came is a failure.

    The earliest time is the first at which the platform, as it was after the
    calls that were made, would have taken one more.
    """
    found = []
    shown = {_key(t): t for t in run.trips if t.made.text.endswith(END) and not t.wait}
    lost = [talk.key for talk in run.talks if talk.key not in shown]
    assert not lost, f"the finals of {lost} never came"
    ends = _ends(run)
    waiting = sorted(run.talks, key=lambda talk: ends[talk.key])
    for platform, trip in replay(run):
        for talk in [talk for talk in waiting if ends[talk.key] <= trip.arrived]:
            last, end = shown[talk.key], ends[talk.key]
            earliest = platform.free_at(talk.chat, end) if last.counted else end
            if earliest <= trip.arrived + INSTANT:
                found.append(Final(talk, last.arrived, earliest))
                waiting.remove(talk)
    assert all(not shown[talk.key].counted for talk in waiting), "a final came before its end"
    return found


def staleness(run: Run, rooms: Container[int] | None = None) -> list[float]:
    """Return the age of the oldest unseen token of each talk, every 50 ms of its stream."""
    steps = _steps(run)
    talks = [talk for talk in run.talks if rooms is None or talk.room in rooms]
    return [age for talk in talks for age in _ages(talk, steps[talk.key])]


def served(run: Run, begin: float, end: float) -> dict[int, int]:
    """Return how many calls each room got in a stretch of time, typing left out."""
    rooms = {talk.key: talk.room for talk in run.talks}
    found = dict.fromkeys(rooms.values(), 0)
    for trip in run.trips:
        if begin <= trip.arrived < end and not trip.wait and trip.made.text:
            found[rooms[_key(trip)]] += 1
    return found


def percentile(values: Iterable[float], share: float) -> float:
    """Return the value that `share` of the values do not exceed; 0.0 of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


def _ends(run: Run) -> dict[str, float]:
    """Return when each talk ended, the calls then under way to its chat included."""
    trips: dict[str, list[Trip]] = defaultdict(list)
    for trip in run.trips:
        if not trip.made.text.endswith(END):
            trips[trip.made.chat].append(trip)
    ends = {}
    for talk in run.talks:
        soon = talk.ends + INSTANT
        under_way = (t.arrived for t in trips[talk.chat] if t.made.at <= soon < t.arrived)
        ends[talk.key] = max(under_way, default=talk.ends)
    return ends


def _key(trip: Trip) -> str:
    return trip.made.text.partition(" ")[0]


def _steps(run: Run) -> dict[str, list[tuple[float, int]]]:
    """Return by talk: from when on how many of its tokens were visible."""
    pages: dict[str, dict[str, int]] = defaultdict(dict)
    steps: dict[str, list[tuple[float, int]]] = defaultdict(list)
    for trip in run.trips:
        if trip.wait or trip.made.kind not in ("send", "edit"):
            continue
        key, page, tokens, *_ = trip.made.text.split(" ")
        pages[key][page] = int(tokens)
        steps[key].append((trip.arrived, sum(pages[key].values())))
    return steps


def _ages(talk: Talk, steps: Sequence[tuple[float, int]]) -> Iterator[float]:
    times = [at for at, _ in steps]
    end = max(talk.ends, next(at for at, tokens in steps if tokens == talk.tokens))
    at = talk.begins
    while at < end:
        step = bisect_right(times, at)
        seen = steps[step - 1][1] if step else 0
        is_behind = talk.produced(at) > seen
        yield at - (talk.begins + (seen + 1) / RATE) if is_behind else 0.0
        at += SAMPLE_EVERY
