"""The daemon's pulse: it beats only while work gets done."""

import asyncio
import os
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest
import structlog.testing

from navi_bot.app.pulse import POLL_AGE, Pulse, examine
from navi_bot.errors import StoreUnavailable
from navi_bot.notify import Notifier
from navi_bot.ports.platform import Adapter


@dataclass
class Platform:
    """What the pulse looks at of an adapter."""

    last_contact: float
    trouble: str = ""
    last_try: float = 0.0
    platform: str = "telegram"


SILENT = "Telegram does not answer."


@pytest.mark.parametrize(
    ("contact", "tried", "trouble", "started", "fault"),
    [
        pytest.param(1000.0, 1000.0, "", 0.0, "", id="just heard"),
        pytest.param(1000.0 - POLL_AGE, 0.0, "", 0.0, "", id="heard in time"),
        pytest.param(999.0 - POLL_AGE, 999.0, "", 0.0, "answered", id="deaf"),
        pytest.param(0.0, 0.0, "", 990.0, "", id="just online"),
        pytest.param(0.0, 0.0, "", 500.0, "answered", id="never heard"),
        pytest.param(0.0, 999.0, SILENT, 0.0, "", id="at work on its trouble"),
        pytest.param(0.0, 1060.0, SILENT, 0.0, "", id="in a wait that it chose"),
        pytest.param(0.0, 900.0, SILENT, 0.0, "asked", id="idle in its trouble"),
        pytest.param(0.0, 0.0, SILENT, 990.0, "", id="in trouble from the start"),
    ],
)
def test_an_adapter_is_deaf_when_it_waits_for_nothing(
    contact: float, tried: float, trouble: str, started: float, fault: str
) -> None:
    """A restart is for what hangs; what is known and worked on it would not mend."""
    adapter = cast("Adapter", Platform(contact, trouble, tried))
    found = examine([(adapter, started)], now=1000.0)
    assert bool(found) is bool(fault)
    assert fault in found


def test_who_is_not_online_is_not_expected_to_hear() -> None:
    """A daemon that stands by for hours is well."""
    assert examine([], now=1000.0) == ""


Answers = list[tuple[bool, bool]]
"""Whether the database answers us, and whether it answers anybody, look by look."""


async def beats(answers: Answers, *, lag: float = 5.0) -> int:
    """Run the pulse until the database was asked as often as the list is long."""
    count = 0
    asked = asyncio.Event()
    waiting = iter(answers)
    knocked = True

    def beat() -> None:
        nonlocal count
        count += 1

    async def ping() -> None:
        nonlocal knocked
        pinged, knocked = next(waiting, (None, True))
        if pinged is None:
            asked.set()
            await asyncio.Event().wait()
        if not pinged:
            raise StoreUnavailable("gone")

    async def knock() -> None:
        if not knocked:
            raise StoreUnavailable("gone")

    listening = [(cast("Adapter", Platform(last_contact=float("inf"))), 0.0)]
    pulse = Pulse(lambda: listening, ping, knock, beat, 0.001, lag)
    running = asyncio.ensure_future(pulse.run())
    await asyncio.wait_for(asked.wait(), 5)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    return count


WELL, AWAY, STUCK = (True, True), (False, False), (False, True)


@pytest.mark.parametrize(
    ("answers", "count"),
    [
        pytest.param([WELL, AWAY, AWAY, WELL], 4, id="away"),
        pytest.param([WELL, STUCK, STUCK, WELL], 2, id="stuck"),
    ],
)
async def test_it_rests_while_the_database_answers_others_and_not_us(
    answers: Answers, count: int
) -> None:
    """One that is away for everybody is waited for: what is not saved yet would die with us."""
    assert await beats(answers) == count


async def test_it_says_once_that_it_is_lost() -> None:
    """Three faults in a row are one line of log."""
    with structlog.testing.capture_logs() as lines:
        await beats([STUCK, STUCK, STUCK, WELL])
    assert [line["event"] for line in lines] == ["pulse_lost", "pulse_regained"]


async def test_a_blocked_loop_misses_its_beats(tmp_path: Path) -> None:
    """Systemd hears nothing right after something held the loop, and then hears again."""
    address = str(tmp_path / "notify")
    loop = asyncio.get_running_loop()

    async def answers() -> None:
        return

    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(address)
        heard.setblocking(False)
        notifier = Notifier.from_environment(
            {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "40000", "WATCHDOG_PID": str(os.getpid())}
        )
        pulse = Pulse(list, answers, answers, notifier.beat, notifier.interval, lag=0.1)
        running = asyncio.ensure_future(pulse.run())
        assert await asyncio.wait_for(loop.sock_recv(heard, 64), 5) == b"WATCHDOG=1"
        with structlog.testing.capture_logs() as lines:
            time.sleep(0.2)  # noqa: ASYNC251 - this is the fault
            assert await asyncio.wait_for(loop.sock_recv(heard, 64), 5) == b"WATCHDOG=1"
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert [line["event"] for line in lines] == ["pulse_lost", "pulse_regained"]
    assert "blocked" in lines[0]["fault"]
