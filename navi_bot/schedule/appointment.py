"""Appointments of a calendar, and how a list of them is told; pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from navi_bot.schedule.words import DAYS, MONTHS

LONGEST = 120
"""Characters of a summary or of a place in a list."""


@dataclass(frozen=True, slots=True)
class Appointment:
    """One time of an event: aware datetimes, or dates where it takes whole days.

    `end` is the moment, or the day, at which it is over.
    """

    summary: str
    start: datetime | date
    end: datetime | date
    place: str = ""
    notes: str = ""
    calendar: str = ""

    @property
    def all_day(self) -> bool:
        return not isinstance(self.start, datetime)

    def begins(self, zone: ZoneInfo) -> datetime:
        """Return when it begins, as clocks in a zone show it; whole days begin at midnight."""
        return _moment(self.start, zone)

    def ends(self, zone: ZoneInfo) -> datetime:
        return _moment(self.end, zone)

    def touches(self, start: datetime, end: datetime, zone: ZoneInfo) -> bool:
        """Answer whether some of it lies within a span; one without length lies where it begins."""
        begins, ends = self.begins(zone), self.ends(zone)
        return begins < end and (ends > start or begins == ends >= start)

    def mentions(self, words: str) -> bool:
        """Answer whether each of the words is in its summary, place or notes."""
        said = f"{self.summary}\n{self.place}\n{self.notes}".casefold()
        return all(word in said for word in words.casefold().split())


def _moment(one: datetime | date, zone: ZoneInfo) -> datetime:
    if isinstance(one, datetime):
        return one.astimezone(zone)
    return datetime.combine(one, time(), zone)


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """Return the moment at which a day begins in a zone."""
    return datetime.combine(day, time(), zone)


def days_told(found: Iterable[Appointment], first: date, days: int, zone: ZoneInfo) -> list[str]:
    """Return the days that have appointments, each with a line for each of them.

    What lasts longer than a day stands below each of its days.
    """
    found = sorted(found, key=lambda one: (one.begins(zone), one.summary))
    lines: list[str] = []
    for number in range(days):
        day = first + timedelta(days=number)
        begin, end = midnight(day, zone), midnight(day + timedelta(days=1), zone)
        of_day = [one for one in found if one.touches(begin, end, zone)]
        of_day.sort(key=lambda one: not one.all_day)
        if of_day:
            lines.append(day_told(day))
            lines += [f"  {_line(one, begin, end, zone)}" for one in of_day]
    return lines


def day_told(day: date) -> str:
    """Return "Sat 21 Nov 2026", the same in every locale."""
    name, month = DAYS[day.weekday()].capitalize(), MONTHS[day.month - 1].capitalize()
    return f"{name} {day.day} {month} {day.year}"


def _line(one: Appointment, begin: datetime, end: datetime, zone: ZoneInfo) -> str:
    parts = ", ".join(filter(None, (_short(one.summary) or "(no title)", _short(one.place))))
    of = f" ({_short(one.calendar)})" if one.calendar else ""
    return f"{_clock(one, begin, end, zone)}  {parts}{of}"


def _clock(one: Appointment, begin: datetime, end: datetime, zone: ZoneInfo) -> str:
    """Return the part of a day that it takes: "09:00-10:00", "until 10:00", "all day"."""
    begins, ends = one.begins(zone), one.ends(zone)
    if one.all_day or (begins < begin and ends >= end) or (begins == begin and ends == end):
        return "all day"
    if begins < begin:
        return f"until {ends:%H:%M}"
    if ends > end:
        return f"from {begins:%H:%M}"
    return f"{begins:%H:%M}" if begins == ends else f"{begins:%H:%M}-{ends:%H:%M}"


def _short(text: str) -> str:
    """Return a text on one line, without what a terminal would obey."""
    words = " ".join(text[: 4 * LONGEST].split())
    plain = "".join(letter for letter in words if letter.isprintable())
    return plain if len(plain) <= LONGEST else f"{plain[:LONGEST]}…"
