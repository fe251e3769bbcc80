"""The queue of turns: taken one at a time a room, journalled, ended once."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from operator import itemgetter
from typing import Literal

import asyncpg

from navi_bot.errors import Bug
from navi_bot.messages import (
    Entry,
    Message,
    Origin,
    PersonId,
    Post,
    RoomId,
    TurnId,
)
from navi_bot.ports.records import (
    ActiveTurn,
    Interrupted,
    Metrics,
    TurnRequest,
    TurnStart,
    TurnState,
    turn_key,
)
from navi_bot.store import codec
from navi_bot.store.address import head_of
from navi_bot.store.history import append
from navi_bot.store.outbox import want
from navi_bot.store.pool import acquired, repeated, transaction
from navi_bot.store.queue import wake
from navi_bot.store.turn_start import claim

_FINISH = """
WITH ended AS (
    UPDATE turns SET state = $2, error = $3, model = $4, tokens = $5, tool_calls = $6,
        seconds = $7, pending = NULL, ended_at = now()
    WHERE id = $1 AND state IN ('queued', 'running', 'awaiting_input')
    RETURNING room_id, session_id, inbox_id, asker_id
), handled AS (
    UPDATE inbox SET state = 'done', handled_at = now()
    WHERE id = (SELECT inbox_id FROM ended) AND state = 'new'
)
SELECT e.session_id, e.asker_id, e.room_id, r.platform, r.account,
    EXISTS (SELECT FROM turns t WHERE t.room_id = e.room_id AND t.state = 'queued'
            AND t.id <> $1) AS more
FROM ended e JOIN rooms r ON r.id = e.room_id
"""

_DROP = """
UPDATE turns SET state = 'stopped', ended_at = now()
WHERE room_id = $1 AND state = 'queued' AND ($2::bigint IS NULL OR asker_id = $2)
RETURNING id, asker_id, message_id, started_at IS NOT NULL AS begun
"""

_INTERRUPTED = """
SELECT t.id, t.room_id, t.asker_id, t.attempts, t.message_id,
    r.platform, r.account, r.chat, r.thread, r.kind,
    EXISTS (SELECT FROM tool_journal j WHERE j.turn_id = t.id AND j.ended_at IS NULL
            AND j.effect LIKE 'W%') AS had_effects
FROM turns t JOIN rooms r ON r.id = t.room_id
WHERE r.platform = $1 AND r.account = $2 AND t.state = 'running'
ORDER BY t.id
"""

_STEERING = """
SELECT id, request FROM turns
WHERE steer AND state = 'queued'
  AND room_id = (SELECT room_id FROM turns WHERE id = $1)
  AND asker_id = (SELECT asker_id FROM turns WHERE id = $1)
