"""iCalendar text to appointments: what recurs is expanded, times are put into zones. Pure."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from math import prod
from zoneinfo import ZoneInfo

import recurring_ical_events
from icalendar import Calendar, Component, Event

from navi_bot.schedule.appointment import Appointment

DAY = timedelta(days=1)

OFTEN = {"SECONDLY": 86_400, "MINUTELY": 1440, "HOURLY": 24}
"""Times a day of the rules that come more often than daily."""

MOST_A_DAY = 96
"""Times a day of one event, every quarter of an hour; what comes more often is left out."""


def appointments(
    text: str, start: datetime, end: datetime, zone: ZoneInfo, calendar: str = ""
) -> tuple[Appointment, ...]:
    """Return what lies within a span of aware times; ValueError for text that is no calendar."""
    parsed = Calendar.from_ical(text)
    if not isinstance(parsed, Calendar) or any(map(_is_too_often, parsed.walk("VEVENT"))):
        return ()
    # Days and floating times have no zone, so they are looked for a day around and then sieved.
    found = recurring_ical_events.of(parsed, skip_bad_series=True).between(start - DAY, end + DAY)
    events = (one for one in found if isinstance(one, Event) and one.get("STATUS") != "CANCELLED")
    told = (_appointment(event, zone, calendar) for event in events)
    return tuple(one for one in told if one.touches(start, end, zone))


def _is_too_often(event: Component) -> bool:
    """An invitation of a stranger's may have more times than a machine can count."""
    rules = event.get("RRULE") or []
    return any(map(_is_dense, rules if isinstance(rules, list) else [rules]))


def _is_dense(rule: Mapping[str, Sequence[object]]) -> bool:
    often = OFTEN.get(str(rule.get("FREQ", [""])[0]).upper(), 1)
    interval = max(int(str(rule.get("INTERVAL", [1])[0])), 1) if often > 1 else 1
    listed = prod(len(rule.get(part, [0])) for part in ("BYHOUR", "BYMINUTE", "BYSECOND"))
    return often * listed / interval > MOST_A_DAY


def _appointment(event: Event, zone: ZoneInfo, calendar: str) -> Appointment:
    return Appointment(
        summary=str(event.get("SUMMARY", "")),
        start=_placed(event.start, zone),
        end=_placed(event.end, zone),
        place=str(event.get("LOCATION", "")),
        notes=str(event.get("DESCRIPTION", "")),
        calendar=calendar,
    )


def _placed(one: datetime | date, zone: ZoneInfo) -> datetime | date:
    """Return a time with a zone; one without is the same on every clock, so it is here."""
    if isinstance(one, datetime) and one.tzinfo is None:
        return one.replace(tzinfo=zone)
    return one
