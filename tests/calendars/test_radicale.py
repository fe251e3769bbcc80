"""The owner's calendars on a real CalDAV server: what is found there, and what each fault says."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from calendars.radicale_server import PASSWORD, USER, Radicale, event, radicale

from navi_bot.calendars.caldav_server import CaldavCalendar
from navi_bot.calendars.expansion import appointments
from navi_bot.errors import CredentialError, NaviError, OperatorError, PlatformError

KYIV, NEW_YORK = ZoneInfo("Europe/Kyiv"), ZoneInfo("America/New_York")
MONDAY = datetime(2026, 10, 19, tzinfo=KYIV)  # the clocks go back on the Sunday after
DAY = timedelta(days=1)

WORK = (
    event("w", "SUMMARY:stand-up", "DTSTART;TZID=Europe/Kyiv:20260105T093000",
          "DTEND;TZID=Europe/Kyiv:20260105T094500", "RRULE:FREQ=WEEKLY;BYDAY=MO,WE",
          "EXDATE;TZID=Europe/Kyiv:20261021T093000"),
    event("n", "SUMMARY:call", "LOCATION:room 5", "DTSTART:20261020T220000Z",
          "DTEND:20261020T230000Z", "DESCRIPTION:with Bob"),
    event("x", "SUMMARY:off", "STATUS:CANCELLED", "DTSTART:20261020T100000Z",
          "DTEND:20261020T110000Z"),
)  # fmt: skip
HOME = (
    event("a", "SUMMARY:fair", "DTSTART;VALUE=DATE:20261020", "DTEND;VALUE=DATE:20261022"),
    event("f", "SUMMARY:run", "DTSTART:20261025T070000", "DTEND:20261025T080000"),
)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Radicale]:
    async with radicale(tmp_path) as server:
        yield server


def calendar(server: Radicale, password: str = PASSWORD) -> CaldavCalendar:
    return CaldavCalendar(server.url, USER, password)


async def test_a_week_has_all_that_lies_in_it(server: Radicale) -> None:
    """Each time of what recurs, less what was left out; whole and floating times as here."""
    await server.keeps("work", *WORK)
    await server.keeps("home", *HOME)
    assert sorted(await calendar(server).names()) == ["ann/home", "ann/work"]
    found = await calendar(server).between(MONDAY, MONDAY + 7 * DAY, KYIV)
    assert [(one.summary, f"{one.begins(KYIV):%a %H:%M}", one.all_day) for one in found] == [
        ("stand-up", "Mon 09:30", False),
        ("fair", "Tue 00:00", True),
        ("call", "Wed 01:00", False),
        ("run", "Sun 07:00", False),
    ]
    call = found[2]
    assert (call.place, call.notes, call.calendar) == ("room 5", "with Bob", "ann/work")


async def test_days_are_those_of_the_person(server: Radicale) -> None:
    """The call is on Wednesday in Kyiv and on Tuesday in New York; a whole day is neither's."""
    await server.keeps("work", *WORK)
    await server.keeps("home", *HOME)
    for zone, expected in ((KYIV, {"fair"}), (NEW_YORK, {"fair", "call"})):
        tuesday = datetime(2026, 10, 20, tzinfo=zone)
        found = await calendar(server).between(tuesday, tuesday + DAY, zone)
        assert {one.summary for one in found} == expected, zone.key


async def test_a_clock_change_moves_no_weekly_appointment(server: Radicale) -> None:
    await server.keeps("work", *WORK)
    found = await calendar(server).between(MONDAY, MONDAY + 14 * DAY, KYIV)
    told = [one.begins(KYIV) for one in found if one.summary == "stand-up"]
    assert [f"{one:%d %H:%M %z}" for one in told] == [
        "19 09:30 +0300", "26 09:30 +0200", "28 09:30 +0200",
    ]  # fmt: skip


async def test_one_that_was_moved_is_told_where_it_is_now(server: Radicale) -> None:
    rule = event("m", "SUMMARY:yoga", "DTSTART:20261019T060000Z", "RRULE:FREQ=DAILY;COUNT=3")
    moved = event("m", "SUMMARY:yoga", "RECURRENCE-ID:20261020T060000Z", "DTSTART:20261020T090000Z")
    await server.keeps("home", f"{rule}\n{moved}")
    found = await calendar(server).between(MONDAY, MONDAY + 7 * DAY, KYIV)
    assert [f"{one.begins(KYIV):%d %H}" for one in found] == ["19 09", "20 12", "21 09"]


async def fault(calendar: CaldavCalendar) -> NaviError:
    with pytest.raises(NaviError) as caught:
        await calendar.between(MONDAY, MONDAY + DAY, KYIV)
    return caught.value


async def test_each_fault_of_the_account_says_its_mend(server: Radicale) -> None:
    wrong, empty = await fault(calendar(server, "wrong")), await fault(calendar(server))
    lost = await fault(CaldavCalendar(f"{server.url}/{USER}/nowhere/", USER, PASSWORD))
    assert isinstance(wrong, CredentialError)
    assert "correct CALDAV_USER and CALDAV_PASSWORD" in str(wrong)
    assert isinstance(empty, OperatorError)
    assert "There is no calendar at CALDAV_URL" in str(empty)
    assert isinstance(lost, OperatorError)
    assert "does not answer as a calendar server does" in str(lost)
    assert not any(PASSWORD in str(one) for one in (wrong, empty, lost))


async def test_a_server_that_is_away_or_silent_is_given_up(server: Radicale) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # it accepts and never answers
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        began = time.monotonic()
        away = await fault(CaldavCalendar(url, USER, PASSWORD, time_limit=0.5))
        assert time.monotonic() - began < 3
    refused = await fault(CaldavCalendar(url, USER, PASSWORD))
    for error in (away, refused):
        assert isinstance(error, PlatformError)
        assert "127.0.0.1 does not answer; see that it runs" in str(error)


async def test_what_is_no_calendar_server_is_told_from_one_that_is_away() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        page = b"<!doctype html><p>hello & welcome"
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n")
        writer.write(b"Content-Length: %d\r\n\r\n%s" % (len(page), page))
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as page:
        port = page.sockets[0].getsockname()[1]
        error = await fault(CaldavCalendar(f"http://127.0.0.1:{port}", USER, PASSWORD))
    assert isinstance(error, OperatorError)


@pytest.mark.parametrize(
    ("rule", "kept"),
    [
        ("FREQ=HOURLY", True),
        ("FREQ=MINUTELY;INTERVAL=15", True),
        ("FREQ=MINUTELY", False),
        ("FREQ=SECONDLY", False),
        ("FREQ=DAILY;BYHOUR=0,1,2,3,4;BYMINUTE=" + ",".join(map(str, range(60))), False),
    ],
)
def test_what_comes_too_often_is_left_out(rule: str, kept: bool) -> None:
    """Nobody keeps such appointments, and expanding one a stranger sent would stop the daemon."""
    text = (
        f"BEGIN:VCALENDAR\n{event('e', 'DTSTART:20261019T000000Z', f'RRULE:{rule}')}\nEND:VCALENDAR"
    )
    assert bool(appointments(text, MONDAY, MONDAY + 7 * DAY, KYIV)) is kept
