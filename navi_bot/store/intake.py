"""Takes an event in with the turn that it begins: one statement, one commit.

The inbox row is the gate: a redelivery conflicts on its key, and of all that
follows nothing happens. Only a room that is new costs more, for it and its
session have to be there first.
"""

import asyncpg

from navi_bot.errors import Bug
from navi_bot.messages import Inbound, InboxId, PersonId, Role, RoomId, TurnId
from navi_bot.ports.records import Accepted, TurnRequest
from navi_bot.store import codec
from navi_bot.store.address import place
from navi_bot.store.pool import Connection, acquired, transaction
from navi_bot.store.queue import WAKE

ALBUM_PAUSE = 0.8
"""Seconds that an album's turn waits for the album's other parts."""

_TAKE = (
    """
WITH room AS (
    SELECT id, session_id FROM rooms
    WHERE platform = $1 AND account = $2 AND chat = $3 AND thread = $4
      AND (session_id IS NOT NULL OR $8::bigint IS NULL)
), taken AS (
    INSERT INTO inbox (platform, account, key, room_id, person_id, payload, state)
    SELECT $1, $2, $7, room.id, $8::bigint, $9::jsonb,
        CASE WHEN $13::jsonb IS NULL THEN 'new' ELSE 'done' END
    FROM room
    WHERE $19::text IS NULL OR (
        EXISTS (SELECT FROM identities WHERE platform = $1 AND platform_id = $12
                AND person_id = $8 AND role = $19)
        AND NOT EXISTS (SELECT FROM turns t WHERE t.room_id = room.id
                        AND t.state IN ('queued', 'running', 'awaiting_input')))
    ON CONFLICT (platform, account, key) DO NOTHING
    RETURNING id
), refreshed AS (
    UPDATE rooms r SET kind = $5, state = 'active',
        title = CASE WHEN $6 = '' THEN r.title ELSE $6 END
    FROM room, taken
    WHERE r.id = room.id
      AND (r.kind <> $5 OR r.state <> 'active' OR (r.title <> $6 AND $6 <> ''))
), person AS (
    UPDATE people SET name = $11 FROM taken
    WHERE people.id = $8::bigint AND name <> $11 AND $11 <> ''
), identity AS (
    UPDATE identities SET name = $11 FROM taken
    WHERE platform = $1 AND platform_id = $12 AND name <> $11 AND $11 <> ''
), progress AS (
    INSERT INTO accounts (platform, account, cursor)
    SELECT $1, $2, $10::text FROM room
    WHERE $10::text <> '' AND ($19::text IS NULL OR EXISTS (SELECT FROM taken))
    ON CONFLICT (platform, account) DO UPDATE SET cursor = excluded.cursor
), joined AS (
    UPDATE turns t SET request = jsonb_set(
        jsonb_set(request, '{attachments}', (request -> 'attachments') || ($13 -> 'attachments')),
        '{text}', CASE WHEN request ->> 'text' = '' THEN $13 -> 'text' ELSE request -> 'text' END)
    FROM room, taken
    WHERE t.room_id = room.id AND t.album = $15 AND $15 <> '' AND t.asker_id = $8
      AND t.state = 'queued'
    RETURNING t.id
), queued AS (
    INSERT INTO turns
        (room_id, session_id, asker_id, inbox_id, request, message_id, album, steer, sent_at)
    SELECT room.id, room.session_id, $8, taken.id, $13, $14, $15, $16::boolean, $17::timestamptz
    FROM room, taken WHERE $13 IS NOT NULL AND NOT EXISTS (SELECT FROM joined)
    RETURNING id, room_id
), woken AS (
    SELECT room_id, $1 || ':' || $2 AS queue,
        CASE WHEN $15 <> '' THEN now() + make_interval(secs => $18::float8) END AS due
    FROM queued
)
SELECT room.id AS room_id, (SELECT id FROM taken) AS inbox_id,
    coalesce((SELECT id FROM joined), (SELECT id FROM queued)) AS turn_id, """
    + WAKE
    + """ AS job
FROM room
"""
)

_OPEN_ROOM = """
INSERT INTO rooms (platform, account, chat, thread, kind, title) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (platform, account, chat, thread) DO UPDATE SET kind = excluded.kind
RETURNING id
"""

_OPEN_SESSION = """
WITH session AS (
    INSERT INTO sessions (room_id, owner_id, profile_id)
    SELECT id, $2, $3 FROM rooms WHERE id = $1 AND session_id IS NULL
    RETURNING id
)
UPDATE rooms SET session_id = (SELECT id FROM session)
WHERE id = $1 AND session_id IS NULL
"""


async def take(
    pool: asyncpg.Pool,
    inbound: Inbound,
    person: PersonId | None,
    turn: TurnRequest | None,
    cursor: str,
    profile: str,
    believed: Role | None,
) -> Accepted | None:
    """Take an event in; see the Inbox port. `profile`: of a session to be opened."""
    values = _values(inbound, person, turn, cursor, believed)
    async with acquired(pool) as connection:
        row = await connection.fetchrow(_TAKE, *values)
    if row is None and believed is None:
        async with transaction(pool) as connection:
            await _open(connection, inbound, person, profile)
            row = await connection.fetchrow(_TAKE, *values)
            if row is None:
                raise Bug("A room that was opened is not there.")
    if row is None or row["inbox_id"] is None:
        return None
    queued = TurnId(row["turn_id"]) if row["turn_id"] is not None else None
    return Accepted(InboxId(row["inbox_id"]), RoomId(row["room_id"]), queued)


async def _open(
    connection: Connection, inbound: Inbound, person: PersonId | None, profile: str
) -> None:
    """Make the room, and its session once somebody with rights speaks in it."""
    origin = inbound.origin
    room = await connection.fetchval(
        _OPEN_ROOM, *place(origin.address), origin.chat_kind.value, codec.clean(origin.title)
    )
    if person is not None:
        await connection.execute(_OPEN_SESSION, room, person, profile)


def _values(
    inbound: Inbound,
    person: PersonId | None,
    turn: TurnRequest | None,
    cursor: str,
    believed: Role | None,
) -> tuple[object, ...]:
    """Return what `_TAKE` binds, in order."""
    origin = inbound.origin
    asked = turn if person is not None else None
    return (
        *place(origin.address),
        origin.chat_kind.value,
        codec.clean(origin.title),
        codec.clean(origin.key),
        person,
        codec.dump_inbound(inbound),
        cursor,
        codec.clean(origin.sender.name),
        codec.clean(origin.sender.id),
        codec.dump_request(asked) if asked else None,
        codec.clean(origin.message_id),
        codec.clean(asked.album) if asked else "",
        asked.steer if asked else False,
        origin.sent_at,
        ALBUM_PAUSE,
        believed.value if believed is not None else None,
    )