ORDER BY id
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
    """Implements the Turns port."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def begin(
        self, room: RoomId, asker: PersonId, request: TurnRequest, origin: Origin
    ) -> TurnId:
        async with transaction(self._pool) as connection:
            row = await connection.fetchrow(
                """
                INSERT INTO turns (room_id, session_id, asker_id, request, message_id, sent_at)
                SELECT r.id, r.session_id, $2, $3, $4, $5 FROM rooms r WHERE r.id = $1
                RETURNING id, (SELECT platform FROM rooms WHERE id = $1) AS platform,
                    (SELECT account FROM rooms WHERE id = $1) AS account
                """,
                room, asker, codec.dump_request(request), codec.clean(origin.message_id),
                origin.sent_at,
            )  # fmt: skip
            if row is None:
                raise Bug(f"There is no room {room}.")
            await wake(connection, room, row["platform"], row["account"])
        return TurnId(row["id"])

    async def claim(self, room: RoomId) -> TurnStart | None:
        return await claim(self._pool, room)

    async def record(
        self, turn: TurnId, entries: Sequence[Entry], steered: Sequence[TurnId] = ()
    ) -> None:
        async with transaction(self._pool) as connection:
            row = await connection.fetchrow(
                "UPDATE turns SET pending = NULL, asked = true WHERE id = $1 "
                "RETURNING session_id, asker_id",
                turn,
            )
            if row is None:
                raise Bug(f"There is no turn {turn}.")
            await append(connection, row["session_id"], turn, row["asker_id"], entries)
            if steered:
                await connection.execute(
                    "UPDATE turns SET state = 'done', ended_at = now() "
                    "WHERE id = ANY($1::bigint[]) AND state = 'queued'",
                    list(steered),
                )

    async def begin_batch(
        self, turn: TurnId, step: int, assistant: Message, effects: Mapping[str, str]
    ) -> None:
        calls = assistant.tool_calls
        async with acquired(self._pool) as connection:
            await connection.execute(
                """
                WITH noted AS (UPDATE turns SET pending = $3 WHERE id = $1)
                INSERT INTO tool_journal
                    (turn_id, step, call_id, position, tool, arguments, effect)
                SELECT $1, $2, c.call_id, c.position, c.tool, c.arguments, c.effect
                FROM unnest($4::text[], $5::int[], $6::text[], $7::jsonb[], $8::text[])
                    AS c (call_id, position, tool, arguments, effect)
                ON CONFLICT (turn_id, step, call_id) DO NOTHING
                """,
                turn, step, {"step": step, "assistant": codec.dump_message(assistant)},
                [codec.clean(call.id) for call in calls], list(range(len(calls))),
                [codec.clean(call.name) for call in calls],
                [codec.cleaned(call.arguments) for call in calls],
                [effects.get(call.id, "R0") for call in calls],
            )  # fmt: skip

    async def end_call(self, turn: TurnId, step: int, call_id: str, result: str, ok: bool) -> None:
        async with acquired(self._pool) as connection:
            await connection.execute(
                "UPDATE tool_journal SET ended_at = now(), ok = $4, result = $5 "
                "WHERE turn_id = $1 AND step = $2 AND call_id = $3",
                turn, step, codec.clean(call_id), ok, codec.clean(result),
            )  # fmt: skip

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
        numbers = metrics or Metrics(0, 0, 0, 0.0, "")
        async with transaction(self._pool) as connection:
            row = await connection.fetchrow(
                _FINISH, turn, state, codec.clean(error), numbers.model,
                numbers.token_count, numbers.tool_call_count, numbers.elapsed_seconds,
            )  # fmt: skip
            if row is None:
                return
            used = metrics.context_tokens if metrics else None
            await append(connection, row["session_id"], turn, row["asker_id"], entries, used)
            for post in posts:
                await want(connection, post)
            if row["more"]:
                await wake(connection, row["room_id"], row["platform"], row["account"])

    async def requeue(self, turn: TurnId, delay: float, *, crashed: bool = False) -> None:
        async with transaction(self._pool) as connection:
            row = await connection.fetchrow(
                """
                UPDATE turns t SET state = 'queued', attempts = attempts - $2
                FROM rooms r WHERE t.id = $1 AND t.state = 'running' AND r.id = t.room_id
                RETURNING t.room_id, r.platform, r.account
                """,
                turn, 0 if crashed else 1,
            )  # fmt: skip
            if row is not None:
                await wake(connection, row["room_id"], row["platform"], row["account"], delay)

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

    async def replace_queued(self, turn: TurnId, text: str) -> bool:
        async with acquired(self._pool) as connection:
            done = await connection.fetchval(
                "UPDATE turns SET request = jsonb_set(request, '{text}', to_jsonb($2::text)) "
                "WHERE id = $1 AND state = 'queued' RETURNING id",
                turn, codec.clean(text),
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
            rows = await connection.fetch(_INTERRUPTED, platform, account)
        return tuple(_interrupted(row) for row in rows)

    async def again(
        self,
        room: RoomId,
        asker: PersonId,
        kind: Literal["retry", "continue"],
        last: TurnId | None = None,
    ) -> TurnId | None:
        return await repeated(partial(self._again, room, asker, kind, last))

    async def _again(
        self, room: RoomId, asker: PersonId, kind: str, last: TurnId | None
    ) -> TurnId | None:
        async with transaction(self._pool) as connection:
            found = await connection.fetchrow(_LAST, room, kind)
            if found is None or last not in (None, found["newest"]):
                return None
            request = {**found["request"], "kind": kind, "steer": False, "album": ""}
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
