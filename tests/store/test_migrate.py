"""Migrations: each once, whole or not at all, noticed when changed."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from navi_bot.errors import StoreError
from navi_bot.resources import migrations_folder
from navi_bot.store.migrate import migrate, read_migrations
from navi_bot.store.pool import open_pool


class Folder:
    """A folder of migrations that grows as versions come out."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def add(self, name: str, sql: str) -> None:
        (self.path / name).write_text(sql, encoding="utf-8")


@pytest.fixture
async def empty(empty_dsn: str) -> AsyncIterator[asyncpg.Pool]:
    async with open_pool(empty_dsn) as pool:
        yield pool


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path)
    made.add("0001_pets.sql", "CREATE TABLE pets (name text);")
    made.add("0002_ages.sql", "ALTER TABLE pets ADD age integer;")
    return made


async def columns(pool: asyncpg.Pool) -> list[str]:
    rows = await pool.fetch(
        "SELECT column_name AS name FROM information_schema.columns "
        "WHERE table_name = 'pets' ORDER BY ordinal_position"
    )
    return [row["name"] for row in rows]


def own(applied: tuple[str, ...]) -> list[str]:
    """Return what was applied of the folder, without the queue's own schema."""
    return [name for name in applied if name.endswith(".sql")]


async def test_a_fresh_database_gets_everything_once(empty: asyncpg.Pool) -> None:
    """The shipped files in the order of their names; a second run has nothing to do."""
    shipped = [migration.name for migration in read_migrations(migrations_folder())]
    assert own(await migrate(empty, migrations_folder())) == shipped
    assert await migrate(empty, migrations_folder()) == ()
    await empty.execute("SELECT id FROM turns")


async def test_two_daemons_migrate_one_database_once(
    empty: asyncpg.Pool, empty_dsn: str, folder: Folder
) -> None:
    async with open_pool(empty_dsn) as other:
        both = await asyncio.gather(migrate(empty, folder.path), migrate(other, folder.path))
    assert sorted(map(own, both)) == [[], ["0001_pets.sql", "0002_ages.sql"]]


async def test_a_new_version_applies_what_it_brings(empty: asyncpg.Pool, folder: Folder) -> None:
    """Gaps between numbers mean nothing."""
    await migrate(empty, folder.path)
    folder.add("0007_owners.sql", "ALTER TABLE pets ADD owner text;")
    assert await migrate(empty, folder.path) == ("0007_owners.sql",)
    assert await columns(empty) == ["name", "age", "owner"]


async def test_a_lower_number_that_arrives_later_is_applied(
    empty: asyncpg.Pool, folder: Folder
) -> None:
    await migrate(empty, folder.path)
    folder.add("0001_kinds.sql", "ALTER TABLE pets ADD kind text;")
    assert await migrate(empty, folder.path) == ("0001_kinds.sql",)
    assert await columns(empty) == ["name", "age", "kind"]


async def test_a_changed_migration_is_refused(empty: asyncpg.Pool, folder: Folder) -> None:
    """By its name, and before anything new is applied."""
    await migrate(empty, folder.path)
    folder.add("0002_ages.sql", "ALTER TABLE pets ADD age bigint;")
    folder.add("0003_owners.sql", "ALTER TABLE pets ADD owner text;")
    with pytest.raises(StoreError, match=r"0002_ages\.sql was changed after it had been applied"):
        await migrate(empty, folder.path)
    assert await columns(empty) == ["name", "age"]


async def test_a_database_of_a_newer_version_is_refused(
    empty: asyncpg.Pool, folder: Folder
) -> None:
    await migrate(empty, folder.path)
    (folder.path / "0002_ages.sql").unlink()
    with pytest.raises(StoreError, match="which this version does not know"):
        await migrate(empty, folder.path)


BROKEN = {
    "a statement that fails": "SELECT 1 / 0;",
    "no SQL": "ALTER TABLE pets ADDD owner text;",
    "a table that is there": "CREATE TABLE pets (name text);",
}


@pytest.mark.parametrize("case", BROKEN)
async def test_half_a_migration_leaves_nothing(
    empty: asyncpg.Pool, folder: Folder, case: str
) -> None:
    """What came before stays, the next run begins with the broken one."""
    folder.add("0003_owners.sql", f"ALTER TABLE pets ADD owner text;\n{BROKEN[case]}")
    folder.add("0004_kinds.sql", "ALTER TABLE pets ADD kind text;")
    with pytest.raises(StoreError, match=r"0003_owners\.sql failed and left nothing behind"):
        await migrate(empty, folder.path)
    assert await columns(empty) == ["name", "age"]
    folder.add("0003_owners.sql", "ALTER TABLE pets ADD owner text;")
    assert await migrate(empty, folder.path) == ("0003_owners.sql", "0004_kinds.sql")
    assert await columns(empty) == ["name", "age", "owner", "kind"]


async def test_a_migration_and_the_note_of_it_are_one_commit(
    empty: asyncpg.Pool, folder: Folder
) -> None:
    """Or a crash between the two would have it applied twice."""
    await migrate(empty, folder.path)
    await empty.execute("ALTER TABLE schema_migrations ADD CHECK (name NOT LIKE '0003%')")
    folder.add("0003_owners.sql", "ALTER TABLE pets ADD owner text;")
    with pytest.raises(StoreError):
        await migrate(empty, folder.path)
    assert await columns(empty) == ["name", "age"]


async def test_a_failed_migration_does_not_keep_the_others_waiting(
    empty: asyncpg.Pool, empty_dsn: str, folder: Folder
) -> None:
    """The lock is given back even so."""
    folder.add("0003_broken.sql", "SELECT 1 / 0;")
    async with open_pool(empty_dsn) as other:
        for pool in (empty, other):
            with pytest.raises(StoreError):
                async with asyncio.timeout(5):
                    await migrate(pool, folder.path)


async def test_a_folder_without_migrations_is_a_broken_install(
    empty: asyncpg.Pool, tmp_path: Path
) -> None:
    with pytest.raises(StoreError, match="Install navi-bot again"):
        await migrate(empty, tmp_path)


async def test_the_queue_follows_its_library(empty: asyncpg.Pool, folder: Folder) -> None:
    """Another version of the library applies the steps that it brings, once."""
    await migrate(empty, folder.path)
    await empty.execute(
        "UPDATE schema_migrations SET name = 'procrastinate 3.99.0' "
        "WHERE name LIKE 'procrastinate %'"
    )
    (noted,) = await migrate(empty, folder.path)
    assert noted.startswith("procrastinate ")
    assert await migrate(empty, folder.path) == ()
    assert await empty.fetchval("SELECT count(*) FROM procrastinate.procrastinate_jobs") == 0
    in_public = (
        "SELECT count(*) FROM pg_tables WHERE schemaname = 'public' AND tablename LIKE 'pro%'"
    )
    assert await empty.fetchval(in_public) == 0
