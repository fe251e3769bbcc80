"""The words of times: clock times, weekdays, months, lengths."""

import re
from datetime import time

from navi_bot.errors import PersonError

_COUNTED = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
NUMBERS = {word: float(number) for number, word in enumerate((*_COUNTED, "eleven", "twelve"), 1)}
NUMBERS |= {"a": 1, "an": 1, "half": 0.5, "fifteen": 15, "twenty": 20, "thirty": 30}

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_ENDINGS = ("uary", "ruary", "ch", "il", "", "e", "y", "ust", "tember", "ober", "ember", "ember")

WORKDAYS = (0, 1, 2, 3, 4)
WEEKEND = (5, 6)

_LENGTH = re.compile(
    r"(?P<number>\d+(?:[.,]\d+)?|[a-z-]+)\s*(?:an?\s+)?"
    r"(?P<unit>seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d|weeks?|w)\b,?\s*(?:and\s+)?"
)
_CLOCK = re.compile(
    r"(?P<hour>\d{1,2})(?:[:.h](?P<minute>\d{2})(?::\d{2})?)?\s*(?P<half>am|pm|a\.m\.|p\.m\.)?"
    r"(?:\s*o'?clock)?"
)
_DAY = re.compile(
    r"(mon|tue|wed|thu|fri|sat|sun)(?:day|sday|nesday|rsday|urday|s|r|rs|urs)?s?", re.IGNORECASE
)


def length_of(words: str) -> tuple[int, float] | None:
    """Return "2 days 3h 15m" as (whole days, seconds); None when it is no length."""
    plain, days, seconds, at = words.strip().lower(), 0, 0.0, 0
    while at < len(plain):
        found = _LENGTH.match(plain, at)
        if found is None:
            return None
        number = _number(found["number"])
        if number is None:
            return None
        unit, at = found["unit"][0], found.end()
        if unit in "dw" and number == int(number):
            days += int(number) * (7 if unit == "w" else 1)
        else:
            seconds += number * SECONDS[unit]
    if at == 0 or days > 36600 or seconds > 366 * 86400:
        return None
    return days, seconds


def _number(word: str) -> float | None:
    if word[0].isdigit():
        return float(word.replace(",", "."))
    return NUMBERS.get(word)


def clock_of(words: str, *, bare: bool = False) -> time | None:
    """Return "at 9:30", "9am", "noon" as a time; `bare`: a lone number is an hour too.

    PersonError for a time that no clock shows.
    """
    plain = words.strip().lower()
    said = plain.startswith(("at ", "@"))
    plain = plain.removeprefix("at ").removeprefix("@").strip()
    if plain in ("noon", "midday"):
        return time(12)
    if plain == "midnight":
        return time(0)
    if plain in NUMBERS and (said or bare) and NUMBERS[plain] >= 1:
        return time(int(NUMBERS[plain]) % 24)
    found = _CLOCK.fullmatch(plain)
    if found is None:
        return None
    if not (found["minute"] or found["half"] or said or bare or "clock" in plain):
        return None
    return _time(int(found["hour"]), int(found["minute"] or 0), found["half"] or "", words)


def _time(hour: int, minute: int, half: str, words: str) -> time:
    if half:
        if not 1 <= hour <= 12:
            raise PersonError(f"No clock shows {words.strip()!r}.")
        hour = hour % 12 + (12 if half[0] == "p" else 0)
    if hour > 23 or minute > 59:
        raise PersonError(f"No clock shows {words.strip()!r}; the day has 24 hours.")
    return time(hour, minute)


def weekday_of(word: str) -> int | None:
    """Return 0 for Monday … 6 for Sunday, None for other words."""
    found = _DAY.fullmatch(word.strip())
    return DAYS.index(found[1].lower()) if found else None


def month_of(word: str) -> int | None:
    """Return 1 … 12 for a month's name or its beginning, None for other words."""
    plain = word.strip(".,").lower()
    for number, (name, ending) in enumerate(zip(MONTHS, _ENDINGS, strict=True), 1):
        if len(plain) >= len(name) and f"{name}{ending}".startswith(plain):
            return number
    return None
