"""An account's lease over the time that a daemon serves it: held, lost, held again.

A lease lives on a connection. When that is lost, the database may be away for
everybody, or another daemon may have taken over; only asking tells.
"""

import asyncio
from collections.abc import Sequence
from types import TracebackType
from typing import Self

import structlog

from navi_bot.errors import StoreError, StoreUnavailable
from navi_bot.store.lease import Leases

log = structlog.get_logger()

REACH = 3.0
"""Seconds for one try to reach the database again; a silent one must not take longer."""

WAITS = (0.5, 1.0, 2.0, 4.0)
"""Seconds between the tries; the last one repeats."""


class Tenure:
    """Async context manager around the lease of one account. `held`: it is ours."""

    def __init__(
        self, dsn: str, platform: str, account: str, waits: Sequence[float] = WAITS
    ) -> None:
        self._dsn = dsn
        self._platform = platform
        self._account = account
        self._waits = waits
        self._leases: Leases | None = None
        self._process = 0
        self.held = False

    async def __aenter__(self) -> Self:
        await self._enter()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._leave()

    async def begin(self) -> bool:
        """Try to take the lease; StoreUnavailable when the database is away."""
        self.held = await self._open.acquire(self._platform, self._account)
        return self.held

    async def stand_by(self) -> None:
        """Wait until the daemon that holds the lease has gone."""
        await self._open.wait_for(self._platform, self._account)
        self.held = True

    async def until_lost(self) -> None:
        await self._open.lost.wait()

    async def regain(self) -> None:
        """Wait until the database answers; `held` says whether the lease is ours again."""
        await self._leave()
        attempt = 0
        while self._leases is None:
            try:
                async with asyncio.timeout(REACH):
                    await self._again()
            except (StoreUnavailable, StoreError, TimeoutError) as error:
                await self._leave()
                wait = self._waits[min(attempt, len(self._waits) - 1)]
                log.warning("database_away", platform=self._platform, error=str(error))
                await asyncio.sleep(wait)
                attempt += 1

    @property
    def _open(self) -> Leases:
        assert self._leases is not None, "the lease is entered"
        return self._leases

    async def _again(self) -> None:
        before = self._process
        await self._enter()
        await self._open.end(before)
        await self.begin()

    async def _enter(self) -> None:
        leases = Leases(self._dsn)
        await leases.__aenter__()
        self._leases, self._process = leases, leases.process

    async def _leave(self) -> None:
        self.held = False
        leases, self._leases = self._leases, None
        if leases is not None:
            await leases.__aexit__(None, None, None)
