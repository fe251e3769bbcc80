"""Appends entries to a session's history and to the model's context."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from navi_bot.errors import Bug
from navi_bot.messages import Entry, Message
from navi_bot.store import codec
from navi_bot.store.pool import Connection

_APPEND = """
WITH entry AS (
    SELECT * FROM jsonb_to_recordset($4::jsonb) AS e (
        position int, in_history boolean, in_context boolean, body jsonb,
        role text, content text, images text[], thinking text, tool_calls jsonb,
        tool_call_id text, name text, is_plan boolean, elapsed_seconds double precision,
        tool_call_count int, token_count int, created_at timestamptz)
), said AS (
    INSERT INTO messages (session_id, turn_id, author_id, role, content, images, thinking,
        tool_calls, tool_call_id, name, is_plan, elapsed_seconds, tool_call_count, token_count,
        created_at)
    SELECT $1, $2, CASE WHEN role = 'user' THEN $3::bigint END, role, content, images, thinking,
        tool_calls, tool_call_id, name, is_plan, elapsed_seconds, tool_call_count, token_count,
        created_at
    FROM entry WHERE in_history ORDER BY position
    RETURNING id
), numbered AS (
    SELECT id, row_number() OVER (ORDER BY id) AS number FROM said
), kept AS (
    SELECT position, in_context, in_history, body,
        count(*) FILTER (WHERE in_history) OVER (ORDER BY position) AS number
    FROM entry
), seen AS (
    INSERT INTO context (session_id, turn_id, message_id, body)
    SELECT $1, $2,
        CASE WHEN kept.in_history THEN numbered.id END,
        CASE WHEN NOT kept.in_history THEN kept.body END
    FROM kept LEFT JOIN numbered ON kept.in_history AND numbered.number = kept.number
    WHERE kept.in_context ORDER BY kept.position
)
UPDATE sessions SET last_active = now(),
    message_count = message_count + (SELECT count(*) FROM entry WHERE in_history),
    context_tokens = coalesce($5, context_tokens)
WHERE id = $1
"""


async def append(
    connection: Connection,
    session: int,
    turn: int,
    author: int,
    entries: Sequence[Entry],
    context_tokens: int | None = None,
) -> None:
    """Append entries in order, in the running transaction; one statement.

    A call without a result is never stored: the model's next request would
    be malformed.
    """
    _check_answered([entry.message for entry in entries])
    rows = [_row(position, entry) for position, entry in enumerate(entries)]
    await connection.execute(_APPEND, session, turn, author, rows, context_tokens)


def _check_answered(messages: Sequence[Message]) -> None:
    asked = [call.id for message in messages for call in message.tool_calls]
    answered = {message.tool_call_id for message in messages if message.role == "tool"}
    missing = [call for call in asked if call not in answered]
    if missing:
        raise Bug(f"Tool calls without results would be stored: {len(missing)}.")


def _row(position: int, entry: Entry) -> dict[str, Any]:
    message = entry.message
    return {
        "position": position,
        "in_history": entry.in_history,
        "in_context": entry.in_context,
        "body": None if entry.in_history else codec.dump_message(message),
        "role": message.role,
        "content": codec.clean(message.content),
        "images": list(message.images),
        "thinking": codec.clean(message.thinking),
        "tool_calls": codec.dump_calls(message.tool_calls),
        "tool_call_id": codec.clean(message.tool_call_id),
        "name": codec.clean(message.name),
        "is_plan": message.is_plan,
        "elapsed_seconds": message.elapsed_seconds,
        "tool_call_count": message.tool_call_count,
        "token_count": message.token_count,
        "created_at": (message.created_at or datetime.now(UTC)).isoformat(),
    }
