"""The daemon's pulse: it beats only while work gets done."""

import asyncio
from dataclasses import dataclass
from typing import cast

import pytest

from navi_bot.app.pulse import POLL_AGE, Pulse, examine
from navi_bot.errors import StoreUnavailable
from navi_bot.ports.platform import Adapter


@dataclass
class Platform:
    """What the pulse looks at of an adapter."""

    last_contact: float
    trouble: str = ""
    platform: str = "telegram"


@pytest.mark.parametrize(
    ("contact", "trouble", "started", "alive"),
    [
        pytest.param(1000.0, "", 0.0, True, id="just heard"),
        pytest.param(1000.0 - POLL_AGE, "", 0.0, True, id="heard in time"),
        pytest.param(999.0 - POLL_AGE, "", 0.0, False, id="deaf"),
        pytest.param(0.0, "", 990.0, True, id="just online"),
        pytest.param(0.0, "", 500.0, False, id="never heard"),
        pytest.param(0.0, "Telegram does not answer.", 0.0, True, id="knows its trouble"),
    ],
)
def test_an_adapter_is_deaf_when_it_waits_for_nothing(
    contact: float, trouble: str, started: float, alive: bool
) -> None:
    adapter = cast("Adapter", Platform(contact, trouble))
    fault = examine([(adapter, started)], now=1000.0)
    assert (fault == "") is alive
    assert alive or "telegram" in fault


def test_who_is_not_online_is_not_expected_to_hear() -> None:
    """A daemon that stands by for hours is well."""
    assert examine([], now=1000.0) == ""


async def beats(adapter: Platform, database: list[bool]) -> int:
    """Run the pulse until the database was asked as often as the list is long."""
    count = 0
    asked = asyncio.Event()
    answers = iter(database)

    def beat() -> None:
        nonlocal count
        count += 1

    async def ping() -> None:
        answer = next(answers, None)
        if answer is None:
            asked.set()
        elif not answer:
            raise StoreUnavailable("gone")

    listening = [(cast("Adapter", adapter), 0.0)]
    running = asyncio.ensure_future(Pulse(lambda: listening, ping, beat, 0.001).run())
    await asyncio.wait_for(asked.wait(), 5)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    return count


async def test_it_rests_while_the_database_is_gone_and_goes_on_after() -> None:
    platform = Platform(last_contact=float("inf"))
    assert await beats(platform, [True, False, False, True]) in (2, 3)


async def test_it_says_once_that_it_is_lost() -> None:
    """Three faults in a row are one line of log."""
    import structlog.testing  # noqa: PLC0415 - only here

    with structlog.testing.capture_logs() as lines:
        await beats(Platform(last_contact=float("inf")), [False, False, False, True])
    assert [line["event"] for line in lines] == ["pulse_lost", "pulse_regained"]
