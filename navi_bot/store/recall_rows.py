"""Recalls as rows: the columns that every query of them reads, and the values they make."""

import asyncpg

from navi_bot.messages import PersonId, RoomId
from navi_bot.ports.recall import Plan, Recall, RecallId
from navi_bot.schedule import rule as rules

COLUMNS = """
    c.id AS recall_id, c.person_id, c.room_id, c.kind AS recall_kind, c.content, c.rule,
    c.important, c.notify, c.match, c.last_result, c.state AS recall_state, c.held,
    p.name AS person_name, p.timezone,
    r.platform, r.account, r.chat, r.thread, r.kind, r.title AS room_title,
    r.state AS room_state
"""
"""Of recalls c, their people p and rooms r."""


def recall_from(row: asyncpg.Record) -> Recall:
    """Return a recall from a row with these columns and `next_due`."""
    plan = Plan(
        person=PersonId(row["person_id"]),
        room=RoomId(row["room_id"]),
        kind=row["recall_kind"],
        text=row["content"],
        rule=rules.load(row["rule"]),
        important=row["important"],
        notify=row["notify"],
        match=row["match"],
    )
    return Recall(
        id=RecallId(row["recall_id"]),
        plan=plan,
        state=row["recall_state"],
        due=row["next_due"],
        room_title=row["room_title"],
        person_name=row["person_name"],
        held=row["held"],
        last_result=row["last_result"],
    )
