"""Rules that say when something is due, as values and as JSON.

    Immediate ... at once
    Once ........ one wall time in a zone
    Cron ........ five fields, in a zone
    Recurrence .. an RFC 5545 rule of days or longer, from a wall time on, in a zone
    Interval .... every so many seconds of elapsed time from an instant on

Wall times are stored with the zone's name, never as instants: when a country
changes its clocks, nine o'clock stays nine o'clock.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice, takewhile
from typing import Any
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from dateutil.rrule import rrulestr  # type: ignore[import-untyped]  # it ships no types

from navi_bot.errors import PersonError

SHORTEST = 60.0
"""Seconds between two occurrences at least."""

FREQUENCIES = ("YEARLY", "MONTHLY", "WEEKLY", "DAILY")
"""Finer ones are intervals: elapsed time, not times on a clock."""

HORIZON = timedelta(days=3653)
"""A recurrence rule that does not come true within ten years never does for us."""

_RULE_LENGTH = 500
_ANY = datetime(2024, 1, 1)


@dataclass(frozen=True, slots=True)
class Immediate:
    """As soon as it is stored."""


@dataclass(frozen=True, slots=True)
class Once:
    """`wall` is naive."""

    wall: datetime
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class Cron:
    """Minute, hour, day of month, month, day of week (0 and 7 are Sunday)."""

    expression: str
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class Recurrence:
    """`text` is "FREQ=WEEKLY;BYDAY=MO"; `start` is naive, and its first possible time."""

    text: str
    start: datetime
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class Interval:
    """`start` is aware UTC; the first occurrence is one interval later."""

    seconds: float
    start: datetime
    zone: ZoneInfo


Rule = Immediate | Once | Cron | Recurrence | Interval


def cron(expression: str, zone: ZoneInfo) -> Cron:
    """Return a checked cron rule; PersonError when it is none, or never fires."""
    plain = " ".join(expression.split())
    if len(plain.split(" ")) != 5:
        raise PersonError(f"{expression[:60]!r} is no cron expression: it takes five fields.")
    try:
        next(CronSim(plain, _ANY))
    except CronSimError as error:
        raise PersonError(f"{expression[:60]!r} is no cron expression: {error}.") from error
    except StopIteration as error:
        raise PersonError(f"The cron expression {expression[:60]!r} never fires.") from error
    return Cron(plain, zone)


def recurrence(text: str, start: datetime, zone: ZoneInfo) -> Recurrence:
    """Return a checked rule of RFC 5545; PersonError when it is none, or too fine."""
    plain = "".join(text.split()).upper().removeprefix("RRULE:")
    parts = dict(part.partition("=")[::2] for part in plain.split(";"))
    if len(plain) > _RULE_LENGTH or "DTSTART" in plain:
        raise PersonError("Give the recurrence rule alone, like FREQ=WEEKLY;BYDAY=MO;BYHOUR=9.")
    if parts.get("FREQ") not in FREQUENCIES:
        known = ", ".join(FREQUENCIES)
        raise PersonError(f"FREQ is one of {known}; for shorter times give an interval.")
    if "BYSECOND" in parts or parts.get("BYMINUTE", "").count(",") > 59:
        raise PersonError("A recurrence rule counts in minutes at the finest.")
    start = start.replace(second=0, microsecond=0, tzinfo=None)
    rule = Recurrence(plain, start, zone)
    try:
        found = next(walls(rule, start), None)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise PersonError(f"The recurrence rule cannot be read: {error}.") from error
    if found is None:
        raise PersonError("That recurrence rule does not come true within ten years.")
    return rule


def walls(rule: Recurrence, begin: datetime) -> Iterator[datetime]:
    """Yield a recurrence's naive wall times from `begin` on, in order, ten years far.

    COUNT and UNTIL are kept here: the library would look for times up to the
    year 9999, which takes minutes for a rule that never comes true.
    """
    parts = dict(part.partition("=")[::2] for part in rule.text.split(";"))
    count, until = parts.pop("COUNT", ""), parts.pop("UNTIL", "")
    parts["UNTIL"] = f"{begin + HORIZON:%Y%m%dT%H%M%S}"
    text = ";".join(f"{name}={value}" for name, value in parts.items())
    found = iter(rrulestr(text, dtstart=rule.start))
    if count:
        found = islice(found, int(count))
    if until:
        last = _last(until)
        found = takewhile(lambda wall: wall <= last, found)
    return (wall for wall in found if wall >= begin)


def _last(until: str) -> datetime:
    """Return UNTIL as a wall time; a bare date counts to its end."""
    plain = until.removesuffix("Z")
    if "T" in plain:
        return datetime.strptime(plain, "%Y%m%dT%H%M%S")
    return datetime.strptime(plain, "%Y%m%d") + timedelta(days=1, seconds=-1)


def interval(seconds: float, start: datetime, zone: ZoneInfo) -> Interval:
    """Return a checked interval; PersonError when it is shorter than a minute."""
    if not SHORTEST <= seconds <= 366 * 86400:
        raise PersonError("An interval lasts a minute at least and a year at most.")
    return Interval(seconds, start, zone)


def recurs(rule: Rule) -> bool:
    return isinstance(rule, Cron | Recurrence | Interval)


def zone_of(rule: Rule) -> str:
    """Return the name of the rule's zone, "" when it needs none."""
    return "" if isinstance(rule, Immediate) else rule.zone.key


def moved(rule: Rule, zone: ZoneInfo) -> Rule:
    """Return the rule with its wall times in another zone; elapsed time stays as it is."""
    match rule:
        case Immediate():
            return rule
        case Once(wall=wall):
            return Once(wall, zone)
        case Cron(expression=expression):
            return Cron(expression, zone)
        case Recurrence(text=text, start=start):
            return Recurrence(text, start, zone)
        case Interval(seconds=seconds, start=start):
            return Interval(seconds, start, zone)


def dump(rule: Rule) -> dict[str, Any]:
    """Return a rule as JSON."""
    match rule:
        case Immediate():
            return {"kind": "immediate"}
        case Once(wall, zone):
            return {"kind": "once", "wall": wall.isoformat(), "zone": zone.key}
        case Cron(expression, zone):
            return {"kind": "cron", "cron": expression, "zone": zone.key}
        case Recurrence(text, start, zone):
            return {"kind": "rrule", "rrule": text, "start": start.isoformat(), "zone": zone.key}
        case Interval(seconds, start, zone):
            return {
                "kind": "interval",
                "seconds": seconds,
                "start": start.isoformat(),
                "zone": zone.key,
            }


def load(data: Mapping[str, Any]) -> Rule:
    """Return the rule that `dump` has made JSON of."""
    if data["kind"] == "immediate":
        return Immediate()
    zone = ZoneInfo(data["zone"])
    match data["kind"]:
        case "once":
            return Once(datetime.fromisoformat(data["wall"]), zone)
        case "cron":
            return Cron(data["cron"], zone)
        case "rrule":
            return Recurrence(data["rrule"], datetime.fromisoformat(data["start"]), zone)
    return Interval(float(data["seconds"]), datetime.fromisoformat(data["start"]), zone)
