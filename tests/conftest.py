"""A real PostgreSQL for every test that wants one: the embedded server itself.

`dsn` is the URL of a migrated database without rows; `database` a pool on it.
It is migrated once a run and emptied after each test. NAVI_TEST_POSTGRES names another server to
run against, as a URL with the right to create databases.
"""

import asyncio
import itertools
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
from real_synapse.fixtures import account, ann, bot, person, proxy, synapse  # noqa: F401 - for all
from scale import is_ours, shard

from navi_bot.resources import migrations_folder
from navi_bot.store.embedded import EmbeddedServer
from navi_bot.store.migrate import migrate
from navi_bot.store.pool import open_pool

TEMPLATE = f"navi_template_{os.getpid()}"
SHARED = f"navi_test_{os.getpid()}"
EMPTIED = (
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid() "
    "AND backend_type = 'client backend'",
    """
    DO $$ BEGIN EXECUTE (
        SELECT 'TRUNCATE ' || string_agg(format('%I.%I', schemaname, tablename), ', ')
            || ' RESTART IDENTITY'
        FROM pg_tables
        WHERE schemaname IN ('public', 'procrastinate') AND tablename <> 'schema_migrations'
    ); END $$
    """,
)
"""A fifth of the time that making a database for every test takes (40 to 250 ms)."""
UNSYNCED = ("ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")
"""No test survives a power cut; a database is made in half the time."""
REPORT = "report"
"""The property that a test records for people to read: `record_property("report", table)`."""
_numbers = itertools.count(1)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the tests of other shards to those who run them; pytest says how many."""
    which, many = shard()
    ours = [item for item in items if is_ours(item.nodeid, which, many)]
    if len(ours) < len(items):
        config.hook.pytest_deselected(items=[item for item in items if item not in set(ours)])
        items[:] = ours


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests have recorded as their "report", whichever process they ran in."""
    reports = itertools.chain.from_iterable(terminalreporter.stats.values())
    told = [
        (report.nodeid, str(text))
        for report in reports
        if isinstance(report, pytest.TestReport) and report.when == "call"
        for name, text in report.user_properties
        if name == REPORT
    ]
    if told:
        terminalreporter.section("figures")
    for test, text in told:
        terminalreporter.write_line(f"{test}\n{text}\n")


def with_database(dsn: str, name: str) -> str:
    """Return the URL of another database on the same server."""
    return urlunsplit(urlsplit(dsn)._replace(path=f"/{name}"))


async def _execute(dsn: str, *statements: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def _make_template(dsn: str) -> None:
    await _execute(dsn, f"CREATE DATABASE {TEMPLATE}")
    async with open_pool(with_database(dsn, TEMPLATE)) as pool:
        await migrate(pool, migrations_folder())


@pytest.fixture(scope="session")
def server_dsn() -> Iterator[str]:
    """The URL of a running server with the migrated template in it."""
    given = os.environ.get("NAVI_TEST_POSTGRES")
    if given:
        asyncio.run(_make_template(given))
        yield given
        asyncio.run(_execute(given, f"DROP DATABASE {TEMPLATE}"))
        return
    with tempfile.TemporaryDirectory(prefix="navi-test-") as folder:
        server = EmbeddedServer(Path(folder) / "data")
        asyncio.run(server.__aenter__())
        try:
            asyncio.run(_execute(server.dsn, *UNSYNCED))
            asyncio.run(_make_template(server.dsn))
            yield server.dsn
        finally:
            asyncio.run(server.__aexit__(None, None, None))


@pytest.fixture
async def empty_dsn(server_dsn: str) -> AsyncIterator[str]:
    """The URL of a fresh database without any table."""
    name = f"navi_test_{os.getpid()}_{next(_numbers)}"
    await _execute(server_dsn, f"CREATE DATABASE {name} TEMPLATE template1")
    yield with_database(server_dsn, name)
    await _execute(server_dsn, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def migrated(server_dsn: str) -> Iterator[str]:
    """The URL of the migrated database that tests have one after another."""
    asyncio.run(_execute(server_dsn, f"CREATE DATABASE {SHARED} TEMPLATE {TEMPLATE}"))
    yield with_database(server_dsn, SHARED)
    asyncio.run(_execute(server_dsn, f"DROP DATABASE {SHARED} WITH (FORCE)"))


@pytest.fixture
async def dsn(migrated: str) -> AsyncIterator[str]:
    """The URL of a migrated database with no row in it; a test leaves its tables as they are."""
    yield migrated
    await _execute(migrated, *EMPTIED)


@pytest.fixture
async def database(dsn: str) -> AsyncIterator[asyncpg.Pool]:
    """A pool on a fresh migrated database."""
    async with open_pool(dsn) as pool:
        yield pool
