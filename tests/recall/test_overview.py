"""`navi-bot recalls`, on a real PostgreSQL: what the operator sees."""

from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import asyncpg
from recall.recall_world import World

from navi_bot.ports.recall import Plan
from navi_bot.recall.overview import exported, overview
from navi_bot.schedule.occurrence import first
from navi_bot.schedule.rule import cron

KYIV = ZoneInfo("Europe/Kyiv")


async def test_the_operator_sees_what_waits_and_how_promises_were_kept(
    database: asyncpg.Pool,
) -> None:
    world = World(database, Random(1))
    person, room = await world.room("11")
    now = datetime.now(UTC)
    rule = cron("0 9 * * *", KYIV)
    due = first(rule, now)
    assert due is not None
    recall = await world.book.add(Plan(person, room, "reminder", "pill\x07 time", rule), due)
    assert recall is not None
    world.jumped = due.instant - now + timedelta(seconds=5)
    daemon = world.daemon()
    await daemon.engine.look()
    await daemon.deliver()
    await daemon.engine.look()
    await database.execute("UPDATE occurrences SET fired_at = now() WHERE fired_at IS NOT NULL")
    line, kept = await overview(world.book, world.receipts, KYIV, now)
    assert line.startswith(f"{recall.id}  reminder P11  ")
    assert "every day at 09:00: pill? time" in line
    assert kept.startswith("This month: 1 promised, 1 delivered, 1 within a minute")
    calendar = await exported(world.book, now)
    assert "SUMMARY:pill" in calendar
    assert "RRULE:FREQ=DAILY;BYHOUR=9;BYMINUTE=0" in calendar
