"""Every occurrence of ten years in twelve zones, against a count of another kind.

The program goes from times on a clock's face to instants. Here every quarter
of an hour of real time is looked at, one after another, and asked what clocks
show; the days are told by predicates that know nothing of cron or RFC 5545.
"""

import calendar
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from scale import scaled

from navi_bot.schedule.occurrence import times
from navi_bot.schedule.rule import Rule, cron, recurrence

QUARTER = timedelta(minutes=15)
ZONES = (
    "Europe/Kyiv",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "America/New_York",
    "Africa/Cairo",
    "Asia/Kathmandu",
    "America/Santiago",
    "Africa/Casablanca",
    "Europe/Dublin",
    "Asia/Tehran",
    "America/Havana",
    "Antarctica/Troll",
)
SPAN = scaled((2021, 2022), (2009, 2019))
"""Apia skipped a day in 2011; the ten years hold that, three leap days, and many a changed law."""
SOME = scaled(ZONES[:3], ZONES)


def nth(day: date) -> int:
    return (day.day + 6) // 7


def last_of_month(day: date) -> int:
    return calendar.monthrange(day.year, day.month)[1]


@dataclass(frozen=True)
class Case:
    """`cron` or `rrule`; the days by a predicate, the times of day as (hour, minute)."""

    text: str
    days: Callable[[date], bool]
    clock: Callable[[int, int], bool]
    twice: bool = False


def at(*wanted: tuple[int, int]) -> Callable[[int, int], bool]:
    return lambda hour, minute: (hour, minute) in wanted


CRON = {
    "daily": Case("0 9 * * *", lambda d: True, at((9, 0))),
    "in the gap": Case("30 2 * * *", lambda d: True, at((2, 30))),
    "around the gap": Case(
        "15,45 1-3 * * *", lambda d: True, lambda h, m: m in (15, 45) and 1 <= h <= 3
    ),
    "at midnight": Case("0 0 * * *", lambda d: True, at((0, 0))),
    "weekdays": Case("0 8 * * 1-5", lambda d: d.weekday() < 5, at((8, 0))),
    "sunday is 0 and 7": Case("0 3 * * 0,7", lambda d: d.weekday() == 6, at((3, 0))),
    "leap day": Case("0 12 29 2 *", lambda d: (d.month, d.day) == (2, 29), at((12, 0))),
    "last day": Case("30 23 L * *", lambda d: d.day == last_of_month(d), at((23, 30))),
    "either day": Case(
        "0 6 13 * 5", lambda d: d.day == 13 or d.weekday() == 4, at((6, 0))
    ),
    "every six hours": Case("0 */6 * * *", lambda d: True, lambda h, m: m == 0 and h % 6 == 0),
    "hourly": Case("0 * * * *", lambda d: True, lambda h, m: m == 0, twice=True),
    "quarters": Case("*/15 * * * *", lambda d: True, lambda h, m: True, twice=True),
    "a day in december": Case("0 10 30 12 *", lambda d: (d.month, d.day) == (12, 30), at((10, 0))),
}  # fmt: skip
RRULE = {
    "daily": Case("FREQ=DAILY;BYHOUR=2;BYMINUTE=30", lambda d: True, at((2, 30))),
    "every third day": Case(
        "FREQ=DAILY;INTERVAL=3;BYHOUR=1",
        lambda d: (d - date(2009, 1, 1)).days % 3 == 0,
        at((1, 0)),
    ),
    "two weekdays": Case(
        "FREQ=WEEKLY;BYDAY=SU,WE;BYHOUR=0,2,3;BYMINUTE=0,30",
        lambda d: d.weekday() in (6, 2),
        at((0, 0), (0, 30), (2, 0), (2, 30), (3, 0), (3, 30)),
    ),
    "second tuesday": Case(
        "FREQ=MONTHLY;BYDAY=2TU;BYHOUR=9", lambda d: d.weekday() == 1 and nth(d) == 2, at((9, 0))
    ),
    "last day": Case(
        "FREQ=MONTHLY;BYMONTHDAY=-1;BYHOUR=23;BYMINUTE=45",
        lambda d: d.day == last_of_month(d),
        at((23, 45)),
    ),
    "the 31st": Case(
        "FREQ=MONTHLY;BYMONTHDAY=31;BYHOUR=7", lambda d: d.day == 31, at((7, 0))
    ),
    "leap day": Case(
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;BYHOUR=12",
        lambda d: (d.month, d.day) == (2, 29),
        at((12, 0)),
    ),
}  # fmt: skip


@cache
def shown(zone: str) -> tuple[tuple[datetime, datetime], ...]:
    """Return every quarter of an hour, and what clocks show then."""
    begin, end = (datetime(year, 1, 1, tzinfo=UTC) for year in SPAN)
    count = (end - begin) // QUARTER
    instants = (begin + QUARTER * number for number in range(count))
    place = ZoneInfo(zone)
    return tuple((one, one.astimezone(place).replace(tzinfo=None, fold=0)) for one in instants)


def brute_force(case: Case, zone: str) -> Iterator[datetime]:
    """Go through real time; what clocks jump over counts when they have jumped."""
    seen: set[datetime] = set()
    before: datetime | None = None
    for instant, wall in shown(zone):
        passed = [wall]
        if before is not None and wall - before > QUARTER:
            jumped = (wall - before) // QUARTER
            passed = [before + QUARTER * number for number in range(1, jumped + 1)]
        before = wall
        due = [one for one in passed if case.clock(one.hour, one.minute) and case.days(one.date())]
        if not case.twice:
            due = [one for one in due if one not in seen]
            seen.update(due)
        if due:
            yield instant


def rules(zone: str) -> Iterator[tuple[str, Rule, Case]]:
    place = ZoneInfo(zone)
    for name, case in CRON.items():
        yield f"cron, {name}", cron(case.text, place), case
    for name, case in RRULE.items():
        yield f"rrule, {name}", recurrence(case.text, datetime(2009, 1, 1), place), case


@pytest.mark.parametrize("zone", SOME)
def test_every_occurrence_is_the_one_that_real_time_has(zone: str) -> None:
    begin, end = (datetime(year, 1, 1, tzinfo=UTC) for year in SPAN)
    for name, rule, case in rules(zone):
        found = []
        for one in times(rule, begin + timedelta(days=2)):
            if one.instant >= end:
                break
            found.append(one.instant)
        expected = [one for one in brute_force(case, zone) if one > begin + timedelta(days=2)]
        assert found == expected, f"{name} in {zone}"


@pytest.mark.parametrize("zone", ["Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca"])
def test_one_step_at_a_time_finds_the_same(zone: str) -> None:
    """From whatever moment one asks, the next time is the next of all."""
    begin = datetime(SPAN[0], 1, 1, tzinfo=UTC)
    for name, rule, _case in rules(zone):
        all_of_them = []
        for one in times(rule, begin):
            all_of_them.append(one.instant)
            if len(all_of_them) == 12:
                break
        for earlier, later in pairwise(all_of_them):
            assert next(times(rule, earlier)).instant == later, f"{name} in {zone}"
            almost = later - timedelta(microseconds=1)
            assert next(times(rule, almost)).instant == later, f"{name} in {zone}"
