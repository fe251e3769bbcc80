"""10,000 reminders wait and 1,000 fall due within a minute: how late people see them.

Each is in a chat of its own, the platform's limits are lifted, and lateness
is counted until the platform has the message.
"""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
from daemon import Daemon
from strict_telegram import Server

from bench.row import Row
from bench.spread import percentile
from navi_bot.resources import migrations_folder
from navi_bot.store.embedded import EmbeddedServer
from navi_bot.store.migrate import migrate
from navi_bot.store.pool import open_pool

PENDING, DUE = 10_000, 1000
SPAN = 60.0
"""Seconds over which they fall due."""
HEAD_START = 20.0
"""Seconds from the writing of the rows to the first one."""
FIRST = 10_000
"""The first person's id; a private chat has its person's."""

_PEOPLE = """
WITH person AS (
    INSERT INTO people (name) SELECT 'P' || n FROM generate_series($1::int, $2::int) n
    RETURNING id, name
), identity AS (
    INSERT INTO identities (platform, platform_id, person_id, role)
    SELECT 'telegram', substr(name, 2), id, 'member' FROM person
)
INSERT INTO rooms (platform, account, chat, kind)
SELECT 'telegram', $3, substr(name, 2), 'private' FROM person
"""
_SESSIONS = """
WITH session AS (
    INSERT INTO sessions (room_id, owner_id, profile_id)
    SELECT r.id, i.person_id, 'secretary' FROM rooms r
    JOIN identities i ON i.platform_id = r.chat
    RETURNING id, room_id
)
UPDATE rooms SET session_id = session.id FROM session WHERE session.room_id = rooms.id
"""
_RECALLS = """
WITH recall AS (
    INSERT INTO recalls (person_id, room_id, kind, content, rule)
    SELECT s.owner_id, r.id, 'reminder', 'number ' || (n * 1000 + r.id % 1000),
        '{"kind": "once", "wall": "2030-01-01T00:00:00", "zone": "UTC"}'
    FROM rooms r JOIN sessions s ON s.id = r.session_id, generate_series(1, $1::int) n
    RETURNING id, room_id
), ranked AS (
    SELECT id, row_number() OVER (PARTITION BY room_id ORDER BY id) AS nth,
        dense_rank() OVER (ORDER BY room_id) AS place
    FROM recall
)
INSERT INTO occurrences (recall_id, due_at, fire_at)
SELECT id, at, at FROM (
    SELECT id, CASE WHEN nth = 1
        THEN to_timestamp($2::float8 + $3::float8 * place / $4::int)
        ELSE to_timestamp($2::float8) + interval '1 day' * nth END AS at
    FROM ranked) due
"""


async def measure() -> list[Row]:
    async with Server(limits="off") as telegram, _database() as dsn:
        chats = [telegram.private_chat(telegram.person(FIRST + n, f"P{n}")) for n in range(DUE)]
        begin = time.time() + HEAD_START
        clocks = time.time() - time.monotonic()
        await _fill(dsn, telegram.token.partition(":")[0], begin)
        async with _daemon(telegram, dsn) as daemon:
            await daemon.ready()
            seen: dict[int, float] = {}
            until = begin + SPAN + 30
            while len(seen) < DUE and time.time() < until:
                await asyncio.sleep(1)
                for place, chat in enumerate(chats):
                    shown = telegram.last(chat)
                    if place not in seen and shown is not None and shown.versions:
                        seen[place] = shown.versions[0].at + clocks
    late = [at - (begin + SPAN * (place + 1) / DUE) for place, at in seen.items()]
    p50, p99 = percentile(late, 0.5), percentile(late, 0.99)
    detail = (
        f"p50 {p50:.3f} s, worst {max(late):.3f} s; {PENDING:,} wait, {DUE:,} due in {SPAN:g} s"
    )
    return [
        Row("reminders: lateness p99, limits lifted", p99, "s", 2.0, detail),
        Row("reminders: not delivered", float(DUE - len(seen)), "reminders", 0.0),
    ]


@asynccontextmanager
async def _database() -> AsyncIterator[str]:
    with tempfile.TemporaryDirectory(prefix="navi-bench-") as folder:
        async with EmbeddedServer(Path(folder) / "data") as server, open_pool(server.dsn) as pool:
            await migrate(pool, migrations_folder())
            yield server.dsn


async def _fill(dsn: str, account: str, begin: float) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(_PEOPLE, FIRST, FIRST + DUE - 1, account)
        await connection.execute(_SESSIONS)
        await connection.execute(_RECALLS, PENDING // DUE, begin, SPAN, DUE)
        await connection.execute("ANALYZE")
    finally:
        await connection.close()


@asynccontextmanager
async def _daemon(telegram: Server, dsn: str) -> AsyncIterator[Daemon]:
    with tempfile.TemporaryDirectory(prefix="navi-bench-") as folder:
        environment = {
            "NAVI_DATA_DIR": folder,
            "NAVI_DATABASE_URL": dsn,
            "NAVI_LOG_LEVEL": "info",
            "TELEGRAM_CALLS_PER_SECOND": "1000",
            "TELEGRAM_BOT_TOKEN": telegram.token,
            "TELEGRAM_API_URL": telegram.url,
            "OLLAMA_HOST": "http://127.0.0.1:9",
        }
        async with Daemon(environment) as daemon:
            yield daemon
