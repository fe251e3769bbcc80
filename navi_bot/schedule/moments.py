"""Single moments in people's words."""

import re
from calendar import isleap
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from navi_bot.errors import PersonError
from navi_bot.schedule import words as vocabulary
from navi_bot.schedule.echo import wall_told
from navi_bot.schedule.rule import Once
from navi_bot.schedule.zone import landing, wall_of

MORNING = time(9)
"""When a day is named without a time."""

EVENING = time(20)

FARTHEST = 2200
"""The last year that is taken for meant."""

_ISO = re.compile(
    r"(\d{4}-\d{2}-\d{2})(?:[T ](\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?)(Z|[+-]\d{2}:?\d{2})?)?", re.I
)
_DAY_MONTH = re.compile(r"(\d{1,2})(?:st|nd|rd|th|\.)?\s+(?:of\s+)?([a-z.]{3,9}),?(?:\s+(\d{4}))?")
_MONTH_DAY = re.compile(r"([a-z.]{3,9})\s+(\d{1,2})(?:st|nd|rd|th)?,?(?:\s+(\d{4}))?")


def read(words: str, now: datetime, zone: ZoneInfo) -> Once | None:
    """Return the moment that words name; None when they name none.

    PersonError when it is past, with what may be meant instead.
    """
    plain = words.lower()
    relative = plain.removeprefix("in ").removesuffix(" from now")
    if (length := vocabulary.length_of(relative)) is not None:
        return Once(_moved(now, zone, *length), zone)
    return _iso(words, now, zone) or _dated(plain, now, zone)


def _moved(now: datetime, zone: ZoneInfo, days: int, seconds: float) -> datetime:
    """Days and weeks move the calendar, hours and minutes are elapsed time."""
    day = landing(wall_of(now, zone) + timedelta(days=days), zone).instant
    return wall_of(day + timedelta(seconds=seconds), zone)


def _iso(words: str, now: datetime, zone: ZoneInfo) -> Once | None:
    found = _ISO.fullmatch(words.strip())
    if found is None:
        return None
    try:
        day = date.fromisoformat(found[1])
        at = time.fromisoformat(found[2].rjust(5, "0")) if found[2] else MORNING
    except ValueError as error:
        raise PersonError(f"There is no such date or time: {words}.") from error
    wall = datetime.combine(day, at)
    if found[3]:
        offset = "+00:00" if found[3] in "Zz" else found[3]
        wall = wall_of(datetime.fromisoformat(f"{wall.isoformat()}{offset}").astimezone(UTC), zone)
    return _ahead(wall, now, zone)


def _dated(words: str, now: datetime, zone: ZoneInfo) -> Once | None:
    """Read "tomorrow at 9", "9:00 on friday", "24 dec 8am", "18:30"."""
    today = wall_of(now, zone).date()
    at = vocabulary.clock_of(words)
    if at is not None:
        this = datetime.combine(today, at)
        later = landing(this, zone).instant > now
        return Once(this if later else this + timedelta(days=1), zone)
    parts = words.split(" ")
    for count in range(len(parts), 0, -1):
        for day, clock in (
            (parts[:count], parts[count:]),
            (parts[-count:], parts[:-count]),
        ):
            if (wall := _day_and_time(" ".join(day), " ".join(clock), today)) is not None:
                return _ahead(_this_week(wall, day[0], now, zone), now, zone)
    return None


def _this_week(wall: datetime, word: str, now: datetime, zone: ZoneInfo) -> datetime:
    """Return today's time where the day named is today's and the time is still ahead."""
    earlier = wall - timedelta(days=7)
    named = vocabulary.weekday_of(word) is not None
    return earlier if named and landing(earlier, zone).instant > now else wall


def _day_and_time(day: str, clock: str, today: date) -> datetime | None:
    found = _day(day.removeprefix("on ").removesuffix(",").strip(), today)
    if found is None:
        return None
    if not clock:
        return datetime.combine(found, EVENING if day == "tonight" else MORNING)
    at = vocabulary.clock_of(clock.removesuffix(" on"), bare=True)
    if at is None:
        return None
    if day == "tonight" and at.hour < 12:
        at = at.replace(hour=at.hour + 12)
    return datetime.combine(found, at)


def _day(words: str, today: date) -> date | None:
    match words:
        case "today" | "tonight" | "this evening":
            return today
        case "tomorrow":
            return today + timedelta(days=1)
        case "day after tomorrow" | "the day after tomorrow":
            return today + timedelta(days=2)
    name = words.removeprefix("next ").removeprefix("this ")
    if (weekday := vocabulary.weekday_of(name)) is not None:
        return today + timedelta(days=(weekday - today.weekday() - 1) % 7 + 1)
    return _calendar_day(words, today)


def _calendar_day(words: str, today: date) -> date | None:
    """Read "24 dec", "dec 24 2027" or an ISO date; without a year the next one is meant."""
    if _ISO.fullmatch(words) and len(words) == len("2026-12-24"):
        year, month, day = words.split("-")
        return _date(int(year), int(month), int(day))
    if said := _DAY_MONTH.fullmatch(words):
        day, name, year = said[1], said[2], said[3]
    elif said := _MONTH_DAY.fullmatch(words):
        name, day, year = said[1], said[2], said[3]
    else:
        return None
    number = vocabulary.month_of(name)
    if number is None:
        return None
    if year:
        return _date(int(year), number, int(day))
    if (number, int(day)) == (2, 29):
        leap = (date(y, 2, 29) for y in range(today.year, today.year + 9) if isleap(y))
        return next(one for one in leap if one >= today)
    this = _date(today.year, number, int(day))
    return this if this >= today else this.replace(year=today.year + 1)


def _date(year: int, month: int, day: int) -> date:
    try:
        return date(year, month, day)
    except ValueError as error:
        raise PersonError(f"There is no day {year}-{month:02}-{day:02}.") from error


def _ahead(wall: datetime, now: datetime, zone: ZoneInfo) -> Once:
    """Return the moment; PersonError when it is past or absurdly far."""
    if wall.year > FARTHEST:
        raise PersonError(f"The year {wall.year} is too far away for me.")
    if landing(wall, zone).instant > now:
        return Once(wall, zone)
    raise PersonError(
        f"{wall_told(wall, zone)} is past. Did you mean "
        f"{wall_told(nearest_ahead(wall, now, zone), zone)}?"
    )


def nearest_ahead(wall: datetime, now: datetime, zone: ZoneInfo) -> datetime:
    """Return what a past wall time most likely means.

    A wrong year is the likeliest slip where the year differs, else the day.
    """
    today = wall_of(now, zone)
    if wall.year < today.year and (wall.month, wall.day) != (2, 29):
        years = [wall.replace(year=today.year), wall.replace(year=today.year + 1)]
        return next(one for one in years if landing(one, zone).instant > now)
    for days in (0, 1, 2):
        one = datetime.combine(today.date() + timedelta(days=days), wall.time())
        if landing(one, zone).instant > now:
            return one
    return one
