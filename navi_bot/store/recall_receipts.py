"""What became of promises, and where people live."""

from datetime import datetime

import asyncpg

from navi_bot.messages import PersonId
from navi_bot.ports.recall import RecallId, Receipt, Reliability
from navi_bot.store.codec import clean
from navi_bot.store.pool import acquired

_HISTORY = """
SELECT c.id AS recall_id, c.content, o.due_at, o.state, o.fired_at, o.sent_at,
    o.acknowledged_at, o.missed
FROM occurrences o JOIN recalls c ON c.id = o.recall_id
WHERE o.state <> 'due' AND ($1::bigint IS NULL OR c.person_id = $1)
ORDER BY coalesce(o.fired_at, o.due_at) DESC, o.id DESC LIMIT $2
"""

_RELIABILITY = """
WITH told AS (
    SELECT o.state, o.sent_at,
        extract(epoch FROM o.sent_at - o.due_at)::float8 AS late
    FROM occurrences o JOIN recalls c ON c.id = o.recall_id
    WHERE o.fired_at >= $2 AND ($1::bigint IS NULL OR c.person_id = $1)
      AND o.state NOT IN ('due', 'quiet')
)
SELECT count(*) AS promised,
    count(sent_at) AS delivered,
    count(*) FILTER (WHERE late <= 60) AS on_time,
    coalesce(max(late), 0) AS worst,
    count(*) FILTER (WHERE state = 'failed') AS undelivered
FROM told
"""


class PostgresReceipts:
    """Implements the Receipts port."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def history(self, person: PersonId | None, limit: int) -> tuple[Receipt, ...]:
        async with acquired(self._pool) as connection:
            rows = await connection.fetch(_HISTORY, person, limit)
        return tuple(
            Receipt(
                recall=RecallId(row["recall_id"]),
                text=row["content"],
                due_at=row["due_at"],
                state=row["state"],
                fired_at=row["fired_at"],
                sent_at=row["sent_at"],
                acknowledged_at=row["acknowledged_at"],
                missed=row["missed"],
            )
            for row in rows
        )

    async def reliability(self, person: PersonId | None, since: datetime) -> Reliability:
        async with acquired(self._pool) as connection:
            row = await connection.fetchrow(_RELIABILITY, person, since)
        return Reliability(*row.values()) if row is not None else Reliability(0, 0, 0, 0.0, 0)


class PostgresZones:
    """Implements the Zones port."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def zone(self, person: PersonId) -> str:
        async with acquired(self._pool) as connection:
            found = await connection.fetchval("SELECT timezone FROM people WHERE id = $1", person)
        return str(found or "")

    async def set_zone(self, person: PersonId, zone: str) -> None:
        async with acquired(self._pool) as connection:
            await connection.execute(
                "UPDATE people SET timezone = $2 WHERE id = $1", person, clean(zone)
            )
