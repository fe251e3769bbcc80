"""Events taken in, once each, with the turn that they begin: one commit.

`take` is a single statement, so that an event costs one round trip: the
inbox row is the gate (a redelivery conflicts on its key and nothing else
happens), and the room, its session, the turn and the cursor follow from it.
"""

from collections.abc import Sequence
from typing import Literal

import asyncpg

from navi_bot.messages import (
    Address,
    Inbound,
    InboxId,
    PersonId,
    Post,
    RoomId,
    TurnId,
)
from navi_bot.ports.records import Accepted, Facts, TurnRequest, Unhandled
from navi_bot.store import codec
from navi_bot.store.address import place
from navi_bot.store.facts import read_facts
from navi_bot.store.outbox import want
from navi_bot.store.pool import Connection, acquired, transaction
from navi_bot.store.queue import wake

ALBUM_PAUSE = 0.8
"""Seconds that an album's turn waits for the album's other parts."""

_TAKE = """
WITH room AS (
    INSERT INTO rooms (platform, account, chat, thread, kind, title)
    VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (platform, account, chat, thread)
    DO UPDATE SET kind = excluded.kind, state = 'active',
        title = CASE WHEN excluded.title = '' THEN rooms.title ELSE excluded.title END
    RETURNING id, session_id
), taken AS (
    INSERT INTO inbox (platform, account, key, room_id, person_id, payload, state)
    SELECT $1, $2, $7, room.id, $8::bigint, $9::jsonb,
           CASE WHEN $10::jsonb IS NULL THEN 'new' ELSE 'done' END
    FROM room
    ON CONFLICT (platform, account, key) DO NOTHING
    RETURNING id
), person AS (
    UPDATE people SET name = $12 WHERE id = $8::bigint AND name <> $12 AND $12 <> ''
), identity AS (
    UPDATE identities SET name = $12
    WHERE platform = $1 AND platform_id = $13 AND name <> $12 AND $12 <> ''
), progress AS (
    INSERT INTO accounts (platform, account, cursor)
    SELECT $1, $2, $11::text WHERE $11::text <> ''
    ON CONFLICT (platform, account) DO UPDATE SET cursor = excluded.cursor
)
SELECT (SELECT id FROM taken) AS inbox_id, room.id AS room_id, room.session_id FROM room
"""

_QUEUE_TURN = """
INSERT INTO turns
    (room_id, session_id, asker_id, inbox_id, request, message_id, album, steer, sent_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
RETURNING id
"""

_JOIN_ALBUM = """
UPDATE turns SET request = jsonb_set(
    jsonb_set(request, '{attachments}', (request -> 'attachments') || $3::jsonb),
    '{text}', CASE WHEN request ->> 'text' = '' THEN to_jsonb($4::text) ELSE request -> 'text' END)
WHERE room_id = $1 AND album = $2 AND asker_id = $5 AND state = 'queued'
RETURNING id
"""

_OPEN_SESSION = """
WITH session AS (
    INSERT INTO sessions (room_id, owner_id, profile_id) VALUES ($1, $2, $3) RETURNING id
)
UPDATE rooms SET session_id = (SELECT id FROM session) WHERE id = $1 RETURNING session_id
"""


