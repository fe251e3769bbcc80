"""What a turn writes while it runs and when it ends: each a single statement.

A statement is a commit of its own: what stands in it is stored together or
not at all, for the price of one round trip.
"""

from collections.abc import Mapping, Sequence

from navi_bot.errors import Bug, NaviError, TurnLost
from navi_bot.messages import Entry, Message, Post, TurnId
from navi_bot.ports.records import CallEnd, Metrics, TurnState
from navi_bot.store import codec, history, outbox
from navi_bot.store.history import APPEND
from navi_bot.store.outbox import POST, WANT
from navi_bot.store.pool import Connection
from navi_bot.store.queue import WAKE

_END_CALLS = """
UPDATE tool_journal j SET ended_at = now(), ok = e.ok, result = e.result
FROM jsonb_to_recordset($1::jsonb)
    AS e (turn bigint, step int, call_id text, result text, ok boolean)
WHERE j.turn_id = e.turn AND j.step = e.step AND j.call_id = e.call_id
"""

_RECORD = (
    """
WITH turn AS (
    UPDATE turns SET pending = NULL, asked = true
    WHERE id = $4 AND coalesce(holder, $6) = $6
    RETURNING id, session_id, asker_id
)"""
    + APPEND
    + ", ended AS ("
    + _END_CALLS
    + """
), steered AS (
    UPDATE turns SET state = 'done', ended_at = now()
    WHERE id = ANY($5::bigint[]) AND state = 'queued' AND EXISTS (SELECT FROM turn)
)
SELECT s.profile_id FROM turn JOIN sessions s ON s.id = turn.session_id
"""
)

_BEGIN_BATCH = (
    """
WITH turn AS (
    UPDATE turns SET pending = $4, asked = asked OR $2::jsonb <> '[]'
    WHERE id = $1 AND coalesce(holder, $11) = $11
    RETURNING id, session_id, asker_id
)"""
    + APPEND
    + """
, intended AS (
    INSERT INTO tool_journal (turn_id, step, call_id, position, tool, arguments, effect)
    SELECT turn.id, $5::int, c.call_id, c.position, c.tool, c.arguments, c.effect
    FROM turn, unnest($6::text[], $7::int[], $8::text[], $9::jsonb[], $10::text[])
        AS c (call_id, position, tool, arguments, effect)
    ON CONFLICT (turn_id, step, call_id) DO NOTHING
)
SELECT id FROM turn
"""
)

_FINISH = (
    """
WITH turn AS (
    UPDATE turns SET state = $5, error = $6, model = $7, tokens = $8, tool_calls = $9,
        seconds = $10, pending = NULL, ended_at = now()
    WHERE id = $4 AND state IN ('queued', 'running', 'awaiting_input')
        AND coalesce(holder, $11) = $11
    RETURNING id, room_id, session_id, inbox_id, asker_id
), handled AS (
    UPDATE inbox SET state = 'done', handled_at = now()
    FROM turn WHERE inbox.id = turn.inbox_id AND inbox.state = 'new'
), post AS (
    SELECT p.* FROM turn,"""
    + POST
    + ")"
    + WANT
    + APPEND
    + """
, woken AS (
    SELECT r.id AS room_id, r.platform || ':' || r.account AS queue, NULL::timestamptz AS due
    FROM turn JOIN rooms r ON r.id = turn.room_id
    WHERE EXISTS (SELECT FROM turns t WHERE t.room_id = r.id AND t.state = 'queued'
                  AND t.id <> turn.id)
)
SELECT (SELECT holder <> $11 FROM turns WHERE id = $4) AS lost, """
    + WAKE
    + " AS job"
)

LOST = "Another daemon answers this now."


async def record(
    connection: Connection,
    turn: TurnId,
    entries: Sequence[Entry],
    steered: Sequence[TurnId],
    ended: Sequence[CallEnd],
    holder: str,
) -> str:
    """Append entries and journal the ends of calls; return the session's profile."""
    rows = history.rows_of(entries)
    profile = await connection.fetchval(
        _RECORD, _ends(turn, ended), rows, None, turn, list(steered), holder
    )
    if profile is None:
        raise await _not_ours(connection, turn)
    return str(profile)


async def begin_batch(
    connection: Connection,
    turn: TurnId,
    step: int,
    assistant: Message,
    effects: Mapping[str, str],
    entries: Sequence[Entry],
    holder: str,
) -> None:
    """Append entries and journal the intent of a batch."""
    calls = assistant.tool_calls
    begun = await connection.fetchval(
        _BEGIN_BATCH, turn, history.rows_of(entries), None,
        {"step": step, "assistant": codec.dump_message(assistant)}, step,
        [codec.clean(call.id) for call in calls], list(range(len(calls))),
        [codec.clean(call.name) for call in calls],
        [codec.cleaned(call.arguments) for call in calls],
        [effects.get(call.id, "R0") for call in calls], holder,
    )  # fmt: skip
    if begun is None:
        raise await _not_ours(connection, turn)


async def _not_ours(connection: Connection, turn: TurnId) -> NaviError:
    """Return why a turn's row was not found."""
    there = await connection.fetchval("SELECT id FROM turns WHERE id = $1", turn)
    return Bug(f"There is no turn {turn}.") if there is None else TurnLost(LOST)


async def end_calls(connection: Connection, turn: TurnId, ended: Sequence[CallEnd]) -> None:
    """Journal the results of calls."""
    await connection.execute(_END_CALLS, _ends(turn, ended))


async def finish(
    connection: Connection,
    turn: TurnId,
    state: TurnState,
    entries: Sequence[Entry],
    metrics: Metrics | None,
    posts: Sequence[Post],
    error: str,
    holder: str,
) -> None:
    """End a turn, if it has not ended: all that is left of it."""
    numbers = metrics or Metrics(0, 0, 0, 0.0, "")
    lost = await connection.fetchval(
        _FINISH, outbox.rows_of(posts), history.rows_of(entries),
        metrics.context_tokens if metrics else None, turn, state, codec.clean(error),
        numbers.model, numbers.token_count, numbers.tool_call_count, numbers.elapsed_seconds,
        holder,
    )  # fmt: skip
    if lost:
        raise TurnLost(LOST)


def _ends(turn: TurnId, ended: Sequence[CallEnd]) -> list[codec.Json]:
    return [
        {
            "turn": turn,
            "step": one.step,
            "call_id": codec.clean(one.call_id),
            "result": codec.clean(one.result),
            "ok": one.ok,
        }
        for one in ended
    ]
