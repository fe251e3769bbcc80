"""Takes a room's next turn and loads all that it needs, in one transaction.

The context is read through a partial index over the rows that the model still
sees, so its cost follows the window and not the history.
"""

from dataclasses import replace

import asyncpg

from navi_bot.messages import (
    ChatKind,
    InboxId,
    Message,
    PersonId,
    Role,
    RoomId,
    SessionId,
    ToolCall,
    TurnId,
)
from navi_bot.ports.records import JournalledCall, PendingBatch, Session, TurnStart, turn_key
from navi_bot.store import codec
from navi_bot.store.address import head_of
from navi_bot.store.pool import Connection, transaction

_CLAIM = """
WITH next AS (
    SELECT t.id FROM turns t
    WHERE t.room_id = $1 AND t.state = 'queued'
      AND NOT EXISTS (SELECT FROM turns o WHERE o.room_id = $1
                      AND o.state IN ('running', 'awaiting_input'))
    ORDER BY t.id LIMIT 1 FOR UPDATE SKIP LOCKED
), taken AS (
    UPDATE turns SET state = 'running', attempts = attempts + 1,
        started_at = coalesce(started_at, now())
    WHERE id = (SELECT id FROM next)
    RETURNING *
)
SELECT t.id, t.inbox_id, t.request, t.message_id, t.attempts, t.asked, t.pending,
    t.created_at, t.sent_at, t.asker_id, p.name AS asker_name, p.timezone, p.language,
    i.platform_id, i.role,
    r.platform, r.account, r.chat, r.thread, r.kind, r.title AS room_title, r.settings,
    s.id AS session_id, s.owner_id, s.profile_id, s.title, s.context_tokens, s.message_count,
    s.created_at AS session_created, s.last_active,
    (SELECT count(*) FROM turns w WHERE w.room_id = $1 AND w.state = 'queued'
        AND w.id <> t.id) AS waiting
FROM taken t
JOIN rooms r ON r.id = t.room_id
JOIN sessions s ON s.id = t.session_id
JOIN people p ON p.id = t.asker_id
LEFT JOIN LATERAL (
    SELECT platform_id, role FROM identities
    WHERE person_id = t.asker_id AND platform = r.platform LIMIT 1
) i ON true
"""

_CONTEXT = """
SELECT c.body, m.role, m.content, m.images, m.thinking, m.tool_calls, m.tool_call_id, m.name,
    m.created_at, m.is_plan
FROM context c LEFT JOIN messages m ON m.id = c.message_id
WHERE c.session_id = $1 AND c.folded_by IS NULL
ORDER BY c.id
"""


async def claim(pool: asyncpg.Pool, room: RoomId) -> TurnStart | None:
    """Take the room's next queued turn; None when there is none to take."""
    try:
        async with transaction(pool) as connection:
            row = await connection.fetchrow(_CLAIM, room)
            if row is None:
                return None
            context = await connection.fetch(_CONTEXT, row["session_id"])
            pending = await _pending(connection, row) if row["pending"] else None
    except asyncpg.UniqueViolationError:
        return None
    return _start(row, room, tuple(_message(one) for one in context), pending)


async def _pending(connection: Connection, row: asyncpg.Record) -> PendingBatch:
    batch = row["pending"]
    rows = await connection.fetch(
        "SELECT call_id, tool, arguments, effect, ended_at, ok, result FROM tool_journal "
        "WHERE turn_id = $1 AND step = $2 ORDER BY position",
        row["id"], batch["step"],
    )  # fmt: skip
    calls = tuple(
        JournalledCall(
            call=ToolCall(one["call_id"], one["tool"], one["arguments"]),
            effect=one["effect"],
            result=one["result"] if one["ended_at"] is not None else None,
            ok=bool(one["ok"]),
        )
        for one in rows
    )
    return PendingBatch(batch["step"], codec.load_message(batch["assistant"]), calls)


def _message(row: asyncpg.Record) -> Message:
    if row["body"] is not None:
        return codec.load_message(row["body"])
    return Message(
        role=row["role"],
        content=row["content"],
        images=tuple(row["images"]),
        thinking=row["thinking"],
        tool_calls=codec.load_calls(row["tool_calls"]),
        tool_call_id=row["tool_call_id"],
        name=row["name"],
        created_at=row["created_at"],
        is_plan=row["is_plan"],
    )


def _start(
    row: asyncpg.Record,
    room: RoomId,
    context: tuple[Message, ...],
    pending: PendingBatch | None,
) -> TurnStart:
    turn = TurnId(row["id"])
    head = head_of(row, room, turn_key(turn))
    reply_to = row["message_id"] if head.group else ""
    return TurnStart(
        id=turn,
        inbox=InboxId(row["inbox_id"]) if row["inbox_id"] is not None else None,
        request=codec.load_request(row["request"]),
        asker=PersonId(row["asker_id"]),
        asker_platform_id=row["platform_id"] or "",
        asker_name=row["asker_name"],
        asker_role=Role(row["role"]) if row["role"] else Role.GUEST,
        head=replace(head, reply_to=reply_to),
        chat_kind=ChatKind(row["kind"]),
        room_title=row["room_title"],
        settings=codec.load_settings(row["settings"]),
        session=_session(row, room),
        context=context,
        timezone=row["timezone"],
        language=row["language"],
        attempts=row["attempts"],
        resumed=row["asked"],
        pending=pending,
        created_at=row["created_at"],
        sent_at=row["sent_at"],
        waiting=row["waiting"],
    )


def _session(row: asyncpg.Record, room: RoomId) -> Session:
    return Session(
        id=SessionId(row["session_id"]),
        room=room,
        owner=PersonId(row["owner_id"]),
        profile_id=row["profile_id"],
        title=row["title"],
        context_tokens=row["context_tokens"],
        message_count=row["message_count"],
        created_at=row["session_created"],
        last_active=row["last_active"],
    )
