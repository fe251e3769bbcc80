"""The daemon's pulse: it tells systemd that it lives only while it truly does.

Alive means: the event loop is punctual, every adapter that is online has heard
from its platform lately or is at work on hearing it, and the database answers
us if it answers anybody. When one of them fails the pulse stops and the
watchdog restarts the daemon. What a restart would not mend is no reason to
rest: a platform that cannot be reached, a database that is away (what is not
saved yet would be lost with us), another daemon that serves the account.
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
    """Name the first adapter that has been deaf, or idle in its trouble, for too long; pure."""
    for adapter, online_since in listening:
        heard = now - max(adapter.last_contact, online_since)
        tried = now - max(adapter.last_try, online_since)
        if not adapter.trouble and heard > POLL_AGE:
            return f"{adapter.platform} has not answered for {heard:.0f} s"
        if adapter.trouble and tried > POLL_AGE:
            return f"{adapter.platform} has not been asked for {tried:.0f} s"
    return ""


class Pulse:
    """Beats until it is cancelled."""

    def __init__(
        self,
        listening: Callable[[], Iterable[Listening]],
        ping: Callable[[], Awaitable[object]],
        knock: Callable[[], Awaitable[object]],
        beat: Callable[[], None],
        interval: float,
        lag: float = LOOP_LAG,
    ) -> None:
        """`ping` asks the database on our connections, `knock` on a new one."""
        self._listening = listening
        self._ping = ping
        self._knock = knock
        self._lag = lag
        self._beat = beat
        self._interval = interval
        self._fault = ""

    async def run(self) -> None:
        while True:
            before = time.monotonic()
            await asyncio.sleep(self._interval)
            now = time.monotonic()
            late = now - before - self._interval
            fault = f"the event loop was blocked for {late:.0f} s" if late > self._lag else ""
            self._note(fault or examine(self._listening(), now) or await self._database())
            if not self._fault:
                self._beat()

    async def _database(self) -> str:
        if await _answers(self._ping) or not await _answers(self._knock):
            return ""
        return "the database answers, but not on our connections"

    def _note(self, fault: str) -> None:
        if fault and fault != self._fault:
            log.error("pulse_lost", fault=fault)
        if self._fault and not fault:
            log.info("pulse_regained")
        self._fault = fault


async def _answers(asked: Callable[[], Awaitable[object]]) -> bool:
    try:
        await asyncio.wait_for(asked(), DATABASE_WAIT)
    except (NaviError, TimeoutError):
        return False
    return True
