"""The command that shows the owner's calendar."""

from datetime import timedelta

from navi_bot.access import Who
from navi_bot.commands.table import Ask, Command, Desk, Reply, refuse, say
from navi_bot.messages import Line
from navi_bot.schedule.appointment import day_told, days_told, midnight
from navi_bot.schedule.zone import zone_named
from navi_bot.texts import calendar as texts

WEEK, MOST_DAYS = 7, 31

MOST_LINES = 80
"""Lines of one answer; more are many pages on a phone."""

WORDS = {"": (0, WEEK), "week": (0, WEEK), "today": (0, 1), "tomorrow": (1, 1)}
"""What may be said → (days from today, number of days)."""


async def agenda(ask: Ask, desk: Desk) -> Reply:
    """Show what is in the calendars, today or in the next days, in the person's zone."""
    if desk.calendar is None or desk.recalls is None:
        return refuse(ask, texts.NOT_CONFIGURED())
    asked = ask.arguments.strip().lower().removesuffix(" days")
    wanted = WORDS.get(asked)
    if asked.isdecimal() and 1 <= len(asked) <= 3:
        wanted = (0, min(max(int(asked), 1), MOST_DAYS))
    if wanted is None:
        return refuse(ask, texts.USAGE())
    ahead, days = wanted
    known = await desk.recalls.zones.zone(ask.person)
    zone = zone_named(known) if known else desk.recalls.home
    first = desk.now().astimezone(zone).date() + timedelta(days=ahead)
    last = first + timedelta(days=days - 1)
    end = midnight(last + timedelta(days=1), zone)
    found = await desk.calendar.between(midnight(first, zone), end, zone)
    title = texts.TITLE_DAY(first=day_told(first), zone=zone.key)
    if days > 1:
        title = texts.TITLE(first=day_told(first), last=day_told(last), zone=zone.key)
    lines = days_told(found, first, days, zone)
    if not lines:
        return say(texts.EMPTY(span=title))
    shown = [Line(line) for line in lines[:MOST_LINES]]
    if len(lines) > MOST_LINES:
        shown.append(Line(texts.MORE(count=len(lines) - MOST_LINES), "dim"))
    return Reply((Line(title, "bold"), *shown))


COMMANDS = (Command("agenda", Who.OWNER, texts.HELP_AGENDA, agenda),)
