"""Brings the database to the shape that this version needs.

Files `NNNN_words.sql` are applied in the order of their names, each in one
transaction together with its checksum. A landed file never changes; a lower
number that arrives later is applied then. procrastinate's own schema lives in
a schema of its own and follows the library's version.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from importlib.metadata import version
from pathlib import Path

import asyncpg
import structlog

from navi_bot.errors import StoreError
from navi_bot.store.pool import Connection, translate, translated

log = structlog.get_logger()

LOCK = 0x6E617669
"""Advisory lock of migrations ("navi" in ASCII)."""

TIMEOUT = 600.0
"""Seconds for one migration, and for another process's: a large table takes its time."""

QUEUE_SCHEMA = "procrastinate"

_TABLE = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    name        text PRIMARY KEY,
    checksum    text NOT NULL,
    applied_at  timestamptz NOT NULL DEFAULT now()
)
"""


@dataclass(frozen=True, slots=True)
class Migration:
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def read_migrations(folder: Path) -> tuple[Migration, ...]:
    """Return the folder's migrations in the order of their names."""
    files = sorted(folder.glob("[0-9][0-9][0-9][0-9]_*.sql"))
    return tuple(Migration(file.name, file.read_text(encoding="utf-8")) for file in files)


def pending(migrations: Sequence[Migration], applied: dict[str, str]) -> tuple[Migration, ...]:
    """Return what is still to be applied; StoreError if what landed has changed."""
    known = {migration.name: migration for migration in migrations}
    for name, checksum in applied.items():
        if name not in known:
            raise StoreError(
                f"The database has the migration {name}, which this version does not know. "
                "Start the version that made it, or a newer one."
            )
        if known[name].checksum != checksum:
            raise StoreError(
                f"The migration {name} was changed after it had been applied. "
                "Restore the file as it was released."
            )
    return tuple(migration for migration in migrations if migration.name not in applied)


async def migrate(pool: asyncpg.Pool, folder: Path) -> tuple[str, ...]:
    """Apply what is missing and return its names; others wait meanwhile."""
    migrations = read_migrations(folder)
    if not migrations:
        raise StoreError(f"There are no migrations in {folder}. Install navi-bot again.")
    with translated():
        async with pool.acquire() as connection:
            await connection.execute("SELECT pg_advisory_lock($1)", LOCK, timeout=TIMEOUT)
            try:
                return await _migrate(connection, migrations)
            finally:
                await connection.execute("SELECT pg_advisory_unlock($1)", LOCK)


async def _migrate(connection: Connection, migrations: Sequence[Migration]) -> tuple[str, ...]:
    await connection.execute(_TABLE)
    rows = await connection.fetch("SELECT name, checksum FROM schema_migrations")
    landed = {row["name"]: row["checksum"] for row in rows}
    queue = {name: landed.pop(name) for name in list(landed) if name.startswith("procrastinate ")}
    done = [*await _migrate_queue(connection, set(queue))]
    for migration in pending(migrations, landed):
        await _apply(connection, migration.name, migration.sql, migration.checksum)
        done.append(migration.name)
    if done:
        log.info("migrations_applied", names=done)
    return tuple(done)


async def _apply(connection: Connection, name: str, sql: str, checksum: str) -> None:
    try:
        async with connection.transaction():
            await connection.execute(sql, timeout=TIMEOUT)
            await connection.execute(
                "INSERT INTO schema_migrations (name, checksum) VALUES ($1, $2)", name, checksum
            )
    except asyncpg.PostgresError as error:
        raise translate(error) or StoreError(
            f"The migration {name} failed and left nothing behind: {error}."
        ) from error


async def _migrate_queue(connection: Connection, landed: set[str]) -> tuple[str, ...]:
    """Install the queue's schema, or its steps up to the library's version."""
    here = version("procrastinate")
    target = f"procrastinate {here}"
    if target in landed:
        return ()
    sql = resources.files("procrastinate") / "sql"
    scripts = [("schema", (sql / "schema.sql").read_text())]
    if landed:
        newest = max(landed, key=lambda name: _numbers(name.rpartition(" ")[2]))
        since = _numbers(newest.rpartition(" ")[2])
        steps = sorted(
            (entry.name, entry.read_text())
            for entry in (sql / "migrations").iterdir()
            if entry.name.endswith(".sql")
        )
        scripts = [step for step in steps if _numbers(step[0].partition("_")[0]) > since]
    parts = (_OPEN_SCHEMA, *(text for _name, text in scripts), _PIN_FUNCTIONS, _CLOSE_SCHEMA)
    await _apply(connection, target, "\n".join(parts), "")
    return (target,)


_OPEN_SCHEMA = """
CREATE SCHEMA IF NOT EXISTS procrastinate;
SET LOCAL search_path TO procrastinate;
"""

_CLOSE_SCHEMA = "SET LOCAL search_path TO public;"

_PIN_FUNCTIONS = """
DO $pin$
DECLARE
    one regprocedure;
BEGIN
    FOR one IN
        SELECT p.oid FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE n.nspname = 'procrastinate'
    LOOP
        EXECUTE format('ALTER ROUTINE %s SET search_path = procrastinate, pg_temp', one);
    END LOOP;
END
$pin$;
"""
"""The library's functions name their tables without a schema; pin where they look."""


def _numbers(dotted: str) -> tuple[int, ...]:
    return tuple(int(part) for part in dotted.split(".") if part.isdigit())