class PostgresInbox:
    """Implements the Inbox port."""

    def __init__(self, pool: asyncpg.Pool, default_profile: str) -> None:
        self._pool = pool
        self._default_profile = default_profile

    async def facts(self, inbound: Inbound) -> Facts:
        async with acquired(self._pool) as connection:
            return await read_facts(connection, inbound)

    async def take(
        self, inbound: Inbound, person: PersonId | None, turn: TurnRequest | None, cursor: str
    ) -> Accepted | None:
        origin = inbound.origin
        async with transaction(self._pool) as connection:
            row = await connection.fetchrow(
                _TAKE, *place(origin.address),
                origin.chat_kind.value, codec.clean(origin.title), codec.clean(origin.key),
                person, codec.dump_inbound(inbound),
                codec.dump_request(turn) if turn else None, cursor,
                codec.clean(origin.sender.name), codec.clean(origin.sender.id),
            )  # fmt: skip
            if row is None or row["inbox_id"] is None:
                return None
            room = RoomId(row["room_id"])
            inbox = InboxId(row["inbox_id"])
            session = row["session_id"]
            if session is None and person is not None:
                session = await connection.fetchval(
                    _OPEN_SESSION, room, person, self._default_profile
                )
            if turn is None or person is None:
                return Accepted(inbox, room, None)
            queued = await _queue(connection, room, session, person, inbox, turn, inbound)
            return Accepted(inbox, room, queued)

    async def handled(
        self, inbox: InboxId, posts: Sequence[Post] = (), *, parked: bool = False
    ) -> None:
        state = "parked" if parked else "done"
        async with transaction(self._pool) as connection:
            await connection.execute(
                "UPDATE inbox SET state = $2, handled_at = now() WHERE id = $1", inbox, state
            )
            for post in posts:
                await want(connection, post)

    async def begin_attempt(self, inbox: InboxId) -> int:
        async with acquired(self._pool) as connection:
            count = await connection.fetchval(
                "UPDATE inbox SET attempts = attempts + 1 WHERE id = $1 RETURNING attempts", inbox
            )
        return int(count or 0)

    async def between(
        self, room: RoomId, first: int, last: int, person: PersonId
    ) -> tuple[Inbound, ...]:
        async with acquired(self._pool) as connection:
            rows = await connection.fetch(
                "SELECT payload FROM inbox WHERE room_id = $1 AND id BETWEEN $2 AND $3 "
                "AND person_id = $4 ORDER BY id LIMIT 200",
                room, first, last, person,
            )  # fmt: skip
        return tuple(codec.load_inbound(row["payload"]) for row in rows)

    async def unhandled(self, platform: str, account: str) -> tuple[Unhandled, ...]:
        async with acquired(self._pool) as connection:
            rows = await connection.fetch(
                "SELECT id, room_id, payload, attempts FROM inbox "
                "WHERE platform = $1 AND account = $2 AND state = 'new' ORDER BY id",
                platform, account,
            )  # fmt: skip
        return tuple(
            Unhandled(
                InboxId(row["id"]),
                RoomId(row["room_id"]) if row["room_id"] is not None else None,
                codec.load_inbound(row["payload"]),
                row["attempts"],
            )
            for row in rows
        )

    async def cursor(self, platform: str, account: str) -> str:
        async with acquired(self._pool) as connection:
            found = await connection.fetchval(
                "SELECT cursor FROM accounts WHERE platform = $1 AND account = $2",
                platform, account,
            )  # fmt: skip
        return str(found or "")

    async def keep_cursor(self, platform: str, account: str, cursor: str) -> None:
        async with acquired(self._pool) as connection:
            await connection.execute(
                "INSERT INTO accounts (platform, account, cursor) VALUES ($1, $2, $3) "
                "ON CONFLICT (platform, account) DO UPDATE SET cursor = excluded.cursor",
                platform, account, cursor,
            )  # fmt: skip

    async def move_room(self, address: Address, new_chat: str) -> None:
        async with transaction(self._pool) as connection:
            await connection.execute(
                """
                UPDATE rooms r SET chat = $4
                WHERE r.platform = $1 AND r.account = $2 AND r.chat = $3 AND NOT EXISTS (
                    SELECT FROM rooms other WHERE other.platform = $1 AND other.account = $2
                    AND other.chat = $4 AND other.thread = r.thread)
                """,
                address.platform, address.account, codec.clean(address.chat),
                codec.clean(new_chat),
            )  # fmt: skip

    async def mark_room(self, room: RoomId, state: Literal["active", "gone"]) -> None:
        async with acquired(self._pool) as connection:
            await connection.execute("UPDATE rooms SET state = $2 WHERE id = $1", room, state)


async def _queue(
    connection: Connection, room: RoomId, session: int, person: PersonId, inbox: InboxId,
    turn: TurnRequest, inbound: Inbound,
) -> TurnId:  # fmt: skip
    """Queue a turn and wake its room; an album's later part joins the album's turn."""
    address = inbound.origin.address
    request = codec.dump_request(turn)
    if turn.album:
        joined = await connection.fetchval(
            _JOIN_ALBUM, room, codec.clean(turn.album), request["attachments"], request["text"],
            person,
        )  # fmt: skip
        if joined is not None:
            return TurnId(joined)
    made = await connection.fetchval(
        _QUEUE_TURN, room, session, person, inbox, request,
        codec.clean(inbound.origin.message_id), codec.clean(turn.album), turn.steer,
        inbound.origin.sent_at,
    )  # fmt: skip
    delay = ALBUM_PAUSE if turn.album else 0.0
    await wake(connection, room, address.platform, address.account, delay)
    return TurnId(made)
