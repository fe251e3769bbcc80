"""What is known about an event's sender and room: one query, for the pure decision."""

from dataclasses import replace

import asyncpg

from navi_bot.errors import Bug
from navi_bot.messages import Button, Inbound, PersonId, Pressed, Role, RoomId, TurnId
from navi_bot.ports.records import ActiveTurn, Facts
from navi_bot.store import codec
from navi_bot.store.address import place
from navi_bot.store.pool import Connection

_FACTS = """
WITH room AS (
    SELECT r.id, r.settings FROM rooms r
    WHERE r.platform = $1 AND r.account = $2 AND r.chat = $3 AND r.thread = $4
), identity AS (
    SELECT i.person_id, i.role FROM identities i WHERE i.platform = $1 AND i.platform_id = $5
)
SELECT
    (SELECT id FROM room) AS room_id,
    (SELECT settings FROM room) AS settings,
    (SELECT person_id FROM identity) AS person_id,
    (SELECT role FROM identity) AS role,
    EXISTS (
        SELECT FROM identities WHERE role = 'owner' AND platform <> 'console'
    ) AS owner_exists,
    EXISTS (SELECT FROM inbox WHERE platform = $1 AND account = $2 AND key = $6) AS duplicate,
    (SELECT jsonb_agg(jsonb_build_object(
            'id', t.id, 'asker', t.asker_id, 'state', t.state, 'message_id', t.message_id
        ) ORDER BY t.state = 'queued', t.id)
     FROM turns t
     WHERE t.room_id = (SELECT id FROM room)
       AND t.state IN ('queued', 'running', 'awaiting_input')) AS active,
    (SELECT jsonb_build_object('post', o.post, 'page', o.desired)
     FROM outbox o
     WHERE $7::text <> '' AND o.room_id = (SELECT id FROM room) AND o.message_id = $7
     ORDER BY o.id DESC LIMIT 1) AS shown
"""


async def read_facts(connection: Connection, inbound: Inbound) -> Facts:
    """Return the facts; a stranger leaves no row behind."""
    origin = inbound.origin
    pressed = codec.clean(origin.message_id) if isinstance(inbound, Pressed) else ""
    row = await connection.fetchrow(
        _FACTS, *place(origin.address),
        codec.clean(origin.sender.id), codec.clean(origin.key), pressed,
    )  # fmt: skip
    if row is None:
        raise Bug("A query of one row answered none.")
    return _facts(row)


def _facts(row: asyncpg.Record) -> Facts:
    active = tuple(
        ActiveTurn(TurnId(t["id"]), PersonId(t["asker"]), t["state"], t["message_id"])
        for t in row["active"] or ()
    )
    facts = Facts(
        room=RoomId(row["room_id"]) if row["room_id"] is not None else None,
        person=PersonId(row["person_id"]) if row["person_id"] is not None else None,
        role=Role(row["role"]) if row["role"] else Role.GUEST,
        owner_exists=row["owner_exists"],
        settings=codec.load_settings(row["settings"] or {}),
        active=active,
        duplicate=row["duplicate"],
    )
    shown = row["shown"]
    if shown and shown["page"]:
        rows: tuple[tuple[Button, ...], ...] = codec.load_buttons(shown["page"])
        buttons = tuple(button for one in rows for button in one)
        facts = replace(facts, shown=buttons, shown_post=shown["post"])
    return facts
