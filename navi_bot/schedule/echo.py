"""Times as people are told them: "Sat 21 Nov 2026, 09:00 Europe/Kyiv, in 11 h"."""

from datetime import datetime
from zoneinfo import ZoneInfo

from navi_bot.schedule.rule import Cron, Immediate, Interval, Once, Recurrence, Rule
from navi_bot.schedule.words import DAYS, MONTHS


def wall_told(wall: datetime, zone: ZoneInfo) -> str:
    """Return a naive wall time in words, the same in every locale."""
    day = DAYS[wall.weekday()].capitalize()
    month = MONTHS[wall.month - 1].capitalize()
    return f"{day} {wall.day} {month} {wall.year}, {wall:%H:%M} {zone.key}"


def instant_told(instant: datetime, zone: ZoneInfo) -> str:
    return wall_told(instant.astimezone(zone).replace(tzinfo=None), zone)


def clock_told(instant: datetime, zone: ZoneInfo, now: datetime) -> str:
    """Return the time of day alone where it is today's, else the whole."""
    wall, today = instant.astimezone(zone), now.astimezone(zone)
    if wall.date() == today.date():
        return f"{wall:%H:%M}"
    return (
        f"{DAYS[wall.weekday()].capitalize()} {wall.day} {MONTHS[wall.month - 1].capitalize()}"
        + (f", {wall:%H:%M}" if wall.year == today.year else f" {wall.year}, {wall:%H:%M}")
    )


def distance_told(seconds: float) -> str:
    """Return a length of time in one or two units: "11 h", "2 d 3 h", "45 s"."""
    left = round(seconds)
    if left < 60:
        return f"{max(left, 0)} s"
    minutes = round(seconds / 60)
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    if days >= 14:
        return f"{days} d"
    if days:
        return f"{days} d {hours} h" if hours else f"{days} d"
    if hours:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{minutes} min"


def told(instant: datetime, zone: ZoneInfo, now: datetime) -> str:
    """Return the absolute local time and how far it is."""
    far = distance_told((instant - now).total_seconds())
    return f"{instant_told(instant, zone)}, in {far}"


def rule_told(rule: Rule) -> str:
    """Return how a rule recurs, "" for one that does not."""
    match rule:
        case Immediate() | Once():
            return ""
        case Cron(expression):
            return _cron_told(expression)
        case Recurrence(text):
            return text.lower()
        case Interval(seconds):
            return f"every {distance_told(seconds)}"


def _cron_told(expression: str) -> str:
    minute, hour, day, month, weekday = expression.split()
    if not (minute.isdigit() and hour.isdigit()) or month != "*":
        return f"cron {expression}"
    clock = f"{int(hour):02}:{int(minute):02}"
    if (day, weekday) == ("*", "*"):
        return f"every day at {clock}"
    if day == "*" and weekday in ("1-5", "1,2,3,4,5"):
        return f"every weekday at {clock}"
    if day == "*" and all(part.isdigit() for part in weekday.split(",")):
        names = ", ".join(DAYS[(int(one) - 1) % 7].capitalize() for one in weekday.split(","))
        return f"every {names} at {clock}"
    if weekday == "*" and day.isdigit():
        return f"every month on day {day} at {clock}"
    return f"cron {expression}"
