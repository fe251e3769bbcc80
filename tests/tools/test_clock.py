"""The clock: times in zones, reckoning with days, and what it refuses."""

from datetime import UTC, datetime

import pytest
from toolbox.calls_in_memory import Memory, call_of

from navi_bot.errors import ToolArgumentError
from tools import clock

NOW = datetime(2026, 3, 28, 23, 30, 5, tzinfo=UTC)  # the night before Europe's clocks go forward


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ({}, "Sunday 2026-03-29 00:30:05 Europe/Berlin (UTC+0100)"),
        ({"zone": "Asia/Tokyo"}, "Sunday 2026-03-29 08:30:05 Asia/Tokyo (UTC+0900)"),
        ({"zone": "UTC"}, "Saturday 2026-03-28 23:30:05 UTC (UTC+0000)"),
        (
            {"start": "2026-03-28T12:00+00:00"},
            "Saturday 2026-03-28 13:00:00 Europe/Berlin (UTC+0100)",
        ),
        (
            {"action": "add", "days": 1, "start": "2026-03-28T12:00"},
            "Sunday 2026-03-29 12:00:00 Europe/Berlin (UTC+0200)",
        ),
        (
            {"action": "add", "hours": 24, "start": "2026-03-28T12:00"},
            "Sunday 2026-03-29 13:00:00 Europe/Berlin (UTC+0200)",
        ),
        (
            {"action": "add", "days": -29, "start": "2026-03-29"},
            "Saturday 2026-02-28 00:00:00 Europe/Berlin (UTC+0100)",
        ),
        (
            {"action": "diff", "start": "2026-03-28", "end": "2026-04-12"},
            "From 2026-03-28 00:00 to 2026-04-12 00:00: 15 days, 359.0 hours. "
            "15 days are 2 weeks and 1 days.",
        ),
        (
            {"action": "diff", "start": "2026-04-12", "end": "2026-04-11"},
            "From 2026-04-12 00:00 to 2026-04-11 00:00: -1 days, -24.0 hours. "
            "1 days are 0 weeks and 1 days.",
        ),
        ({"action": "weekday", "start": "2027-01-01"}, "2027-01-01 is a Friday, week 53 of 2026."),
    ],
)
def test_questions_of_time(asked: dict[str, object], answer: str) -> None:
    """V-13: a day later keeps the wall clock, 24 hours later is elapsed time."""
    arguments = clock.Arguments.model_validate(asked)
    assert clock.reckon(arguments, NOW, "Europe/Berlin") == answer


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ({"zone": "Mars/Olympus"}, "zone"),
        ({"zone": "../../etc/passwd"}, "zone"),
        ({"start": "tomorrow"}, "start"),
        ({"action": "diff"}, "end"),
        ({"action": "add", "days": 10**7}, "days"),
        ({"action": "add", "days": 10**12}, "days"),
    ],
)
def test_what_cannot_be_read_is_named(asked: dict[str, object], named: str) -> None:
    """The sentence begins with the argument at fault."""
    with pytest.raises(ToolArgumentError, match=f"^{named}:"):
        clock.reckon(clock.Arguments.model_validate(asked), NOW, "")


async def test_the_call_tells_the_persons_time() -> None:
    """Without a zone it is the person's."""
    result = await clock.run(clock.Arguments(), call_of(Memory()))
    assert "Europe/Berlin" in result.text
