"""The owner's calendar, searched by words; it is read and never written."""

from datetime import timedelta
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Field

from navi_bot.ports.tools import Call, Effect, Result
from navi_bot.schedule.appointment import Appointment, day_told, days_told, midnight
from tools.calendar_agenda import day_of, owners_calendar

name = "calendar_search"
description = "Find appointments in the owner's calendar by words of title, place or notes."
effect = Effect.READ_WORLD
needs = "calendar"
timeout = 30.0

MOST_DAYS, MOST_FOUND = 366, 30

NOTES = 500
"""Characters of an appointment's notes."""


class Arguments(BaseModel):
    words: str = Field(min_length=1, max_length=200, description="all of them must occur")
    start: str = Field(default="", description="first day, YYYY-MM-DD; empty: today")
    days: int = Field(default=30, ge=1, le=MOST_DAYS, description="number of days")


async def run(arguments: Arguments, call: Call) -> Result:
    calendar = owners_calendar(call)
    zone = ZoneInfo(call.timezone or "UTC")
    first = day_of(arguments.start, zone)
    last = first + timedelta(days=arguments.days)
    every = await calendar.between(midnight(first, zone), midnight(last, zone), zone)
    found = [one for one in every if one.mentions(arguments.words)]
    if not found:
        return Result(f"Nothing with these words in the {arguments.days} days from {first}.")
    lines = [line for one in found[:MOST_FOUND] for line in _told(one, zone)]
    more = [f"… {len(found) - MOST_FOUND} more"] if len(found) > MOST_FOUND else []
    return Result("\n".join([f"Times are in {zone.key}.", *lines, *more]))


def _told(one: Appointment, zone: ZoneInfo) -> list[str]:
    """Return the first day of an appointment, its line, when it ends if later, its notes."""
    begins = one.begins(zone).date()
    lines = days_told((one,), begins, 1, zone)
    last = (one.ends(zone) - timedelta(microseconds=1)).date()
    if last > begins:
        lines.append(f"    until {day_told(last)}")
    notes = " ".join(one.notes.split())
    return [*lines, f"    {notes[:NOTES]}"] if notes else lines
