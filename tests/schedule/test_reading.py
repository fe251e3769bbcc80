"""What people write for times; now is Friday 20 November 2026, 22:00 in Kyiv."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from navi_bot.errors import PersonError
from navi_bot.schedule.echo import rule_told, told
from navi_bot.schedule.occurrence import first
from navi_bot.schedule.reading import read, read_with_text

KYIV = ZoneInfo("Europe/Kyiv")
NOW = datetime(2026, 11, 20, 20, 0, 12, 345, tzinfo=UTC)

READ = {
    "in 20 minutes": "Fri 20 Nov 2026, 22:20",
    "2h 15m": "Sat 21 Nov 2026, 00:15",
    "in half an hour": "Fri 20 Nov 2026, 22:30",
    "in 2 days": "Sun 22 Nov 2026, 22:00",
    "in 2 days 3 hours": "Mon 23 Nov 2026, 01:00",
    "tomorrow at nine": "Sat 21 Nov 2026, 09:00",
    "tomorrow": "Sat 21 Nov 2026, 09:00",
    "fri 18:30": "Fri 27 Nov 2026, 18:30",
    "fri 23:30": "Fri 20 Nov 2026, 23:30",
    "next monday at 10": "Mon 23 Nov 2026, 10:00",
    "24 dec 8am": "Thu 24 Dec 2026, 08:00",
    "dec 24, 2027 at 8pm": "Fri 24 Dec 2027, 20:00",
    "9:00 on 24 december": "Thu 24 Dec 2026, 09:00",
    "29 feb at 9": "Tue 29 Feb 2028, 09:00",
    "3 march at noon": "Wed 3 Mar 2027, 12:00",
    "2026-11-22T09:00": "Sun 22 Nov 2026, 09:00",
    "2026-11-22 9:00": "Sun 22 Nov 2026, 09:00",
    "2026-11-22T09:00:00Z": "Sun 22 Nov 2026, 11:00",
    "2026-11-22T09:00+01:00": "Sun 22 Nov 2026, 10:00",
    "18:30": "Sat 21 Nov 2026, 18:30",
    "tonight at 11": "Fri 20 Nov 2026, 23:00",
    "day after tomorrow at noon": "Sun 22 Nov 2026, 12:00",
    "every weekday at 8": "Mon 23 Nov 2026, 08:00",
    "every month on the 1st at 9": "Tue 1 Dec 2026, 09:00",
    "every month on the last day": "Mon 30 Nov 2026, 09:00",
    "daily at 7:30": "Sat 21 Nov 2026, 07:30",
    "every monday and thursday 18:30": "Mon 23 Nov 2026, 18:30",
    "every other week on friday at 10": "Fri 4 Dec 2026, 10:00",
    "every 24 december at 9": "Thu 24 Dec 2026, 09:00",
    "every 90 minutes": "Fri 20 Nov 2026, 23:30",
    "0 8 * * 1-5": "Mon 23 Nov 2026, 08:00",
    "FREQ=WEEKLY;BYDAY=MO;BYHOUR=9": "Mon 23 Nov 2026, 09:00",
    "RRULE:FREQ=DAILY;COUNT=3": "Sat 21 Nov 2026, 09:00",
}


@pytest.mark.parametrize(("words", "expected"), READ.items(), ids=READ.keys())
def test_words_are_read_as_the_time_that_is_meant(words: str, expected: str) -> None:
    found = first(read(words, NOW, KYIV), NOW)
    assert found is not None
    assert told(found.instant, KYIV, NOW).startswith(f"{expected} Europe/Kyiv, in ")


def test_the_echo_is_absolute_and_relative() -> None:
    found = first(read("tomorrow at 9", NOW, KYIV), NOW)
    assert found is not None
    assert told(found.instant, KYIV, NOW) == "Sat 21 Nov 2026, 09:00 Europe/Kyiv, in 11 h"


RECURS = {
    "every weekday at 8": "every weekday at 08:00",
    "every sunday at 10:15": "every Sun at 10:15",
    "every 2 hours": "every 2 h",
    "daily at 7": "every day at 07:00",
    "*/20 9-17 * * *": "cron */20 9-17 * * *",
    "tomorrow": "",
}


@pytest.mark.parametrize(("words", "expected"), RECURS.items(), ids=RECURS.keys())
def test_how_it_recurs_is_told(words: str, expected: str) -> None:
    assert rule_told(read(words, NOW, KYIV)) == expected


PAST = {
    "2024-11-22T09:00": "Sun 22 Nov 2026, 09:00",
    "2026-01-05 09:00": "Sat 21 Nov 2026, 09:00",
    "today at 8": "Sat 21 Nov 2026, 08:00",
    "2026-11-20T22:00": "Sat 21 Nov 2026, 22:00",
}


@pytest.mark.parametrize(("words", "meant"), PAST.items(), ids=PAST.keys())
def test_a_past_time_is_refused_with_the_nearest_sensible_one(words: str, meant: str) -> None:
    """A wrong year is the likeliest slip of a model, else the day."""
    with pytest.raises(PersonError, match=f"is past. Did you mean {meant}"):
        read(words, NOW, KYIV)


REFUSED = {
    "yesterday": "cannot read",
    "30 feb": "no day",
    "25:00": "No clock shows",
    "tomorrow at 13pm": "No clock shows",
    "every 10 seconds": "a minute at least",
    "0 0 30 2 *": "no cron expression",
    "1 2 3": "cannot read",
    "FREQ=HOURLY": "interval",
    "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30": "does not come true",
    "FREQ=DAILY;COUNT=1;BYMONTH=2;BYMONTHDAY=30": "does not come true",
    "FREQ=DAILY;BYDAY=XX": "cannot be read",
    "2026-13-01": "no such date",
    "9999-01-01": "too far",
}


@pytest.mark.parametrize(("words", "reason"), REFUSED.items(), ids=REFUSED.keys())
def test_what_is_no_time_is_refused_in_a_sentence(words: str, reason: str) -> None:
    with pytest.raises(PersonError, match=reason):
        read(words, NOW, KYIV)


SENTENCES = {
    "tomorrow at 9 call mum": ("Sat 21 Nov 2026, 09:00", "call mum"),
    "call mum tomorrow at 9": ("Sat 21 Nov 2026, 09:00", "call mum"),
    "in 20 minutes to check the oven": ("Fri 20 Nov 2026, 22:20", "check the oven"),
    "every weekday at 8 send me the news": ("Mon 23 Nov 2026, 08:00", "send me the news"),
    "take 2 pills in 3 hours": ("Sat 21 Nov 2026, 01:00", "take 2 pills"),
    "0 8 * * 1-5 stand up": ("Mon 23 Nov 2026, 08:00", "stand up"),
    "10 minutes tea": ("Fri 20 Nov 2026, 22:10", "tea"),
}


@pytest.mark.parametrize(("words", "expected"), SENTENCES.items(), ids=SENTENCES.keys())
def test_a_sentence_is_split_into_its_time_and_its_subject(
    words: str, expected: tuple[str, str]
) -> None:
    rule, text = read_with_text(words, NOW, KYIV)
    found = first(rule, NOW)
    assert found is not None
    assert told(found.instant, KYIV, NOW).startswith(expected[0])
    assert text == expected[1]


@given(st.text(max_size=60) | st.text("0123456789:/*,- amptFREQ=;everydahous", max_size=40))
def test_no_text_breaks_the_reader(words: str) -> None:
    """Whatever is written, it is a time or a sentence for the one who wrote it."""
    try:
        rule = read(words, NOW, KYIV)
    except PersonError:
        return
    found = first(rule, NOW)
    assert found is None or found.instant >= NOW
