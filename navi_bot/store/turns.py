"""The queue of turns: taken one at a time a room, journalled, ended once."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from operator import itemgetter
from typing import Literal
from uuid import uuid4

import asyncpg

from navi_bot.errors import Bug
from navi_bot.messages import (
    Allowed,
    Entry,
    Message,
    Origin,
    PersonId,
    Post,
    RoomId,
    TurnId,
    least,
)
from navi_bot.ports.records import (
    ActiveTurn,
    CallEnd,
    Interrupted,
    Metrics,
    TurnRequest,
    TurnStart,
    TurnState,
    turn_key,
)
from navi_bot.store import codec, turn_record
from navi_bot.store.address import head_of
from navi_bot.store.pool import acquired, repeated, transaction
from navi_bot.store.queue import WAKE, wake
from navi_bot.store.turn_start import claim

_BEGIN = (
    """
WITH room AS (
    SELECT id, session_id, platform, account FROM rooms WHERE id = $1
), queued AS (
    INSERT INTO turns (room_id, session_id, asker_id, request, message_id, sent_at)
    SELECT id, session_id, $2, $3, $4, $5::timestamptz FROM room
    RETURNING id
), woken AS (
    SELECT room.id AS room_id, platform || ':' || account AS queue, NULL::timestamptz AS due
    FROM room
)
SELECT id, """
    + WAKE
    + " AS job FROM queued"
)

_REQUEUE = (
    """
WITH turn AS (
    UPDATE turns SET state = 'queued', attempts = attempts - $2, holder = NULL
    WHERE id = $1 AND state = 'running' AND coalesce(holder, $4) = $4
    RETURNING room_id
), woken AS (
    SELECT r.id AS room_id, platform || ':' || account AS queue,
        CASE WHEN $3::float8 > 0 THEN now() + make_interval(secs => $3::float8) END AS due
    FROM turn JOIN rooms r ON r.id = turn.room_id
)
SELECT """
    + WAKE
)

_DROP = """
UPDATE turns SET state = 'stopped', ended_at = now()
WHERE room_id = $1 AND state = 'queued' AND ($2::bigint IS NULL OR asker_id = $2)
RETURNING id, asker_id, message_id, started_at IS NOT NULL AS begun
"""

_INTERRUPTED = """
WITH held AS (
    UPDATE turns t SET holder = $3 FROM rooms r
    WHERE r.id = t.room_id AND r.platform = $1 AND r.account = $2 AND t.state = 'running'
      AND t.holder IS DISTINCT FROM $3
)
SELECT t.id, t.room_id, t.asker_id, t.attempts, t.message_id,
    r.platform, r.account, r.chat, r.thread, r.kind,
    EXISTS (SELECT FROM tool_journal j WHERE j.turn_id = t.id AND j.ended_at IS NULL
            AND j.effect LIKE 'W%') AS had_effects
FROM turns t JOIN rooms r ON r.id = t.room_id
WHERE r.platform = $1 AND r.account = $2 AND t.state = 'running'
ORDER BY t.id
"""

_STEERING = """
SELECT t.id, t.request FROM turns t JOIN turns o ON o.room_id = t.room_id
WHERE o.id = $1 AND o.request ->> 'kind' <> 'recall'
  AND t.steer AND t.state = 'queued' AND t.asker_id = o.asker_id
  AND coalesce(t.request ->> 'allowed', 'all')
      IN ('all', coalesce(o.request ->> 'allowed', 'all'))
ORDER BY t.id
"""
"""A recall's turn takes none: nobody reads along, and it may show nothing. Nor does a turn take
what may bring about less than itself: it waits for a turn of its own.
"""

_LAST = """
SELECT t.id, t.request, t.message_id, t.session_id, r.platform, r.account,
    (SELECT min(c.id) FROM context c
     WHERE c.turn_id = t.id AND c.session_id = t.session_id AND c.folded_by IS NULL) AS first_row,
    (SELECT max(o.id) FROM turns o WHERE o.room_id = $1
     AND o.state IN ('done', 'stopped', 'failed') AND o.started_at IS NOT NULL) AS newest
FROM turns t JOIN rooms r ON r.id = t.room_id AND r.session_id = t.session_id
WHERE t.room_id = $1 AND t.state IN ('done', 'stopped', 'failed') AND t.started_at IS NOT NULL
  AND ($2 = 'continue' OR t.request ->> 'kind' <> 'continue')
