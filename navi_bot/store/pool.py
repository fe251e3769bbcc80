"""The pool of connections, and PostgreSQL's errors as ours."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TypeVar

import asyncpg

from navi_bot.errors import ConfigurationError, NaviError, StoreError, StoreUnavailable

T = TypeVar("T")

CONNECT_TIMEOUT = 10.0
COMMAND_TIMEOUT = 30.0
"""Seconds for one statement; nothing here takes longer unless the server is ill."""

KNOCK_TIMEOUT = 5.0
CLOSE_TIMEOUT = 5.0
"""Seconds until connections that do not end are cut off."""
CONFLICT_TRIES = 5
"""Serialization failures and deadlocks are repeated this often at most."""

Connection = asyncpg.Connection | asyncpg.pool.PoolConnectionProxy

_AWAY = (
    OSError,
    TimeoutError,
    asyncpg.ConnectionDoesNotExistError,
    asyncpg.ConnectionFailureError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.IdleSessionTimeoutError,
    asyncpg.InterfaceError,
    asyncpg.TooManyConnectionsError,
    asyncpg.InternalClientError,
)
_REFUSING = {
    asyncpg.DiskFullError: "The database's disk is full. Free some space; nothing is lost.",
    asyncpg.ReadOnlySQLTransactionError: "The database is read-only. Check its disk and its role.",
    asyncpg.InsufficientPrivilegeError: "The database user lacks rights on navi-bot's tables.",
    asyncpg.UndefinedTableError: "A table is missing. Run `navi-bot migrate`.",
    asyncpg.UndefinedColumnError: "A column is missing. Run `navi-bot migrate`.",
}


def translate(error: Exception) -> NaviError | None:
    """Return our error for the driver's, None for a bug of ours."""
    for kind, sentence in _REFUSING.items():
        if isinstance(error, kind):
            return StoreError(sentence)
    if isinstance(error, _AWAY):
        return StoreUnavailable("The database does not answer now.")
    return None


def translate_opening(error: Exception) -> NaviError | None:
    """Return our error for a first connection that failed."""
    match error:
        case asyncpg.InvalidPasswordError() | asyncpg.InvalidAuthorizationSpecificationError():
            return ConfigurationError(
                "The database refused user or password. Check NAVI_DATABASE_URL."
            )
        case asyncpg.InvalidCatalogNameError():
            return ConfigurationError(
                "The database named in NAVI_DATABASE_URL does not exist. Create it, or correct it."
            )
        case asyncpg.ClientConfigurationError() | ValueError():
            return ConfigurationError(
                "NAVI_DATABASE_URL is no PostgreSQL URL "
                "(postgresql://user:password@host:5432/database)."
            )
    ours = translate(error)
    if isinstance(ours, StoreUnavailable):
        return StoreUnavailable(
            "The database does not answer. Start it, or correct NAVI_DATABASE_URL."
        )
    return ours


@contextmanager
def translated() -> Iterator[None]:
    """Turn the driver's errors into ours; bugs pass as they are.

    A cancellation stays one, also where the clean-up that it set off failed.
    """
    outside = sys.exception()
    try:
        yield
    except (*_AWAY, asyncpg.PostgresError) as error:
        cancelled = _cancellation(error, outside)
        if cancelled is not None:
            raise cancelled from None
        ours = translate(error)
        if ours is None:
            raise
        raise ours from error


def _cancellation(
    error: BaseException | None, outside: BaseException | None
) -> asyncio.CancelledError | None:
    """Return the cancellation during which an error came up, if it began inside."""
    while error is not None and error is not outside:
        if isinstance(error, asyncio.CancelledError):
            return error
        error = error.__context__
    return None


@asynccontextmanager
async def acquired(pool: asyncpg.Pool) -> AsyncIterator[Connection]:
    """Lend a connection; errors on it are translated."""
    with translated():
        async with pool.acquire(timeout=CONNECT_TIMEOUT) as connection:
            yield connection


@asynccontextmanager
async def transaction(pool: asyncpg.Pool) -> AsyncIterator[Connection]:
    """Lend a connection in a transaction; errors on it are translated."""
    async with acquired(pool) as connection, connection.transaction():
        yield connection


async def repeated(work: Callable[[], Awaitable[T]]) -> T:
    """Do a whole transaction again when it lost to another one."""
    for attempt in range(CONFLICT_TRIES - 1):
        try:
            return await work()
        except (asyncpg.SerializationError, asyncpg.DeadlockDetectedError):
            await asyncio.sleep(0.01 * 2**attempt)
    return await work()


async def _leave(connection: Connection) -> None:
    """Give a connection back without a reset, which would be a round trip after every use.

    Nothing here outlives its use: settings and locks are a transaction's, an open
    transaction is rolled back and listeners are removed by the pool itself.
    """


async def _prepare(connection: asyncpg.Connection) -> None:
    await connection.set_type_codec(
        "jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog"
    )


@asynccontextmanager
async def open_pool(
    dsn: str, *, application_name: str = "navi-bot", size: int = 10
) -> AsyncIterator[asyncpg.Pool]:
    """Open a pool; raises ConfigurationError or StoreUnavailable if it cannot be."""
    try:
        pool = await asyncpg.create_pool(
            dsn,
            min_size=1,
            max_size=size,
            init=_prepare,
            reset=_leave,
            max_cached_statement_lifetime=0,  # as long as its connection: preparing is a trip
            timeout=CONNECT_TIMEOUT,
            command_timeout=COMMAND_TIMEOUT,
            server_settings={"application_name": application_name, "timezone": "UTC"},
        )
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, ValueError) as error:
        ours = translate_opening(error)
        if ours is None:
            raise
        raise ours from error
    try:
        yield pool
    finally:
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT):
                await pool.close()
        except TimeoutError:
            pool.terminate()


async def ping(pool: asyncpg.Pool) -> None:
    """Ask the database for a sign of life."""
    async with acquired(pool) as connection:
        await connection.fetchval("SELECT 1")


async def knock(dsn: str) -> None:
    """See whether the database takes a new connection; raises as a pool's does."""
    with translated():
        connection = await asyncpg.connect(dsn, timeout=KNOCK_TIMEOUT)
        await connection.close(timeout=KNOCK_TIMEOUT)
