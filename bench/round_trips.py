"""What a turn of the whole daemon asks of the database, at message 10 and at message 1,000.

    update taken in ─► claimed ─► first send noted ─► ended

Counted on the wire between the daemon and its server, with the same context
window at both ends: what is read follows the window, what is written the turn.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from daemon.metered import Metered, Spent, metered
from strict_ollama import Answer, Body, Text

from bench.row import Row
from navi_bot.store.embedded import EmbeddedServer

WARM = 4
"""First turns, which make the room and prepare plans; they do not count."""
WINDOW = 10
"""Turns that are compared, at the beginning and at the end."""
MESSAGES = 1000
"""Of the history, with the turns, events and posts that they came from."""
WORDS = 60
"""Of an answer; a question has a dozen."""
IDLE = 5.0
"""Seconds over which is seen what the daemon writes without any turn."""

_FOLD = "UPDATE context SET folded_by = id WHERE folded_by IS NULL"

_GROW = """
WITH last AS (SELECT * FROM turns ORDER BY id DESC LIMIT 1), event AS (
    INSERT INTO inbox (platform, account, key, room_id, person_id, payload, state, handled_at)
    SELECT i.platform, i.account, 'grown:' || n, i.room_id, i.person_id, i.payload, 'done', now()
    FROM last JOIN inbox i ON i.id = last.inbox_id, generate_series(1, $1::int) n
    RETURNING id
), turn AS (
    INSERT INTO turns (room_id, session_id, asker_id, inbox_id, request, state, ended_at)
    SELECT room_id, session_id, asker_id, event.id, request, 'done', now() FROM last, event
    RETURNING id
), post AS (
    INSERT INTO outbox (room_id, post, page, head, final, desired, desired_hash,
        acknowledged_hash, message_id)
    SELECT o.room_id, 'turn:' || turn.id, 0, o.head, true, o.desired, o.desired_hash,
        o.desired_hash, 'grown:' || turn.id
    FROM last JOIN outbox o ON o.post = 'turn:' || last.id, turn
), said AS (
    INSERT INTO messages (session_id, turn_id, author_id, role, content)
    SELECT m.session_id, turn.id, m.author_id, m.role, m.content
    FROM last JOIN messages m ON m.turn_id = last.id, turn
    RETURNING session_id, turn_id, id
)
INSERT INTO context (session_id, turn_id, message_id, folded_by)
SELECT session_id, turn_id, id, 1 FROM said
"""
"""Turns like the last one, folded out of the context."""


@dataclass(frozen=True, slots=True)
class Window:
    """Some turns in a row. `wal` is in bytes a turn, without what the idle daemon writes."""

    turns: Sequence[Spent]
    wal: float

    def median(self, of: Callable[[Spent], int]) -> float:
        return statistics.median(of(turn) for turn in self.turns)


async def measure() -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="navi-bench-") as name:
        folder = Path(name)
        async with (
            EmbeddedServer(folder / "database") as server,
            metered(server.dsn, folder, _answer) as turns,
        ):
            aside = await asyncpg.connect(server.dsn)
            try:
                for number in range(WARM):
                    await turns.ask(_question(number))
                idle = await _idle(aside)
                early = await _window(turns, aside, idle)
                grown = MESSAGES // 2 - WARM - WINDOW
                await aside.execute(_GROW, grown)
                late = await _window(turns, aside, idle)
                wide = await _window(turns, aside, idle, fold=False)
            finally:
                await aside.close()
    return _rows(early, late, wide)


def _answer(body: Body) -> Answer:
    return [Text(f"word{number} ", delay=0.002) for number in range(WORDS)]


def _question(number: int) -> str:
    return f"question {number}: what shall I do with the rest of the day in this town?"


async def _window(
    turns: Metered, aside: asyncpg.Connection, idle: float, *, fold: bool = True
) -> Window:
    """Ask a window's questions; the context begins anew before them unless told otherwise."""
    if fold:
        await aside.execute(_FOLD)
    before, began = await _wal(aside), time.monotonic()
    spent = [await turns.ask(_question(number)) for number in range(WINDOW)]
    written = await _wal(aside) - before - idle * (time.monotonic() - began)
    return Window(spent, written / WINDOW)


async def _idle(aside: asyncpg.Connection) -> float:
    """Return the bytes of WAL a second that nobody's turn causes."""
    before = await _wal(aside)
    await asyncio.sleep(IDLE)
    return (await _wal(aside) - before) / IDLE


async def _wal(aside: asyncpg.Connection) -> int:
    found: int = await aside.fetchval("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn")
    return int(found)


def _rows(early: Window, late: Window, wide: Window) -> list[Row]:
    trips = early.median(_trips), late.median(_trips)
    kinds = ", ".join(late.turns[-1].trips)
    queue = late.median(_fetches)
    return [
        Row(
            "database: round trips of a plain turn at message 1,000",
            trips[1],
            "trips",
            4,
            f"{trips[0]:.0f} at message 10; {kinds}; besides {queue:.0f} of the queue's library",
        ),
        _ratio("bytes written", early.median(_written), late.median(_written)),
        _ratio("bytes read", early.median(_read), late.median(_read), _window_told(late, wide)),
        _ratio("WAL bytes", early.wal, late.wal),
        Row("database: WAL of a plain turn", late.wal / 1000, "kB", 6.0, "the queue's included"),
    ]


def _ratio(name: str, first: float, last: float, more: str = "") -> Row:
    detail = f"{first:.0f} → {last:.0f} a turn"
    title = f"database: {name} of a turn at message 1,000 / at 10"
    return Row(title, last / first, "ratio", 1.3, f"{detail}; {more}" if more else detail)


def _window_told(late: Window, wide: Window) -> str:
    return f"{wide.median(_read):.0f} with a window {WINDOW} turns longer, {late.median(_read):.0f}"


def _trips(spent: Spent) -> int:
    return len(spent.trips)


def _written(spent: Spent) -> int:
    return spent.written


def _read(spent: Spent) -> int:
    return spent.read


def _fetches(spent: Spent) -> int:
    """Return how often the queue's library looked for jobs and ended them."""
    return sum("heartbeat" not in text and "stalled" not in text for text in spent.queue)
