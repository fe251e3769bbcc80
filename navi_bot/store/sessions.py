"""Sessions and what a room overrides."""

from datetime import datetime

import asyncpg

from navi_bot.errors import Bug
from navi_bot.messages import (
    Message,
    PersonId,
    RoomId,
    RoomSettings,
    SessionId,
    ToolCall,
)
from navi_bot.ports.records import JournalledCall, Session
from navi_bot.store import codec
from navi_bot.store.pool import acquired

_COLUMNS = """
SELECT s.id, s.room_id, s.owner_id, s.profile_id, s.title, s.context_tokens, s.message_count,
    s.created_at, s.last_active
FROM sessions s
"""

_NEW = """
WITH made AS (
    INSERT INTO sessions (room_id, owner_id, profile_id) VALUES ($1, $2, $3) RETURNING *
), current AS (
    UPDATE rooms SET session_id = (SELECT id FROM made) WHERE id = $1
)
SELECT s.id, s.room_id, s.owner_id, s.profile_id, s.title, s.context_tokens, s.message_count,
    s.created_at, s.last_active
FROM made s
"""

_LAST_CALLS = """
SELECT call_id, tool, arguments, effect, result, ok FROM tool_journal
WHERE turn_id = (
    SELECT t.id FROM turns t
    WHERE t.room_id = $1 AND EXISTS (SELECT FROM tool_journal j WHERE j.turn_id = t.id)
    ORDER BY t.id DESC LIMIT 1
)
ORDER BY step, position
"""


class PostgresSessions:
    """Implements the Sessions port."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def current(self, room: RoomId) -> Session:
        async with acquired(self._pool) as connection:
            row = await connection.fetchrow(
                _COLUMNS + "JOIN rooms r ON r.session_id = s.id WHERE r.id = $1", room
            )
        if row is None:
            raise Bug(f"Room {room} has no session.")
        return _session(row)

    async def new(self, room: RoomId, owner: PersonId, profile_id: str) -> Session:
        async with acquired(self._pool) as connection:
            row = await connection.fetchrow(_NEW, room, owner, profile_id)
        if row is None:
            raise Bug(f"There is no room {room}.")
        return _session(row)

    async def recent(self, room: RoomId, limit: int) -> tuple[Session, ...]:
        async with acquired(self._pool) as connection:
            rows = await connection.fetch(
                _COLUMNS + "WHERE s.room_id = $1 ORDER BY s.last_active DESC LIMIT $2",
                room, limit,
            )  # fmt: skip
        return tuple(_session(row) for row in rows)

    async def history(self, session: SessionId, limit: int) -> tuple[Message, ...]:
        """Return the last messages of the full history, oldest first."""
        async with acquired(self._pool) as connection:
            rows = await connection.fetch(
                "SELECT role, content, images, thinking, tool_calls, tool_call_id, name, is_plan, "
                "elapsed_seconds, tool_call_count, token_count, created_at FROM messages "
                "WHERE session_id = $1 ORDER BY id DESC LIMIT $2",
                session, limit,
            )  # fmt: skip
        return tuple(_message(row) for row in reversed(rows))

    async def profile_id(self, session: SessionId) -> str:
        async with acquired(self._pool) as connection:
            found = await connection.fetchval(
                "SELECT profile_id FROM sessions WHERE id = $1", session
            )
        if found is None:
            raise Bug(f"There is no session {session}.")
        return str(found)

    async def set_profile(self, session: SessionId, profile_id: str) -> None:
        async with acquired(self._pool) as connection:
            await connection.execute(
                "UPDATE sessions SET profile_id = $2 WHERE id = $1", session, profile_id
            )

    async def room_settings(self, room: RoomId) -> RoomSettings:
        async with acquired(self._pool) as connection:
            found = await connection.fetchval("SELECT settings FROM rooms WHERE id = $1", room)
        return codec.load_settings(found or {})

    async def change_settings(self, room: RoomId, settings: RoomSettings) -> None:
        async with acquired(self._pool) as connection:
            await connection.execute(
                "UPDATE rooms SET settings = $2 WHERE id = $1", room, codec.dump_settings(settings)
            )

    async def usage(
        self, room: RoomId, since: datetime, person: PersonId | None = None
    ) -> tuple[int, int]:
        async with acquired(self._pool) as connection:
            row = await connection.fetchrow(
                "SELECT count(*) AS turns, coalesce(sum(tokens), 0) AS tokens FROM turns "
                "WHERE room_id = $1 AND ended_at >= $2 AND state = 'done' "
                "AND ($3::bigint IS NULL OR asker_id = $3)",
                room, since, person,
            )  # fmt: skip
        return (int(row["turns"]), int(row["tokens"])) if row else (0, 0)

    async def last_calls(self, room: RoomId) -> tuple[JournalledCall, ...]:
        async with acquired(self._pool) as connection:
            rows = await connection.fetch(_LAST_CALLS, room)
        return tuple(
            JournalledCall(
                ToolCall(row["call_id"], row["tool"], row["arguments"]),
                row["effect"],
                row["result"],
                bool(row["ok"]),
            )
            for row in rows
        )


def _session(row: asyncpg.Record) -> Session:
    return Session(
        id=SessionId(row["id"]),
        room=RoomId(row["room_id"]),
        owner=PersonId(row["owner_id"]),
        profile_id=row["profile_id"],
        title=row["title"],
        context_tokens=row["context_tokens"],
        message_count=row["message_count"],
        created_at=row["created_at"],
        last_active=row["last_active"],
    )


def _message(row: asyncpg.Record) -> Message:
    return Message(
        role=row["role"],
        content=row["content"],
        images=tuple(row["images"]),
        thinking=row["thinking"],
        tool_calls=codec.load_calls(row["tool_calls"]),
        tool_call_id=row["tool_call_id"],
        name=row["name"],
        created_at=row["created_at"],
        elapsed_seconds=row["elapsed_seconds"],
        tool_call_count=row["tool_call_count"],
        token_count=row["token_count"],
        is_plan=row["is_plan"],
    )