ORDER BY t.id DESC LIMIT 1
"""

_TAKE_BACK = """
UPDATE context SET folded_by = (SELECT max(id) FROM context WHERE session_id = $1)
WHERE session_id = $1 AND folded_by IS NULL AND id >= $2
"""


class PostgresTurns:
    """Implements the Turns port, for one daemon: what another has taken over is lost."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._holder = uuid4().hex

    async def begin(
        self, room: RoomId, asker: PersonId, request: TurnRequest, origin: Origin
    ) -> TurnId:
        async with acquired(self._pool) as connection:
            queued = await connection.fetchval(
                _BEGIN, room, asker, codec.dump_request(request),
                codec.clean(origin.message_id), origin.sent_at,
            )  # fmt: skip
        if queued is None:
            raise Bug(f"There is no room {room}.")
        return TurnId(queued)

    async def claim(self, room: RoomId) -> TurnStart | None:
        return await claim(self._pool, room, self._holder)

    async def record(
        self,
        turn: TurnId,
        entries: Sequence[Entry],
        steered: Sequence[TurnId] = (),
        ended: Sequence[CallEnd] = (),
    ) -> str:
        async with acquired(self._pool) as connection:
            return await turn_record.record(connection, turn, entries, steered, ended, self._holder)

    async def begin_batch(
        self,
        turn: TurnId,
        step: int,
        assistant: Message,
        effects: Mapping[str, str],
        entries: Sequence[Entry] = (),
    ) -> None:
        async with acquired(self._pool) as connection:
            await turn_record.begin_batch(
                connection, turn, step, assistant, effects, entries, self._holder
            )

    async def end_calls(self, turn: TurnId, ended: Sequence[CallEnd]) -> None:
        async with acquired(self._pool) as connection:
            await turn_record.end_calls(connection, turn, ended)

    async def steering(self, turn: TurnId) -> tuple[tuple[TurnId, Message], ...]:
        async with acquired(self._pool) as connection:
            rows = await connection.fetch(_STEERING, turn)
        now = datetime.now(UTC)
        return tuple(
            (
                TurnId(row["id"]),
                Message("user", codec.load_request(row["request"]).text, created_at=now),
            )
            for row in rows
        )

    async def finish(
        self,
        turn: TurnId,
        state: TurnState,
        entries: Sequence[Entry],
        metrics: Metrics | None,
        posts: Sequence[Post],
        error: str = "",
    ) -> None:
        async def once() -> None:
            async with acquired(self._pool) as connection:
                await turn_record.finish(
                    connection, turn, state, entries, metrics, posts, error, self._holder
                )

        await repeated(once)

    async def requeue(self, turn: TurnId, delay: float, *, crashed: bool = False) -> None:
        async with acquired(self._pool) as connection:
            await connection.execute(_REQUEUE, turn, 0 if crashed else 1, delay, self._holder)

    async def drop_queued(self, room: RoomId, asker: PersonId | None) -> tuple[ActiveTurn, ...]:
        async with acquired(self._pool) as connection:
            rows = await connection.fetch(_DROP, room, asker)
        return tuple(
            ActiveTurn(
                TurnId(row["id"]),
                PersonId(row["asker_id"]),
                "stopped",
                row["message_id"],
                row["begun"],
            )
            for row in sorted(rows, key=itemgetter("id"))
        )

    async def replace_queued(self, turn: TurnId, text: str, allowed: Allowed = "all") -> bool:
        changed = {"text": codec.clean(text)} | ({} if allowed == "all" else {"allowed": allowed})
        async with acquired(self._pool) as connection:
            done = await connection.fetchval(
                "UPDATE turns SET request = request || $2::jsonb "
                "WHERE id = $1 AND state = 'queued' RETURNING id",
                turn, changed,
            )  # fmt: skip
        return done is not None

    async def drop_one(self, turn: TurnId) -> bool:
        async with acquired(self._pool) as connection:
            done = await connection.fetchval(
                "UPDATE turns SET state = 'stopped', ended_at = now() "
                "WHERE id = $1 AND state = 'queued' RETURNING id",
                turn,
            )
        return done is not None

    async def interrupted(self, platform: str, account: str) -> tuple[Interrupted, ...]:
        async with acquired(self._pool) as connection:
            rows = await connection.fetch(_INTERRUPTED, platform, account, self._holder)
        return tuple(_interrupted(row) for row in rows)

    async def again(
        self,
        room: RoomId,
        asker: PersonId,
        kind: Literal["retry", "continue"],
        last: TurnId | None = None,
        allowed: Allowed = "all",
    ) -> TurnId | None:
        return await repeated(partial(self._again, room, asker, kind, last, allowed))

    async def _again(
        self, room: RoomId, asker: PersonId, kind: str, last: TurnId | None, allowed: Allowed
    ) -> TurnId | None:
        async with transaction(self._pool) as connection:
            found = await connection.fetchrow(_LAST, room, kind)
            if found is None or last not in (None, found["newest"]):
                return None
            request = {**found["request"], "kind": kind, "steer": False, "album": ""}
            request["allowed"] = least(allowed, request.get("allowed", "all"))
            if kind == "continue":
                request = {**request, "text": "", "attachments": [], "quote": None}
            elif found["first_row"] is not None:
                await connection.execute(_TAKE_BACK, found["session_id"], found["first_row"])
            made = await connection.fetchval(
                "INSERT INTO turns (room_id, session_id, asker_id, request, message_id) "
                "VALUES ($1, $2, $3, $4, $5) RETURNING id",
                room, found["session_id"], asker, request, found["message_id"],
            )  # fmt: skip
            await wake(connection, room, found["platform"], found["account"])
        return TurnId(made)


def _interrupted(row: asyncpg.Record) -> Interrupted:
    room = RoomId(row["room_id"])
    turn = TurnId(row["id"])
    return Interrupted(
        turn=turn,
        room=room,
        head=head_of(row, room, turn_key(turn)),
        asker=PersonId(row["asker_id"]),
        attempts=row["attempts"],
        had_effects=row["had_effects"],
    )
