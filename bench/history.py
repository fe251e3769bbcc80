"""A turn at message 1,000 costs the database what it costs at message 10."""

import statistics
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import asyncpg

from bench.row import Row
from navi_bot.messages import (
    Address,
    ChatKind,
    Entry,
    Line,
    Message,
    Origin,
    Page,
    Post,
    Role,
    Said,
    Sender,
)
from navi_bot.ports.records import Metrics, TurnRequest
from navi_bot.resources import migrations_folder
from navi_bot.store.embedded import EmbeddedServer
from navi_bot.store.inbox import PostgresInbox
from navi_bot.store.migrate import migrate
from navi_bot.store.people import PostgresPeople
from navi_bot.store.pool import open_pool
from navi_bot.store.turns import PostgresTurns

TURNS = 500
"""Two messages each."""
FOLD_EVERY = 10
"""Turns after which older context is folded, as compression does in a long conversation."""
WINDOW = 40
"""Turns that are compared, at the beginning and at the end."""


class Statements:
    """Counts what a pool sends."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, query: asyncpg.connection.LoggedQuery) -> None:
        self.count += 1


async def measure() -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="navi-bench-") as folder:
        async with EmbeddedServer(Path(folder) / "data") as server, open_pool(server.dsn) as pool:
            await migrate(pool, migrations_folder())
            seconds, statements, wal = await _turns(pool)
    early, late = slice(5, 5 + WINDOW), slice(-WINDOW, None)
    return [
        _ratio("store: seconds of a turn at message 1,000 / at 10", seconds, early, late, 1.3),
        _ratio("store: WAL bytes of a turn at message 1,000 / at 10", wal, early, late, 1.3),
        Row(
            "store: statements of a turn without tools",
            statistics.median(statements[late]),
            "statements",
            20,
            f"{statistics.median(statements[early]):.0f} at message 10",
        ),
    ]


def _ratio(name: str, values: Sequence[float], early: slice, late: slice, bar: float) -> Row:
    first, last = statistics.median(values[early]), statistics.median(values[late])
    return Row(name, last / first, "ratio", bar, f"{first:.4g} → {last:.4g}")


async def _turns(pool: asyncpg.Pool) -> tuple[list[float], list[float], list[float]]:
    inbox, turns = PostgresInbox(pool, "secretary"), PostgresTurns(pool)
    ann = await PostgresPeople(pool).ensure("telegram", "5", "Ann", Role.OWNER)
    statements = Statements()
    connections = [await pool.acquire() for _ in range(pool.get_max_size())]
    for connection in connections:
        connection.add_query_logger(statements)
        await pool.release(connection)
    seconds, counts, wal = [], [], []
    for number in range(TURNS):
        before, written, began = statements.count, await _wal(pool), time.perf_counter()
        address = Address("telegram", "1", "5")
        origin = Origin(str(number), address, ChatKind.PRIVATE, Sender("5", "Ann"), "1", NOW)
        text = f"question {number} with some words in it"
        taken = await inbox.take(Said(origin, text), ann, TurnRequest(text), "")
        assert taken is not None
        start = await turns.claim(taken.room)
        assert start is not None
        entries = (
            Entry(Message("user", text, created_at=NOW)),
            Entry(Message("assistant", "an answer " * 20, created_at=NOW)),
        )
        metrics = Metrics(100, 20, 0, 1.0, "tiny")
        if number % FOLD_EVERY == FOLD_EVERY - 1:
            await pool.execute("UPDATE context SET folded_by = id WHERE folded_by IS NULL")
        post = Post(start.head, (Page((Line("an answer"),)),))
        await turns.finish(start.id, "done", entries, metrics, (post,))
        seconds.append(time.perf_counter() - began)
        counts.append(float(statements.count - before - 1))
        wal.append(float(await _wal(pool) - written))
    return seconds, counts, wal


NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


async def _wal(pool: asyncpg.Pool) -> int:
    found: int = await pool.fetchval("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn")
    return int(found)
