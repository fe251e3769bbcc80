"""What the owner and the model are told of calendars, over a calendar in memory."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from types import ModuleType, SimpleNamespace
from typing import cast
from zoneinfo import ZoneInfo

import pytest
from toolbox.calls_in_memory import Memory, call_of

from navi_bot.app.calendar import Uninstalled
from navi_bot.commands.calendar import COMMANDS, agenda
from navi_bot.commands.table import Ask, Desk
from navi_bot.errors import OperatorError, ToolArgumentError
from navi_bot.messages import Address, ChatKind, Head, Line, Origin, PersonId, Role, RoomId, Sender
from navi_bot.ports.calendar import Calendar
from navi_bot.schedule.appointment import Appointment, days_told
from navi_bot.toolbox.registry import Registry, shipped
from tools import calendar_agenda, calendar_search

KYIV = ZoneInfo("Europe/Kyiv")
NOW = datetime(2026, 11, 21, 22, 30, tzinfo=UTC)  # Sunday the 22nd in Kyiv


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=KYIV)


KEPT = (
    Appointment("dentist", at(22, 9), at(22, 10), "Main St 5", "bring the card", "home"),
    Appointment("night train", at(22, 23), at(23, 7)),
    Appointment("fair", date(2026, 11, 23), date(2026, 11, 25)),
    Appointment("bell", at(24, 12), at(24, 12)),
)


class Shelf:
    """Implements Calendar: what is kept, sieved as the real one does."""

    def __init__(self) -> None:
        self.asked: list[tuple[datetime, datetime]] = []

    async def names(self) -> tuple[str, ...]:
        return ("home",)

    async def between(
        self, start: datetime, end: datetime, zone: ZoneInfo
    ) -> tuple[Appointment, ...]:
        self.asked.append((start, end))
        return tuple(one for one in KEPT if one.touches(start, end, zone))


async def shown(arguments: str, calendar: Calendar | None) -> list[str]:
    """Give /agenda as its owner, who lives in Kyiv."""

    async def zone(_person: PersonId) -> str:
        return KYIV.key

    address = Address("telegram", "1", "5")
    origin = Origin("k", address, ChatKind.PRIVATE, Sender("5", ""), "1", NOW)
    head = Head("reply:1", RoomId(1), address)
    ask = Ask(arguments, head, origin, PersonId(1), Role.OWNER)
    # The rest of the desk is not touched by this command.
    recalls = SimpleNamespace(zones=SimpleNamespace(zone=zone), home=UTC)
    desk = SimpleNamespace(calendar=calendar, recalls=recalls, now=lambda: NOW)
    reply = await agenda(ask, cast(Desk, desk))
    return [block.text for block in reply.blocks if isinstance(block, Line)]


async def test_the_next_seven_days_are_those_of_the_persons_zone() -> None:
    assert await shown("", Shelf()) == [
        "Sun 22 Nov 2026 to Sat 28 Nov 2026 (Europe/Kyiv):",
        "Sun 22 Nov 2026",
        "  09:00-10:00  dentist, Main St 5 (home)",
        "  from 23:00  night train",
        "Mon 23 Nov 2026",
        "  all day  fair",
        "  until 07:00  night train",
        "Tue 24 Nov 2026",
        "  all day  fair",
        "  12:00  bell",
    ]


@pytest.mark.parametrize(
    ("words", "first", "days"),
    [("today", 22, 1), ("tomorrow", 23, 1), ("3", 22, 3), ("3 days", 22, 3), ("week", 22, 7)],
)
async def test_a_span_is_asked_for_in_words(words: str, first: int, days: int) -> None:
    shelf = Shelf()
    await shown(words, shelf)
    assert shelf.asked == [(at(first, 0), at(first, 0) + timedelta(days=days))]


async def test_what_cannot_be_shown_says_why() -> None:
    assert "set CALDAV_URL" in "".join(await shown("", None))
    assert "Send: /agenda" in "".join(await shown("next decade", Shelf()))
    with pytest.raises(OperatorError, match=r"pip install 'navi-bot\[calendar\]'"):
        await shown("", Uninstalled())


def test_the_calendar_is_the_owners_alone() -> None:
    assert [(command.name, command.who) for command in COMMANDS] == [("agenda", "owner")]


def test_the_tools_are_there_only_where_a_calendar_is() -> None:
    found = shipped()
    assert "calendar_agenda" not in Registry(found).names
    assert {"calendar_agenda", "calendar_search"} <= set(Registry(found, (), ("calendar",)).names)


async def test_the_model_reads_days_and_finds_words() -> None:
    call = replace(call_of(Memory()), calendar=Shelf(), timezone=KYIV.key, headless=True)
    days = calendar_agenda.Arguments(start="2026-11-22", days=1)
    told = (await calendar_agenda.run(days, call)).text
    assert "Times are in Europe/Kyiv" in told
    assert "09:00-10:00  dentist" in told
    words = calendar_search.Arguments(words="CARD dentist", start="2026-11-22")
    found = (await calendar_search.run(words, call)).text
    assert "Sun 22 Nov 2026\n  09:00-10:00  dentist" in found
    assert "bring the card" in found
    assert "fair" not in found


@pytest.mark.parametrize("tool", [calendar_agenda, calendar_search])
async def test_only_the_owner_may_have_it_read(tool: ModuleType) -> None:
    words = {"words": "x"} if tool.name == "calendar_search" else {}
    call = replace(call_of(Memory()), calendar=Shelf(), role=Role.MEMBER)
    with pytest.raises(ToolArgumentError, match="the owner's"):
        await tool.run(tool.Arguments(**words), call)
    with pytest.raises(ToolArgumentError, match="no day"):
        await tool.run(tool.Arguments(start="soon", **words), replace(call, role=Role.OWNER))


def test_what_a_stranger_wrote_stays_on_its_line() -> None:
    """An invitation's title is data: no line breaks, no control characters, no endless text."""
    mean = Appointment("a\nSun 22 Nov 2026\x1b[2J" + "x" * 999, at(22, 9), at(22, 10))
    lines = days_told((mean,), date(2026, 11, 22), 1, KYIV)
    assert len(lines) == 2
    assert lines[1].isprintable()
    assert len(lines[1]) < 160
