"""Recurring times in people's words, as cron fields, recurrence rules or intervals."""

import re
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

from navi_bot.errors import PersonError
from navi_bot.schedule import words as vocabulary
from navi_bot.schedule.moments import MORNING
from navi_bot.schedule.rule import Rule, cron, interval, recurrence
from navi_bot.schedule.zone import wall_of

_FIELD = r"[\d*][\d*/,\-LW#]*|[a-z]{3}(?:[-,][a-z]{3})*"
_CRON = re.compile(rf"(?:cron:?\s*)?((?:{_FIELD})(?:\s+(?:{_FIELD}|\*)){{4}})", re.I)
_RRULE = re.compile(r"(?:RRULE:)?(FREQ=[A-Z0-9=;,+\-]+)", re.I)
_EVERY = re.compile(r"(?:every|each)\s+(?P<rest>.+)", re.I)
_ADVERB = {"hourly": "hour", "daily": "day", "weekly": "week", "monthly": "month"}
_COUNTED = re.compile(
    r"(?:(?P<count>\d+|other|second|two|three|four|six)\s+)?"
    r"(?P<unit>minute|min|hour|day|week|month|year)s?(?:\s+(?P<more>.+))?"
)
_NUMBERED = re.compile(r"on\s+(?:the\s+)?(?P<day>\d{1,2}|first|last)(?:st|nd|rd|th|\.)?(?:\s+day)?")


def read(words: str, now: datetime, zone: ZoneInfo) -> Rule | None:
    """Return the rule that words give; None when they give none.

    PersonError when it is one that cannot be kept.
    """
    if found := _CRON.fullmatch(words):
        return cron(found[1], zone)
    if found := _RRULE.fullmatch(words):
        return _recurrence(found[1], now, zone)
    plain = words.lower()
    adverb, _, rest = plain.partition(" ")
    if adverb in _ADVERB:
        return _every(f"{_ADVERB[adverb]} {rest}".strip(), now, zone)
    if found := _EVERY.fullmatch(plain):
        return _every(found["rest"], now, zone)
    return None


def _recurrence(text: str, now: datetime, zone: ZoneInfo) -> Rule:
    """Without an hour a rule means the morning, not the minute at which it was written."""
    start = wall_of(now, zone)
    if "BYHOUR" not in text.upper():
        start = datetime.combine(start.date(), MORNING)
    elif "BYMINUTE" not in text.upper():
        start = start.replace(minute=0)
    return recurrence(text, start, zone)


def _every(words: str, now: datetime, zone: ZoneInfo) -> Rule | None:
    if counted := _COUNTED.fullmatch(words):
        return _counted(counted, now, zone)
    length = vocabulary.length_of(words)
    if length is not None and length[0] == 0:
        return interval(length[1], now.astimezone(UTC), zone)
    return _on_weekdays(words, zone) or _yearly(words, zone)


def _counted(found: re.Match[str], now: datetime, zone: ZoneInfo) -> Rule | None:
    count = _count(found["count"])
    unit, more = found["unit"], found["more"] or ""
    if unit in ("minute", "min", "hour"):
        seconds = count * (3600 if unit == "hour" else 60)
        return None if more else interval(seconds, now.astimezone(UTC), zone)
    day, at = _numbered(more) if unit == "month" else ("", _clock(more))
    weekday: int | None = None
    if unit == "week" and at is None:
        weekday, at = _named(more)
    if at is None:
        return None
    if count == 1 and unit == "day":
        return cron(f"{at.minute} {at.hour} * * *", zone)
    if count == 1 and unit == "month":
        return cron(f"{at.minute} {at.hour} {day or '1'} * *", zone)
    start = datetime.combine(wall_of(now, zone).date(), at)
    frequency = {"day": "DAILY", "week": "WEEKLY", "month": "MONTHLY", "year": "YEARLY"}[unit]
    text = f"FREQ={frequency};INTERVAL={count}"
    if weekday is not None:
        text += f";BYDAY={vocabulary.DAYS[weekday][:2].upper()}"
    if unit == "month":
        text += f";BYMONTHDAY={day.replace('L', '-1') or '1'}"
    return recurrence(text, start, zone)


def _count(word: str | None) -> int:
    if word is None:
        return 1
    if word.isdigit():
        if not 1 <= int(word) <= 1000:
            raise PersonError("Every how many? Give a number from 1 to 1,000.")
        return int(word)
    return {"other": 2, "second": 2}.get(word) or int(vocabulary.NUMBERS[word])


def _clock(words: str) -> time | None:
    """Return a time of day; none said is the morning, other words are None."""
    return vocabulary.clock_of(words, bare=True) if words else MORNING


def _numbered(words: str) -> tuple[str, time | None]:
    """Read "on the 1st at 9" as (day of the month, time)."""
    found = _NUMBERED.match(words)
    if found is None:
        return "", _clock(words)
    day = {"first": "1", "last": "L"}.get(found["day"], found["day"])
    return day, _clock(words[found.end() :].strip())


def _named(words: str) -> tuple[int | None, time | None]:
    """Read "on monday at 9" as (weekday, time)."""
    name, _, rest = words.removeprefix("on ").partition(" ")
    weekday = vocabulary.weekday_of(name)
    return weekday, _clock(rest) if weekday is not None else None


def _on_weekdays(words: str, zone: ZoneInfo) -> Rule | None:
    """Read "weekday at 8", "monday and thursday 18:30"."""
    days: list[int] = []
    rest = words.replace(",", " ").split()
    while rest:
        name = rest[0]
        if name in ("weekday", "weekdays", "workday", "workdays"):
            days += vocabulary.WORKDAYS
        elif name in ("weekend", "weekends"):
            days += vocabulary.WEEKEND
        elif (day := vocabulary.weekday_of(name)) is not None:
            days.append(day)
        elif name not in ("and", "&"):
            break
        rest.pop(0)
    at = _clock(" ".join(rest)) if days else None
    if at is None:
        return None
    fields = ",".join(str((day + 1) % 7) for day in sorted(set(days)))
    return cron(f"{at.minute} {at.hour} * * {fields}", zone)


def _yearly(words: str, zone: ZoneInfo) -> Rule | None:
    """Read "24 december at 9", "dec 24"."""
    first, _, rest = words.partition(" ")
    second, _, rest = rest.partition(" ")
    for day, name in ((first, second), (second, first)):
        number, month = re.match(r"\d{1,2}", day), vocabulary.month_of(name)
        if number and month and (at := _clock(rest)) is not None:
            return cron(f"{at.minute} {at.hour} {number[0]} {month} *", zone)
    return None
