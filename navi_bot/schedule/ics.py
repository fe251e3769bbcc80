"""Reminders as an iCalendar file (RFC 5545), for a calendar program."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from navi_bot.schedule.echo import rule_told
from navi_bot.schedule.rule import Cron, Immediate, Interval, Once, Recurrence, Rule

LINE = 75
"""Bytes of a line; longer ones are folded."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One reminder. `due` is its next time, aware."""

    number: int
    text: str
    rule: Rule
    due: datetime


def calendar(entries: Iterable[Entry], now: datetime) -> str:
    """Return the whole file, its lines ended by CR LF."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//navi-bot//reminders//EN"]
    for entry in entries:
        lines += _event(entry, now)
    lines.append("END:VCALENDAR")
    return "".join(f"{part}\r\n" for line in lines for part in _folded(line))


def _event(entry: Entry, now: datetime) -> list[str]:
    return [
        "BEGIN:VEVENT",
        f"UID:recall-{entry.number}@navi-bot",
        f"DTSTAMP:{_utc(now)}",
        *_times(entry),
        f"SUMMARY:{_escaped(entry.text)}",
        "BEGIN:VALARM",
        "ACTION:DISPLAY",
        f"DESCRIPTION:{_escaped(entry.text)}",
        "TRIGGER:PT0S",
        "END:VALARM",
        "END:VEVENT",
    ]


def _times(entry: Entry) -> list[str]:
    """Say when. What RFC 5545 has no words for is given as its next time and described."""
    match entry.rule:
        case Recurrence(text, start, zone):
            return [f"DTSTART;TZID={zone.key}:{start:%Y%m%dT%H%M%S}", f"RRULE:{text}"]
        case Cron(expression, zone):
            local = entry.due.astimezone(zone)
            rule = _as_recurrence(expression)
            described = [] if rule else [f"DESCRIPTION:{_escaped(rule_told(entry.rule))}"]
            return [f"DTSTART;TZID={zone.key}:{local:%Y%m%dT%H%M%S}", *rule, *described]
        case Interval(seconds) if seconds % 60 == 0:
            minutes = int(seconds // 60)
            return [f"DTSTART:{_utc(entry.due)}", f"RRULE:FREQ=MINUTELY;INTERVAL={minutes}"]
        case Once(wall, zone):
            return [f"DTSTART;TZID={zone.key}:{wall:%Y%m%dT%H%M%S}"]
        case Interval() | Immediate():
            return [f"DTSTART:{_utc(entry.due)}"]


def _as_recurrence(expression: str) -> list[str]:
    """Return the rule of a cron expression that names a time and days, none for others."""
    minute, hour, day, month, weekday = expression.split()
    if not (minute.isdigit() and hour.isdigit()) or month != "*":
        return []
    at = f"BYHOUR={int(hour)};BYMINUTE={int(minute)}"
    if (day, weekday) == ("*", "*"):
        return [f"RRULE:FREQ=DAILY;{at}"]
    if weekday == "*" and day.isdigit():
        return [f"RRULE:FREQ=MONTHLY;BYMONTHDAY={int(day)};{at}"]
    days = "1,2,3,4,5" if weekday == "1-5" else weekday
    if day == "*" and all(one.isdigit() for one in days.split(",")):
        names = ("SU", "MO", "TU", "WE", "TH", "FR", "SA", "SU")
        return [
            f"RRULE:FREQ=WEEKLY;BYDAY={','.join(names[int(one)] for one in days.split(','))};{at}"
        ]
    return []


def _utc(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _escaped(text: str) -> str:
    plain = text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return plain.replace("\r", "").replace("\n", "\\n")


def _folded(line: str) -> Iterator[str]:
    """Cut a line into pieces of at most 75 bytes, never inside of a character."""
    piece, size = "", 0
    for letter in line:
        width = len(letter.encode())
        if size + width > LINE:
            yield piece
            piece, size = " ", 1
        piece += letter
        size += width
    yield piece
