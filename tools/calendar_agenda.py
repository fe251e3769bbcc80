"""The owner's calendar, day by day; it is read and never written."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Field

from navi_bot.errors import ToolArgumentError
from navi_bot.messages import Role
from navi_bot.ports.calendar import Calendar
from navi_bot.ports.tools import Call, Effect, Result
from navi_bot.schedule.appointment import days_told, midnight

name = "calendar_agenda"
description = "Show what is in the owner's calendar on the next days, or from a date on."
effect = Effect.READ_WORLD
needs = "calendar"
timeout = 30.0

MOST_DAYS = 62
MOST_LINES = 200


class Arguments(BaseModel):
    start: str = Field(default="", description="first day, YYYY-MM-DD; empty: today")
    days: int = Field(default=7, ge=1, le=MOST_DAYS, description="number of days")


async def run(arguments: Arguments, call: Call) -> Result:
    calendar = owners_calendar(call)
    zone = ZoneInfo(call.timezone or "UTC")
    first = day_of(arguments.start, zone)
    last = first + timedelta(days=arguments.days)
    found = await calendar.between(midnight(first, zone), midnight(last, zone), zone)
    lines = days_told(found, first, arguments.days, zone)
    if not lines:
        return Result(f"Nothing in the calendar in the {arguments.days} days from {first}.")
    more = [f"… {len(lines) - MOST_LINES} more lines"] if len(lines) > MOST_LINES else []
    return Result("\n".join([f"Times are in {zone.key}.", *lines[:MOST_LINES], *more]))


def owners_calendar(call: Call) -> Calendar:
    """Return the calendar; ToolArgumentError for whoever is not its owner."""
    if call.calendar is None:
        raise ToolArgumentError("There is no calendar here.")
    if call.role is not Role.OWNER:
        raise ToolArgumentError("The calendar is the owner's; others may not read it.")
    return call.calendar


def day_of(text: str, zone: ZoneInfo) -> date:
    """Return a day as it is written, today for ""; ToolArgumentError names the fault."""
    if not text.strip():
        return datetime.now(UTC).astimezone(zone).date()
    try:
        day = date.fromisoformat(text.strip()[:10])
    except ValueError as error:
        raise ToolArgumentError(f"start: {text[:40]!r} is no day; write YYYY-MM-DD.") from error
    if not 1970 <= day.year <= 2200:
        raise ToolArgumentError("start: no calendar goes that far.")
    return day
