"""The people's side of recalls: kept, listed, changed, snoozed, heard."""

from collections.abc import Callable
from datetime import datetime
from functools import partial

import asyncpg

from navi_bot.messages import PersonId, RoomId
from navi_bot.ports.recall import OccurrenceId, Plan, Recall, RecallId
from navi_bot.schedule import rule as rules
from navi_bot.schedule.occurrence import Occurrence
from navi_bot.store.codec import clean
from navi_bot.store.pool import Connection, acquired, repeated, transaction
from navi_bot.store.recall_rows import COLUMNS, recall_from

MOST_OF_ONE_PERSON = 50
"""Recalls that wait for one person."""


_SELECT = (
    "SELECT"
    + COLUMNS
    + """,
    (SELECT min(o.due_at) FROM occurrences o
     WHERE o.recall_id = c.id AND o.state = 'due') AS next_due
FROM recalls c JOIN people p ON p.id = c.person_id JOIN rooms r ON r.id = c.room_id
"""
)

_ACTIVE = (
    _SELECT
    + """
WHERE c.state = 'active' AND ($1::bigint IS NULL OR c.person_id = $1)
  AND ($2::bigint IS NULL OR c.room_id = $2)
ORDER BY next_due NULLS LAST, c.id
"""
)

_ADD = """
INSERT INTO recalls (person_id, room_id, kind, content, rule, important, notify, match)
SELECT $1, $2, $3, $4, $5, $6, $7, $8
WHERE (SELECT count(*) FROM recalls WHERE person_id = $1 AND state = 'active') < $9
RETURNING id
"""

ADD_OCCURRENCE = """
INSERT INTO occurrences (recall_id, due_at, fire_at, meant) VALUES ($1, $2, $2, $3)
ON CONFLICT (recall_id, due_at) DO NOTHING
"""

_END_WAITING = """
UPDATE occurrences SET state = $2 WHERE recall_id = $1 AND state = 'due'
"""

_SNOOZE = """
WITH heard AS (
    UPDATE occurrences o SET state = 'acknowledged', acknowledged_at = now(),
        sent_at = coalesce(sent_at, now())
    WHERE o.id = $1 AND o.state IN ('claimed', 'sent', 'acknowledged')
    RETURNING o.recall_id
)
UPDATE recalls c SET state = 'active', changed_at = now() FROM heard
WHERE c.id = heard.recall_id AND c.state <> 'cancelled'
RETURNING c.id
"""


class PostgresRecallBook:
    """Implements the RecallBook port; `changed` is called after every change."""

    def __init__(self, pool: asyncpg.Pool, changed: Callable[[], None] = lambda: None) -> None:
        self._pool = pool
        self._changed = changed

    async def add(self, plan: Plan, due: Occurrence) -> Recall | None:
        made = await repeated(partial(self._add, plan, due))
        self._changed()
        return await self.find(RecallId(made)) if made is not None else None

    async def _add(self, plan: Plan, due: Occurrence) -> int | None:
        async with transaction(self._pool) as connection:
            # Two at once would both find room for one more.
            await connection.execute("SELECT FROM people WHERE id = $1 FOR UPDATE", plan.person)
            made: int | None = await connection.fetchval(
                _ADD, plan.person, plan.room, plan.kind, clean(plan.text), rules.dump(plan.rule),
                plan.important, plan.notify, clean(plan.match), MOST_OF_ONE_PERSON,
            )  # fmt: skip
            if made is not None:
                await add_occurrence(connection, made, due)
            return made

    async def active(
        self, person: PersonId | None = None, room: RoomId | None = None
    ) -> tuple[Recall, ...]:
        async with acquired(self._pool) as connection:
            rows = await connection.fetch(_ACTIVE, person, room)
        return tuple(recall_from(row) for row in rows)

    async def find(self, recall: RecallId) -> Recall | None:
        async with acquired(self._pool) as connection:
            row = await connection.fetchrow(_SELECT + " WHERE c.id = $1", recall)
        return recall_from(row) if row is not None else None

    async def recall_of(self, occurrence: OccurrenceId) -> Recall | None:
        async with acquired(self._pool) as connection:
            row = await connection.fetchrow(
                _SELECT + " WHERE c.id = (SELECT recall_id FROM occurrences WHERE id = $1)",
                occurrence,
            )
        return recall_from(row) if row is not None else None

    async def last_fired(self, recall: RecallId) -> OccurrenceId | None:
        async with acquired(self._pool) as connection:
            found = await connection.fetchval(
                "SELECT id FROM occurrences WHERE recall_id = $1 AND fired_at IS NOT NULL "
                "ORDER BY fired_at DESC, id DESC LIMIT 1",
                recall,
            )
        return OccurrenceId(found) if found is not None else None

    async def cancel(self, recall: RecallId) -> bool:
        async with transaction(self._pool) as connection:
            ended = await connection.fetchval(
                "UPDATE recalls SET state = 'cancelled', changed_at = now() "
                "WHERE id = $1 AND state = 'active' RETURNING id",
                recall,
            )
            await connection.execute(_END_WAITING, recall, "cancelled")
        self._changed()
        return ended is not None

    async def skip(self, recall: RecallId, due: datetime, then: Occurrence | None) -> bool:
        async with transaction(self._pool) as connection:
            skipped = await connection.fetchval(
                "UPDATE occurrences SET state = 'skipped' "
                "WHERE recall_id = $1 AND due_at = $2 AND state = 'due' RETURNING id",
                recall, due,
            )  # fmt: skip
            if skipped is None:
                return False
            if then is not None:
                await add_occurrence(connection, recall, then)
            else:
                await connection.execute("UPDATE recalls SET state = 'done' WHERE id = $1", recall)
        self._changed()
        return True

    async def change(self, recall: RecallId, plan: Plan, due: Occurrence) -> bool:
        async with transaction(self._pool) as connection:
            changed = await connection.fetchval(
                "UPDATE recalls SET content = $2, rule = $3, changed_at = now() "
                "WHERE id = $1 AND state = 'active' RETURNING id",
                recall, clean(plan.text), rules.dump(plan.rule),
            )  # fmt: skip
            if changed is None:
                return False
            await connection.execute(_END_WAITING, recall, "cancelled")
            await connection.execute(
                ADD_OCCURRENCE.replace("DO NOTHING", "DO UPDATE SET state = 'due'"),
                recall, due.instant, meant_text(due),
            )  # fmt: skip
        self._changed()
        return True

    async def snooze(self, occurrence: OccurrenceId, until: datetime) -> bool:
        async with transaction(self._pool) as connection:
            recall = await connection.fetchval(_SNOOZE, occurrence)
            if recall is not None:
                await add_occurrence(connection, recall, Occurrence(until))
        self._changed()
        return recall is not None

    async def acknowledge(self, occurrence: OccurrenceId) -> bool:
        async with acquired(self._pool) as connection:
            heard = await connection.fetchval(
                "UPDATE occurrences SET state = 'acknowledged', acknowledged_at = now(), "
                "sent_at = coalesce(sent_at, now()) "  # whoever presses has seen it
                "WHERE id = $1 AND state IN ('claimed', 'sent') RETURNING id",
                occurrence,
            )
        return heard is not None


async def add_occurrence(connection: Connection, recall: int, due: Occurrence) -> None:
    """Have a recall wait for a time; one that is there already stays as it is."""
    await connection.execute(ADD_OCCURRENCE, recall, due.instant, meant_text(due))


def meant_text(due: Occurrence) -> str:
    """Return the wall time that clocks jump over, "" when they do not."""
    return due.meant.isoformat(timespec="minutes") if due.meant is not None else ""
