"""Takes a room's next turn and loads all that it needs: one statement, one commit.

The context is read through a partial index over the rows that the model still
sees, so its cost follows the window and not the history. The intent of the
live message's first send is stored with the claim, for a turn that nobody has
begun before: where its daemon dies before the send is noted, the next one
takes it for a send that may have arrived. (A recall's turn may show nothing.)
"""

from dataclasses import replace

import asyncpg

from navi_bot.events import Todo
from navi_bot.messages import (
    ChatKind,
    InboxId,
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
from navi_bot.store.pool import acquired

_CLAIM = """
WITH next AS (
    SELECT t.id FROM turns t
    WHERE t.room_id = $1 AND t.state = 'queued'
      AND NOT EXISTS (SELECT FROM turns o WHERE o.room_id = $1
                      AND o.state IN ('running', 'awaiting_input'))
    ORDER BY t.id LIMIT 1 FOR UPDATE SKIP LOCKED
), taken AS (
    UPDATE turns SET state = 'running', attempts = attempts + 1, holder = $2,
        started_at = coalesce(started_at, now())
    WHERE id = (SELECT id FROM next)
    RETURNING *
), begun AS (
    INSERT INTO outbox (room_id, post, page, head, transaction, uncertain)
    SELECT r.id, 'turn:' || t.id, 0, jsonb_build_object(
            'key', 'turn:' || t.id, 'room', r.id, 'silent', false, 'group', r.kind = 'group',
            'reply_to', CASE WHEN r.kind = 'group' THEN t.message_id ELSE '' END,
            'address', jsonb_build_object('platform', r.platform, 'account', r.account,
                                          'chat', r.chat, 'thread', r.thread)),
        gen_random_uuid()::text, true
    FROM taken t JOIN rooms r ON r.id = t.room_id
    WHERE t.attempts = 1 AND t.request ->> 'kind' <> 'recall'
      AND NOT EXISTS (SELECT FROM outbox o WHERE o.post = 'turn:' || t.id AND o.page = 0)
    RETURNING transaction
)
SELECT t.id, t.inbox_id, t.request, t.message_id, t.attempts, t.asked, t.pending,
    t.created_at, t.sent_at, t.asker_id, p.name AS asker_name, p.timezone, p.language,
    i.platform_id, i.role,
    r.platform, r.account, r.chat, r.thread, r.kind, r.title AS room_title, r.settings,
    s.id AS session_id, s.owner_id, s.profile_id, s.title, s.context_tokens, s.message_count,
    s.created_at AS session_created, s.last_active,
    (SELECT count(*) FROM turns w WHERE w.room_id = $1 AND w.state = 'queued'
        AND w.id <> t.id) AS waiting,
    (SELECT transaction FROM begun) AS begun,
    (SELECT jsonb_agg(coalesce(c.body, jsonb_build_object(
            'role', m.role, 'content', m.content, 'images', m.images, 'thinking', m.thinking,
            'tool_calls', m.tool_calls, 'tool_call_id', m.tool_call_id, 'name', m.name,
            'created_at', m.created_at, 'is_plan', m.is_plan)) ORDER BY c.id)
     FROM context c LEFT JOIN messages m ON m.id = c.message_id
     WHERE c.session_id = s.id AND c.folded_by IS NULL) AS context,
    (SELECT jsonb_agg(jsonb_build_object(
            'call', j.call_id, 'tool', j.tool, 'arguments', j.arguments, 'effect', j.effect,
            'result', CASE WHEN j.ended_at IS NOT NULL THEN j.result END,
            'ok', coalesce(j.ok, false)) ORDER BY j.position)
     FROM tool_journal j
     WHERE t.pending IS NOT NULL AND j.turn_id = t.id
       AND j.step = (t.pending ->> 'step')::int) AS calls,
    (SELECT jsonb_agg(jsonb_build_object('text', d.text, 'state', d.state) ORDER BY d.position)
     FROM todos d WHERE d.session_id = s.id) AS todos,
    (SELECT array_agg(n.section ORDER BY n.section)
     FROM notes n WHERE n.session_id = s.id) AS notes
FROM taken t
JOIN rooms r ON r.id = t.room_id
JOIN sessions s ON s.id = t.session_id
JOIN people p ON p.id = t.asker_id
LEFT JOIN LATERAL (
    SELECT platform_id, role FROM identities
    WHERE person_id = t.asker_id AND platform = r.platform LIMIT 1
) i ON true
"""


async def claim(pool: asyncpg.Pool, room: RoomId, holder: str) -> TurnStart | None:
    """Take the room's next queued turn for a daemon; None when there is none to take."""
    try:
        async with acquired(pool) as connection:
            row = await connection.fetchrow(_CLAIM, room, holder)
    except asyncpg.UniqueViolationError:
        return None
    return _start(row, room) if row is not None else None


def _pending(row: asyncpg.Record) -> PendingBatch | None:
    batch = row["pending"]
    if not batch:
        return None
    calls = tuple(
        JournalledCall(
            call=ToolCall(one["call"], one["tool"], one["arguments"]),
            effect=one["effect"],
            result=one["result"],
            ok=one["ok"],
        )
        for one in row["calls"] or ()
    )
    return PendingBatch(batch["step"], codec.load_message(batch["assistant"]), calls)


def _start(row: asyncpg.Record, room: RoomId) -> TurnStart:
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
        context=tuple(codec.load_message(one) for one in row["context"] or ()),
        timezone=row["timezone"],
        language=row["language"],
        attempts=row["attempts"],
        resumed=row["asked"],
        pending=_pending(row),
        created_at=row["created_at"],
        sent_at=row["sent_at"],
        waiting=row["waiting"],
        todos=tuple(Todo(one["text"], one["state"]) for one in row["todos"] or ()),
        notes=tuple(row["notes"] or ()),
        begun=row["begun"] or "",
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
