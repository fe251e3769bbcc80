"""A database named in NAVI_DATABASE_URL: used like our own, its faults told in a sentence."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, suppress
from functools import partial
from pathlib import Path
from urllib.parse import quote

import asyncpg
import pytest
from conftest import with_database
from store.stage import Store, entry

from navi_bot.errors import ConfigurationError, NaviError, StoreError, StoreUnavailable
from navi_bot.messages import Role, RoomId
from navi_bot.resources import migrations_folder
from navi_bot.store.embedded import EmbeddedServer
from navi_bot.store.lease import Leases
from navi_bot.store.migrate import migrate
from navi_bot.store.pool import Connection, acquired, open_pool, ping, repeated, transaction
from navi_bot.store.queue import Wakeups, queue_name

NOWHERE = "postgresql://navi:x@127.0.0.1:9/navi"


def as_role(dsn: str, role: str, password: str) -> str:
    """Return the URL for another role."""
    return dsn.replace(
        dsn.partition("//")[2].partition("@")[0], f"{role}:{quote(password, safe='')}"
    )


@pytest.fixture
async def guest(empty_dsn: str) -> AsyncIterator[str]:
    """The URL of an empty database for a role that owns it and may do nothing else."""
    role, password = f"guest_{os.getpid()}", "a/b c@d"
    admin = await asyncpg.connect(empty_dsn)
    name = await admin.fetchval("SELECT current_database()")
    await admin.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{password}'")
    await admin.execute(f"ALTER DATABASE {name} OWNER TO {role}")
    yield as_role(empty_dsn, role, password)
    await admin.execute(f"ALTER DATABASE {name} OWNER TO {await admin.fetchval('SELECT user')}")
    await admin.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")
    await admin.close()


async def test_a_database_of_the_operators_is_used_like_our_own(guest: str) -> None:
    """By an ordinary role, with a password that a URL must quote."""
    async with open_pool(guest) as pool:
        assert await migrate(pool, migrations_folder())
        store = Store(pool)
        store.ann = await store.people.ensure("telegram", "5", "Ann", Role.OWNER)
        start = await store.started()
        await store.turns.finish(start.id, "done", (entry("user", "hi"),), None, ())
        assert len(await store.sessions.history(start.session.id, 9)) == 1
        heard = asyncio.Event()

        async def hear(_room: RoomId) -> None:
            heard.set()

        async with Wakeups(guest, [queue_name("telegram", "1")], 1, hear), Leases(guest) as leases:
            assert await leases.acquire("telegram", "1")
            await asyncio.wait_for(heard.wait(), 5)


CLOSED: dict[str, tuple[Callable[[str], str], type[NaviError], str]] = {
    "wrong password": (
        lambda dsn: as_role(dsn, "navi", "wrong"), ConfigurationError, "refused user or password",
    ),
    "no such database": (
        lambda dsn: with_database(dsn, "nothing"), ConfigurationError, "does not exist",
    ),
    "no URL": (lambda _: "mysql://me@here/navi", ConfigurationError, "is no PostgreSQL URL"),
    "bad port": (lambda _: "postgresql://h:port/navi", ConfigurationError, "no PostgreSQL URL"),
    "nobody listens": (
        lambda _: NOWHERE, StoreUnavailable, "does not answer",
    ),
    "no such host": (
        lambda _: "postgresql://navi:x@nowhere.invalid/navi", StoreUnavailable, "does not answer",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CLOSED)
async def test_a_database_that_cannot_be_opened_is_said_so(dsn: str, case: str) -> None:
    """With the setting to mend, and without the password."""
    url, kind, words = CLOSED[case]
    with pytest.raises(kind) as caught:
        async with open_pool(url(dsn)):
            raise AssertionError("it was opened")
    assert words in str(caught.value)
    assert "NAVI_DATABASE_URL" in str(caught.value)
    password = dsn.partition("navi:")[2].partition("@")[0]
    assert password not in str(caught.value)
    assert "wrong" not in str(caught.value)


REFUSING = {
    "missing table": ("DROP TABLE {table}", "Run `navi-bot migrate`"),
    "missing column": ("ALTER TABLE {table} DROP COLUMN model", "Run `navi-bot migrate`"),
    "read-only": ("ALTER DATABASE {database} SET default_transaction_read_only = on", "read-only"),
    "no rights": ("REVOKE ALL ON {table} FROM public, {user}", "lacks rights"),
    "full disk": ("CREATE TRIGGER full_disk BEFORE INSERT ON {table} EXECUTE FUNCTION full_disk()",
                  "disk is full"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSING)
async def test_a_database_that_refuses_says_what_the_operator_can_do(guest: str, case: str) -> None:
    cause, words = REFUSING[case]
    admin = await asyncpg.connect(guest)
    database, user = (await admin.fetch("SELECT current_database(), user"))[0]
    await admin.execute(FULL_DISK)
    await admin.execute("CREATE TABLE calibration (model text, characters_per_token float)")
    await admin.execute(cause.format(table="calibration", database=database, user=user))
    await admin.close()
    async with open_pool(guest) as pool:
        with pytest.raises(StoreError, match=words):
            async with transaction(pool) as connection:
                await connection.execute("INSERT INTO calibration (model) VALUES ('m')")


FULL_DISK = """
CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'full' USING ERRCODE = 'disk_full'; END $$
"""


async def test_a_bug_of_ours_is_not_taken_for_the_databases_fault(database: asyncpg.Pool) -> None:
    for wrong in ("SELECT 1 / 0", "NO SQL", "INSERT INTO files (session_id) VALUES (1)"):
        with pytest.raises(asyncpg.PostgresError):
            async with acquired(database) as connection:
                await connection.execute(wrong)


async def test_what_breaks_off_leaves_nothing(database: asyncpg.Pool) -> None:
    async def broken() -> None:
        async with transaction(database) as connection:
            await connection.execute("INSERT INTO calibration VALUES ('m', 1)")
            raise LookupError

    with pytest.raises(LookupError):
        await broken()
    assert await database.fetchval("SELECT count(*) FROM calibration") == 0


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a path short enough for a socket, which another server finds again."""
    with tempfile.TemporaryDirectory(prefix="navi-", dir="/tmp") as name:
        yield Path(name)


