"""Wall time and instants: what a time on a clock's face means in a zone.

A wall time may happen once, never or twice:

    gap ....... the clocks jump over it: the first valid time after it is meant
    overlap ... it comes twice: the first of the two is meant
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from typing import Literal
from zoneinfo import ZoneInfo, available_timezones

from navi_bot.errors import PersonError

SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Landing:
    """Where a wall time lands. `instant` is aware UTC, `wall` the time that clocks show then."""

    instant: datetime
    wall: datetime
    oddity: Literal["", "gap", "overlap"] = ""


def zone_named(name: str) -> ZoneInfo:
    """Return an IANA zone, in whatever case it is written; PersonError names similar ones."""
    wanted = name.strip().replace(" ", "_")
    known = {each.lower(): each for each in available_timezones()}
    found = known.get(wanted.lower()) or _city(wanted, known)
    if found:
        return ZoneInfo(found)
    close = get_close_matches(wanted.lower(), known, n=3, cutoff=0.5)
    hint = ", ".join(known[each] for each in close) or "Europe/Berlin"
    raise PersonError(f"There is no time zone {name[:60]!r}; names look like {hint}.")


def _city(wanted: str, known: dict[str, str]) -> str:
    """Return the zone of a city that only one zone is named after."""
    ending = f"/{wanted.lower()}"
    found = [name for lower, name in known.items() if wanted and lower.endswith(ending)]
    return found[0] if len(found) == 1 else ""


def wall_of(instant: datetime, zone: ZoneInfo) -> datetime:
    """Return what clocks in a zone show at an instant: a naive time."""
    return instant.astimezone(zone).replace(tzinfo=None, fold=0)


def landing(wall: datetime, zone: ZoneInfo) -> Landing:
    """Return the instant that a naive wall time means."""
    early = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    late = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    if wall_of(early, zone) != wall:
        # In a gap fold 0 reckons with the offset before it, and so lands after it.
        first = _change_between(late, early, zone)
        return Landing(first, wall_of(first, zone), "gap")
    return Landing(early, wall, "overlap" if late != early else "")


def second_time(wall: datetime, zone: ZoneInfo) -> datetime | None:
    """Return the later instant of a wall time that comes twice, None for others."""
    found = landing(wall, zone)
    if found.oddity != "overlap":
        return None
    return wall.replace(tzinfo=zone, fold=1).astimezone(UTC)


def _change_between(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """Return the first instant of the offset that is in force at `after`."""
    offset = after.astimezone(zone).utcoffset()
    while after - before > SECOND:
        middle = before + (after - before) // 2
        middle = middle.replace(microsecond=0)
        if middle <= before:
            middle = before + SECOND
        if middle.astimezone(zone).utcoffset() == offset:
            after = middle
        else:
            before = middle
    return after.replace(microsecond=0)
