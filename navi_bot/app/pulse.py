"""The daemon's pulse: it tells systemd that it lives only while it truly does.

Alive means: the event loop is punctual, every adapter that is online has heard
from its platform lately, and the database answers. When one of them fails the
pulse stops and the watchdog restarts the daemon. One that stands by, or whose
platform cannot be reached, waits for something that a restart would not mend.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable

import structlog

from navi_bot.errors import NaviError
from navi_bot.ports.platform import Adapter

log = structlog.get_logger()

POLL_AGE = 90.0
"""Seconds since an adapter's last contact until it counts as deaf."""

LOOP_LAG = 5.0
"""Seconds by which a sleep may come late before the loop counts as blocked."""

DATABASE_WAIT = 10.0
"""Seconds in which the database must answer."""


Listening = tuple[Adapter, float]
"""An adapter that is online, and since when, in monotonic seconds."""


def examine(listening: Iterable[Listening], now: float) -> str:
    """Name the first adapter that has been deaf for too long; pure.

    One that knows its trouble is at work on it: a restart would mend nothing.
    """
    for adapter, online_since in listening:
        if adapter.trouble:
            continue
        since = max(adapter.last_contact, online_since)
        if now - since > POLL_AGE:
            return f"{adapter.platform} has not answered for {now - since:.0f} s"
    return ""


class Pulse:
    """Beats until it is cancelled."""

    def __init__(
        self,
        listening: Callable[[], Iterable[Listening]],
        ping: Callable[[], Awaitable[object]],
        beat: Callable[[], None],
        interval: float,
    ) -> None:
        self._listening = listening
        self._ping = ping
        self._beat = beat
        self._interval = interval
        self._fault = ""

    async def run(self) -> None:
        while True:
            before = time.monotonic()
            await asyncio.sleep(self._interval)
            now = time.monotonic()
            late = now - before - self._interval
            fault = f"the event loop was blocked for {late:.0f} s" if late > LOOP_LAG else ""
            self._note(fault or examine(self._listening(), now) or await self._database())
            if not self._fault:
                self._beat()

    async def _database(self) -> str:
        try:
            await asyncio.wait_for(self._ping(), DATABASE_WAIT)
        except (NaviError, TimeoutError):
            return "the database does not answer"
        return ""

    def _note(self, fault: str) -> None:
        if fault and fault != self._fault:
            log.error("pulse_lost", fault=fault)
        if self._fault and not fault:
            log.info("pulse_regained")
        self._fault = fault
