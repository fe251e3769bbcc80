"""What comes after what: gaps with a note, overlaps once, elapsed time, what was missed."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from navi_bot.schedule.occurrence import Occurrence, after, first, missed
from navi_bot.schedule.rule import (
    Immediate,
    Interval,
    Once,
    Recurrence,
    Rule,
    cron,
    dump,
    interval,
    load,
    moved,
    recurrence,
)

KYIV = ZoneInfo("Europe/Kyiv")
NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def test_a_time_in_a_gap_says_what_was_meant() -> None:
    meant = datetime(2026, 3, 29, 3, 30)
    found = first(Once(meant, KYIV), datetime(2026, 3, 28, tzinfo=UTC))
    assert found == Occurrence(datetime(2026, 3, 29, 1, 0, tzinfo=UTC), meant)


def test_two_times_in_one_gap_fire_once() -> None:
    rule = cron("10,40 3 * * *", KYIV)
    gap = datetime(2026, 3, 29, 1, 0, tzinfo=UTC)
    assert after(rule, gap - timedelta(hours=1)) == Occurrence(gap, datetime(2026, 3, 29, 3, 10))
    assert after(rule, gap) == Occurrence(datetime(2026, 3, 30, 0, 10, tzinfo=UTC))


def test_an_interval_is_elapsed_time() -> None:
    """Every day's worth of hours drifts on the clock's face, as hours do."""
    rule = interval(86400, datetime(2026, 10, 24, 9, 0, tzinfo=UTC), KYIV)
    found = after(rule, datetime(2026, 10, 24, 12, 0, tzinfo=UTC))
    assert found == Occurrence(datetime(2026, 10, 25, 9, 0, tzinfo=UTC))


def test_what_is_once_is_over_then() -> None:
    rule = Once(datetime(2026, 11, 21, 14, 0), KYIV)
    assert first(rule, NOON - timedelta(seconds=1)) == Occurrence(NOON)
    assert first(rule, NOON) is None
    assert first(Immediate(), NOON) == Occurrence(NOON)
    assert after(Immediate(), NOON) is None


def test_count_and_until_end_a_recurrence() -> None:
    start = datetime(2026, 11, 20, 9, 0)
    counted = recurrence("FREQ=DAILY;COUNT=2", start, KYIV)
    second = datetime(2026, 11, 21, 7, 0, tzinfo=UTC)
    assert after(counted, second - timedelta(hours=1)) == Occurrence(second)
    assert after(counted, second) is None
    until = recurrence("FREQ=DAILY;UNTIL=20261121", start, KYIV)
    assert after(until, second) is None
    assert after(until, second - timedelta(hours=1)) == Occurrence(second)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (cron("0 9 * * *", KYIV), 3),
        (interval(60, NOON - timedelta(days=30), KYIV), 3 * 1440 + 5 * 60),
        (cron("* * * * *", KYIV), 1000),
        (Once(datetime(2026, 11, 21, 9, 0), KYIV), 0),
    ],
    ids=["daily", "each minute", "each minute, by cron", "once"],
)
def test_what_was_missed_is_counted(rule: Rule, expected: int) -> None:
    """The first is the one that is delivered late; up to 1,000 others are counted."""
    back = NOON + timedelta(days=3)
    due = NOON - timedelta(hours=5)
    assert missed(rule, due, back) == min(expected, 1000)


RULES = st.one_of(
    st.just(Immediate()),
    st.builds(Once, st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)), st.just(KYIV)),
    st.sampled_from([cron(text, KYIV) for text in ("0 9 * * 1", "*/5 * * * *", "1 1 1 1 *")]),
    st.builds(
        lambda start: Recurrence("FREQ=WEEKLY;BYDAY=MO", start, KYIV),
        st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)),
    ),
    st.builds(lambda seconds: Interval(seconds, NOON, KYIV), st.floats(60, 10**6, allow_nan=False)),
)


@given(rule=RULES, now=st.datetimes(datetime(2021, 1, 1), datetime(2034, 1, 1)))
def test_rules_survive_storing_and_only_go_forward(rule: Rule, now: datetime) -> None:
    instant = now.replace(tzinfo=UTC)
    assert load(dump(rule)) == rule
    found = after(rule, instant)
    assert found is None or found.instant > instant
    again = after(load(dump(rule)), instant)
    assert again == found


def test_wall_times_move_with_the_zone_and_elapsed_time_does_not() -> None:
    """Nine o'clock is nine o'clock where the person now lives."""
    tokyo = ZoneInfo("Asia/Tokyo")
    nine = moved(cron("0 9 * * *", KYIV), tokyo)
    assert after(nine, NOON) == Occurrence(datetime(2026, 11, 22, 0, 0, tzinfo=UTC))
    hourly = interval(3600, NOON, KYIV)
    assert after(moved(hourly, tokyo), NOON) == after(hourly, NOON)