async def test_a_database_that_went_away_is_found_again(folder: Path) -> None:
    """The same pool works when the server is back; meanwhile it says so at once."""
    data = folder / "data"
    async with EmbeddedServer(data) as server, open_pool(server.dsn) as pool:
        await ping(pool)
        await server.__aexit__(None, None, None)
        async with asyncio.timeout(5):
            for ask in (lambda: ping(pool), lambda: migrate(pool, migrations_folder())):
                with pytest.raises(StoreUnavailable):
                    await ask()
            with pytest.raises(StoreUnavailable):
                async with Leases(server.dsn):
                    raise AssertionError("it was opened")
        async with EmbeddedServer(data):
            await ping(pool)


async def test_a_queue_without_its_database_is_unavailable(tmp_path: Path) -> None:
    """Not a foreign error that would end the account."""

    async def hear(_room: RoomId) -> None:
        raise AssertionError("nothing can be heard")

    with pytest.raises(StoreUnavailable):
        async with Wakeups(NOWHERE, ["telegram:1"], 1, hear):
            raise AssertionError("it was opened")


async def test_two_that_wait_for_each_other_both_get_done(database: asyncpg.Pool) -> None:
    """A deadlock's loser tries again."""
    await database.execute("INSERT INTO calibration VALUES ('a', 0), ('b', 0)")
    both = asyncio.Barrier(2)
    meeting = {"first": True, "second": True}

    async def add(who: str, order: tuple[str, str]) -> None:
        async with transaction(database) as connection:
            for model in order:
                await connection.execute(
                    "UPDATE calibration SET characters_per_token = characters_per_token + 1 "
                    "WHERE model = $1",
                    model,
                )
                if meeting.pop(who, False):
                    await both.wait()

    await asyncio.gather(
        repeated(partial(add, "first", ("a", "b"))), repeated(partial(add, "second", ("b", "a")))
    )
    assert await database.fetchval("SELECT sum(characters_per_token) FROM calibration") == 4


async def lost(dsn: str, pool: asyncpg.Pool) -> None:
    """Cut every connection of a pool."""
    admin = await asyncpg.connect(dsn)
    await admin.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
        "WHERE application_name = 'mine'"
    )
    await admin.close()
    await asyncio.sleep(0.02)


@pytest.mark.parametrize("lend", [acquired, transaction])
async def test_a_cancellation_stays_one_when_the_database_is_gone(
    dsn: str, lend: Callable[[asyncpg.Pool], AbstractAsyncContextManager[Connection]]
) -> None:
    """Or who stops a task waits for it for ever: it believes in a fault and tries again."""
    begun = asyncio.Event()

    async def work() -> None:
        for _ in range(2):
            with suppress(StoreUnavailable):
                async with lend(pool) as connection:
                    await connection.execute("SELECT 1")
                    begun.set()
                    try:
                        await asyncio.Event().wait()
                    finally:
                        await connection.execute("SELECT 1")

    async with open_pool(dsn, application_name="mine") as pool:
        task = asyncio.ensure_future(work())
        await begun.wait()
        await lost(dsn, pool)
        task.cancel()
        await asyncio.wait([task], timeout=2)
        assert task.cancelled()


async def test_a_fault_in_a_last_write_is_told(dsn: str) -> None:
    """A write after a cancellation fails like any other."""

    async def work() -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            try:
                async with acquired(pool) as connection:
                    await lost(dsn, pool)
                    await connection.execute("SELECT 1")
            except StoreUnavailable:
                return "told"
        return ""

    async with open_pool(dsn, application_name="mine") as pool:
        task = asyncio.ensure_future(work())
        await asyncio.sleep(0)
        task.cancel()
        assert await task == "told"
