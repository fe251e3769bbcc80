"""Which daemon serves a bot account: the one that holds its advisory lock.

The locks live on a connection of their own. When that connection is lost so
are the locks, and `lost` is set so that polling stops before another daemon
can begin.
"""

import asyncio
import hashlib
from types import TracebackType
from typing import Self

import asyncpg
import structlog

from navi_bot.errors import StoreError, StoreUnavailable
from navi_bot.store.pool import CONNECT_TIMEOUT, translated

log = structlog.get_logger()

APPLICATION = "navi-bot lease"

CHECK_EVERY = 2.0
CHECK_TIMEOUT = 2.0
"""Seconds; together the longest time until a lost lease is noticed."""

KEEPALIVE = {
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
}
"""The server lets go of a holder that is cut off after 11 s; its default is hours."""

RETRY_EVERY = 1.0
"""Seconds between the tries of a daemon that stands by."""


def lock_number(platform: str, account: str) -> int:
    """Return the account's advisory lock: a signed 64-bit hash, equal everywhere."""
    digest = hashlib.blake2b(f"{platform}:{account}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


class Leases:
    """Async context manager; leases end with it."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._connection: asyncpg.Connection | None = None
        self._asking = asyncio.Lock()
        self._tasks = asyncio.TaskGroup()
        self._watching: asyncio.Task[None] | None = None
        self.lost = asyncio.Event()

    async def __aenter__(self) -> Self:
        with translated():
            self._connection = await asyncpg.connect(
                self._dsn,
                timeout=CONNECT_TIMEOUT,
                server_settings={"application_name": APPLICATION, **KEEPALIVE},
            )
        self._connection.add_termination_listener(self._end)
        await self._tasks.__aenter__()
        self._watching = self._tasks.create_task(self._watch())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._watching is not None:
            self._watching.cancel()
            await self._tasks.__aexit__(None, None, None)  # told of `error`, it would wrap it
        if self._connection is not None:
            self._connection.remove_termination_listener(self._end)
            try:
                await self._connection.close(timeout=CHECK_TIMEOUT)
            except (TimeoutError, OSError, asyncpg.InterfaceError):
                self._connection.terminate()

    async def acquire(self, platform: str, account: str) -> bool:
        """Try to take an account's lease; True if this daemon holds it now."""
        number = lock_number(platform, account)
        return bool(await self._ask("SELECT pg_try_advisory_lock($1)", number))

    @property
    def process(self) -> int:
        """The server's process that holds the leases; 0 before there is one."""
        return self._connection.get_server_pid() if self._connection else 0

    async def end(self, process: int) -> None:
        """End an earlier holder of ours, which the server may believe to be there still."""
        await self._ask(
            "SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity "
            "WHERE pid = $1 AND application_name = $2 AND usename = current_user",
            process,
            APPLICATION,
        )

    async def wait_for(self, platform: str, account: str) -> None:
        """Stand by until the account's lease is ours; says so once."""
        told = False
        while not await self.acquire(platform, account):
            if not told:
                log.warning("standing_by", platform=platform, account=account)
                told = True
            await asyncio.sleep(RETRY_EVERY)

    async def _ask(self, question: str, *values: object) -> object:
        """Ask one thing at a time: a connection that is busy is not one that is lost."""
        async with self._asking:
            if self._connection is None or self.lost.is_set():
                raise StoreUnavailable("The connection that holds the leases is gone.")
            with translated():
                return await self._connection.fetchval(question, *values, timeout=CHECK_TIMEOUT)

    async def _watch(self) -> None:
        """Ask for a sign of life, for a server that is cut off does not say goodbye."""
        while not self.lost.is_set():
            await asyncio.sleep(CHECK_EVERY)
            try:
                await self._ask("SELECT 1")
            except (StoreUnavailable, StoreError, asyncpg.PostgresError):
                self._end()

    def _end(self, _connection: object = None) -> None:
        if not self.lost.is_set():
            log.error("leases_lost")
            self.lost.set()
