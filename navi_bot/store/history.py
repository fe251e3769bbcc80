"""Appends entries to a session's history and to the model's context.

`APPEND` is a part of the statement that decides on the entries, so that they
cost no round trip of their own. Such a statement has a part `turn` (id,
session_id, asker_id) before it, binds the entries' rows as $2 and the
context's size in tokens, or NULL, as $3.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from navi_bot.errors import Bug
from navi_bot.messages import Entry, Message
from navi_bot.store import codec

APPEND = """
, entry AS (
    SELECT e.* FROM turn, jsonb_to_recordset($2::jsonb) AS e (
        position int, in_history boolean, in_context boolean, body jsonb,
        role text, content text, images text[], thinking text, tool_calls jsonb,
        tool_call_id text, name text, is_plan boolean, elapsed_seconds double precision,
        tool_call_count int, token_count int, created_at timestamptz)
), said AS (
    INSERT INTO messages (session_id, turn_id, author_id, role, content, images, thinking,
        tool_calls, tool_call_id, name, is_plan, elapsed_seconds, tool_call_count, token_count,
        created_at)
    SELECT turn.session_id, turn.id, CASE WHEN role = 'user' THEN turn.asker_id END, role,
        content, images, thinking, tool_calls, tool_call_id, name, is_plan, elapsed_seconds,
        tool_call_count, token_count, entry.created_at
    FROM turn, entry WHERE in_history ORDER BY position
    RETURNING id
), numbered AS (
    SELECT id, row_number() OVER (ORDER BY id) AS number FROM said
), kept AS (
    SELECT position, in_context, in_history, body,
        count(*) FILTER (WHERE in_history) OVER (ORDER BY position) AS number
    FROM entry
), seen AS (
    INSERT INTO context (session_id, turn_id, message_id, body)
    SELECT turn.session_id, turn.id,
        CASE WHEN kept.in_history THEN numbered.id END,
        CASE WHEN NOT kept.in_history THEN kept.body END
    FROM turn, kept LEFT JOIN numbered ON kept.in_history AND numbered.number = kept.number
    WHERE kept.in_context ORDER BY kept.position
), counted AS (
    UPDATE sessions s SET last_active = now(),
        message_count = s.message_count + (SELECT count(*) FROM entry WHERE in_history),
        context_tokens = coalesce($3::int, s.context_tokens)
    FROM turn WHERE s.id = turn.session_id
)
"""


def rows_of(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """Return entries as the rows that `APPEND` takes, in order.

    A call without a result is never stored: the model's next request would
    be malformed.
    """
    _check_answered([entry.message for entry in entries])
    return [_row(position, entry) for position, entry in enumerate(entries)]


def _check_answered(messages: Sequence[Message]) -> None:
    asked = [call.id for message in messages for call in message.tool_calls]
    answered = {message.tool_call_id for message in messages if message.role == "tool"}
    missing = [call for call in asked if call not in answered]
    if missing:
        raise Bug(f"Tool calls without results would be stored: {len(missing)}.")


def _row(position: int, entry: Entry) -> dict[str, Any]:
    message = entry.message
    row = {
        "position": position,
        "in_history": entry.in_history,
        "in_context": entry.in_context,
    }
    if not entry.in_history:
        return {**row, "body": codec.dump_message(message)}
    return {
        **row,
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
