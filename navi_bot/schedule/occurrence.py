"""The next time a rule comes due.

Cron and recurrence rules give times on a clock's face; each is then landed in
the zone. So a time in a gap fires at the first valid time, once, and a time
that comes twice fires the first time. A cron rule whose hour is `*` counts
hours as they pass instead: in the hour that comes twice it fires twice.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import heappop, heappush
from itertools import islice
from math import floor
from zoneinfo import ZoneInfo

from cronsim import CronSim

from navi_bot.schedule.rule import Cron, Immediate, Interval, Once, Recurrence, Rule, walls
from navi_bot.schedule.zone import landing, second_time, wall_of

OVERLAP = timedelta(hours=25)
"""More than clocks were ever put back by."""

MOST_MISSED = 1000
"""Missed occurrences that are counted; more of them are all the same to people."""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """`instant` is aware UTC. `meant` is the wall time that the clocks jump over, if they do."""

    instant: datetime
    meant: datetime | None = None


def first(rule: Rule, now: datetime) -> Occurrence | None:
    """Return the first time after an aware `now`; None when there is none."""
    return Occurrence(now) if isinstance(rule, Immediate) else after(rule, now)


def after(rule: Rule, instant: datetime) -> Occurrence | None:
    """Return the first time strictly after an aware instant; None when there is none."""
    return next(times(rule, instant), None)


def missed(rule: Rule, due: datetime, now: datetime) -> int:
    """Count the times after `due` that are past as well, 1,000 at most."""
    found = 0
    for one in islice(times(rule, due), MOST_MISSED):
        if one.instant > now:
            break
        found += 1
    return found


def times(rule: Rule, instant: datetime) -> Iterator[Occurrence]:
    """Yield the times strictly after an aware instant, each once, in order."""
    match rule:
        case Immediate():
            return
        case Once(wall, zone):
            yield from _landed((wall,), instant, zone)
        case Interval(seconds, start):
            number = max(1, floor((instant - start).total_seconds() / seconds))
            while True:
                due = start + timedelta(seconds=seconds * number)
                if due > instant:
                    yield Occurrence(due)
                number += 1
        case Cron(expression, zone):
            # The library begins after the moment it is given, whose microseconds it drops.
            shown = CronSim(expression, _begin(instant, zone) - timedelta(seconds=1))
            yield from _landed(shown, instant, zone, twice=_counts_hours(expression))
        case Recurrence(zone=zone):
            yield from _landed(walls(rule, _begin(instant, zone)), instant, zone)


def _counts_hours(expression: str) -> bool:
    return expression.split()[1] in ("*", "*/1")


def _begin(instant: datetime, zone: ZoneInfo) -> datetime:
    """Return the wall time to begin looking from.

    Around a change of the offset what comes next may stand earlier on the
    clock's face than what it is now.
    """
    wall = wall_of(instant, zone)
    before = (instant - OVERLAP).astimezone(zone).utcoffset()
    if before == (instant + OVERLAP).astimezone(zone).utcoffset():
        return wall
    return wall - OVERLAP


def _landed(
    shown: Iterable[datetime], instant: datetime, zone: ZoneInfo, *, twice: bool = False
) -> Iterator[Occurrence]:
    """Yield where ascending wall times land after an instant, in order."""
    last = instant
    again: list[datetime] = []
    for wall in shown:
        found = landing(wall, zone)
        while again and again[0] < found.instant:
            later = heappop(again)
            if later > last:
                last = later
                yield Occurrence(later)
        if found.instant > last:
            last = found.instant
            yield Occurrence(last, wall if found.oddity == "gap" else None)
        if twice and (second := second_time(wall, zone)) is not None:
            heappush(again, second)
    for later in sorted(again):
        if later > last:
            last = later
            yield Occurrence(later)
