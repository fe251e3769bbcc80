"""Reminders as a calendar file, read back by another library's rules."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import rrulestr  # type: ignore[import-untyped]  # it ships no types

from navi_bot.schedule.ics import Entry, calendar
from navi_bot.schedule.occurrence import times
from navi_bot.schedule.rule import Once, Rule, cron, interval, recurrence

KYIV = ZoneInfo("Europe/Kyiv")
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def lines(rule: Rule, text: str = "x") -> list[str]:
    due = next(times(rule, NOW)).instant
    return calendar([Entry(3, text, rule, due)], NOW).split("\r\n")


def test_a_file_is_framed_folded_and_escaped() -> None:
    """75 bytes a line at most, cut between characters; commas and line breaks are escaped."""
    text = "buy milk, bread; and\nbücher " * 6
    found = lines(Once(datetime(2026, 12, 24, 9, 0), KYIV), text)
    assert found[0] == "BEGIN:VCALENDAR"
    assert found[-2:] == ["END:VCALENDAR", ""]
    assert all(len(line.encode()) <= 75 for line in found)
    unfolded = "\n".join(found).replace("\n ", "")
    wanted = text.replace(",", "\\,").replace(";", "\\;").replace("\n", "\\n")
    assert f"SUMMARY:{wanted}" in unfolded
    assert "DTSTART;TZID=Europe/Kyiv:20261224T090000" in unfolded
    assert "UID:recall-3@navi-bot" in unfolded


RULES = {
    "daily": cron("30 7 * * *", KYIV),
    "weekdays": cron("0 8 * * 1-5", KYIV),
    "sundays": cron("15 10 * * 0,7", KYIV),
    "monthly": cron("0 9 1 * *", KYIV),
    "rule": recurrence("FREQ=WEEKLY;INTERVAL=2;BYDAY=FR", datetime(2026, 11, 20, 10, 0), KYIV),
}


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES.keys())
def test_the_calendar_shows_the_same_times(rule: Rule) -> None:
    found = lines(rule)
    start = next(line for line in found if line.startswith("DTSTART")).rpartition(":")[2]
    text = next(line for line in found if line.startswith("RRULE:"))
    shown = rrulestr(text, dtstart=datetime.strptime(start, "%Y%m%dT%H%M%S"))
    after = NOW.astimezone(KYIV).replace(tzinfo=None)
    theirs = list(shown.xafter(after, count=20))
    ours = [
        one.instant.astimezone(KYIV).replace(tzinfo=None)
        for one, _ in zip(times(rule, NOW), range(20), strict=False)
    ]
    assert ours == theirs


def test_what_has_no_words_there_is_given_as_its_next_time() -> None:
    found = lines(cron("*/20 9-17 * * *", KYIV))
    assert "DTSTART;TZID=Europe/Kyiv:20261121T142000" in found
    assert "DESCRIPTION:cron */20 9-17 * * *" in found
    assert not any(line.startswith("RRULE") for line in found)
    hourly = lines(interval(5400, NOW, KYIV))
    assert "RRULE:FREQ=MINUTELY;INTERVAL=90" in hourly
