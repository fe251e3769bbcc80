"""Opens the database and hands out its aggregates."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import asyncpg

from navi_bot.app.alarm import Bell
from navi_bot.messages import SessionId
from navi_bot.ports.tools import SessionState
from navi_bot.resources import migrations_folder
from navi_bot.settings import Settings
from navi_bot.store.calibration import PostgresCalibration
from navi_bot.store.choices import PostgresChoices
from navi_bot.store.cluster import attach
from navi_bot.store.embedded import EmbeddedServer
from navi_bot.store.files import PostgresFiles
from navi_bot.store.inbox import PostgresInbox
from navi_bot.store.migrate import migrate
from navi_bot.store.outbox import PostgresOutbox
from navi_bot.store.people import PostgresPeople
from navi_bot.store.pool import open_pool
from navi_bot.store.recall_book import PostgresRecallBook
from navi_bot.store.recall_receipts import PostgresReceipts, PostgresZones
from navi_bot.store.recall_work import PostgresRecallWork
from navi_bot.store.relay import PostgresRelay
from navi_bot.store.sessions import PostgresSessions
from navi_bot.store.state import PostgresSessionState
from navi_bot.store.turns import PostgresTurns


@dataclass(frozen=True, slots=True)
class Stores:
    """Every aggregate, over one pool. `database` describes it without secrets."""

    dsn: str
    database: str
    pool: asyncpg.Pool
    people: PostgresPeople
    inbox: PostgresInbox
    turns: PostgresTurns
    sessions: PostgresSessions
    files: PostgresFiles
    outbox: PostgresOutbox
    relay: PostgresRelay
    calibration: PostgresCalibration
    choices: PostgresChoices
    bell: Bell
    """Rung when a recall has changed."""
    recalls: PostgresRecallBook
    recall_work: PostgresRecallWork
    receipts: PostgresReceipts
    zones: PostgresZones

    def state(self, session: SessionId) -> SessionState:
        return PostgresSessionState(self.pool, session)


@asynccontextmanager
async def opened_store(settings: Settings, *, alone: bool = False) -> AsyncIterator[Stores]:
    """Open the configured database, migrated; the embedded one is started if need be.

    A second process attaches to the embedded server that a running daemon has
    started, unless it wants to be `alone` (OperatorError if it is not).
    """
    async with AsyncExitStack() as stack:
        dsn, database = await _server(settings, stack, alone)
        pool = await stack.enter_async_context(open_pool(dsn))
        await migrate(pool, migrations_folder())
        bell = Bell()
        yield Stores(
            dsn=dsn,
            database=database,
            pool=pool,
            people=PostgresPeople(pool),
            inbox=PostgresInbox(pool, settings.profile),
            turns=PostgresTurns(pool),
            sessions=PostgresSessions(pool),
            files=PostgresFiles(pool, settings.data_dir),
            outbox=PostgresOutbox(pool),
            relay=PostgresRelay(pool),
            calibration=PostgresCalibration(pool),
            choices=PostgresChoices(pool),
            bell=bell,
            recalls=PostgresRecallBook(pool, bell.ring),
            recall_work=PostgresRecallWork(pool),
            receipts=PostgresReceipts(pool),
            zones=PostgresZones(pool),
        )


async def _server(settings: Settings, stack: AsyncExitStack, alone: bool) -> tuple[str, str]:
    """Return the database's DSN and its description."""
    url = settings.database_url
    if url is not None:
        return url.get_secret_value(), "external PostgreSQL"
    running = None if alone else await attach(settings.data_dir)
    if running is not None:
        return running, "embedded PostgreSQL of the running daemon"
    server = await stack.enter_async_context(EmbeddedServer(settings.data_dir))
    await stack.enter_async_context(_kept(server))
    return server.dsn, server.describe()


@asynccontextmanager
async def _kept(server: EmbeddedServer) -> AsyncIterator[None]:
    """Have the server started again should it end by itself; StoreError if that fails."""
    tasks = asyncio.TaskGroup()
    await tasks.__aenter__()
    keeping = tasks.create_task(server.keep())
    try:
        yield
    finally:
        keeping.cancel()
        await tasks.__aexit__(None, None, None)  # told of an error, it would wrap it
