"""What time it is, and reckoning with dates."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Field

from navi_bot.errors import ToolArgumentError
from navi_bot.ports.tools import Call, Effect, Result

name = "clock"
description = (
    "Tell the time in any zone, move a date by days or hours, count the days between dates."
)
effect = Effect.PURE
timeout = 5.0
manual = """
action=now      the time in `zone` (default: the person's own zone)
action=add      `start` (default now) plus `days`, `hours`, `minutes`; negative goes back
action=diff     days, hours and weeks from `start` (default now) to `end`
action=weekday  the weekday and calendar week of `start` (default today)

Dates are written 2026-03-01 or 2026-03-01T14:30; zones are IANA names such as Europe/Berlin.
"""


class Arguments(BaseModel):
    action: Literal["now", "add", "diff", "weekday"] = Field(
        default="now", description="now, add, diff or weekday"
    )
    zone: str = Field(
        default="", description="IANA zone, e.g. Asia/Tokyo; empty: the person's zone"
    )
    start: str = Field(default="", description="date or date and time; empty: now")
    end: str = Field(default="", description="for diff: the later date or date and time")
    days: int = Field(default=0, description="for add: days to add")
    hours: int = Field(default=0, description="for add: hours to add")
    minutes: int = Field(default=0, description="for add: minutes to add")


async def run(arguments: Arguments, call: Call) -> Result:
    return Result(reckon(arguments, datetime.now(UTC), call.timezone))


def reckon(arguments: Arguments, now: datetime, home: str) -> str:
    """Answer a question about time; ToolArgumentError names what cannot be read.

    `now` is aware; `home` is the person's zone, "" for UTC.
    """
    zone = _zone(arguments.zone or home or "UTC")
    start = _moment(arguments.start, zone, "start", lambda: now.astimezone(zone))
    match arguments.action:
        case "now":
            return _told(start if arguments.start else now.astimezone(zone))
        case "add":
            return _told(_moved(start, arguments))
        case "diff":
            return _distance(start, _moment(arguments.end, zone, "end", None))
        case "weekday":
            week = start.isocalendar()
            return f"{start:%Y-%m-%d} is a {start:%A}, week {week.week} of {week.year}."


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name.strip())
    except (KeyError, ValueError, OSError) as error:
        raise ToolArgumentError(
            f"zone: there is no time zone '{name}'; use an IANA name such as Europe/Berlin."
        ) from error


def _moment(
    text: str, zone: ZoneInfo, field: str, otherwise: Callable[[], datetime] | None
) -> datetime:
    text = text.strip()
    if not text and otherwise is not None:
        return otherwise()
    try:
        if len(text) == len("2026-03-01"):
            return datetime.combine(date.fromisoformat(text), time(), zone)
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ToolArgumentError(
            f"{field}: '{text}' is no date; write 2026-03-01 or 2026-03-01T14:30."
        ) from error
    return moment.replace(tzinfo=zone) if moment.tzinfo is None else moment.astimezone(zone)


def _moved(start: datetime, arguments: Arguments) -> datetime:
    """Days move the calendar and keep the wall clock; hours and minutes are elapsed time."""
    elapsed = timedelta(hours=arguments.hours, minutes=arguments.minutes)
    try:
        day = start + timedelta(days=arguments.days)
        return (day.astimezone(UTC) + elapsed).astimezone(start.tzinfo)
    except OverflowError as error:
        raise ToolArgumentError("days: that is outside the years 1 to 9999.") from error


def _told(moment: datetime) -> str:
    zone = getattr(moment.tzinfo, "key", "") or "UTC"
    return f"{moment:%A} {moment:%Y-%m-%d %H:%M:%S} {zone} (UTC{moment:%z})"


def _distance(start: datetime, end: datetime) -> str:
    days = (end.date() - start.date()).days
    weeks, rest = divmod(abs(days), 7)
    hours = (end.astimezone(UTC) - start.astimezone(UTC)).total_seconds() / 3600
    return (
        f"From {start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M}: {days} days, {hours:.1f} hours. "
        f"{abs(days)} days are {weeks} weeks and {rest} days."
    )
