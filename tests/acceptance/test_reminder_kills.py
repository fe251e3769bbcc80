"""Reminders while the daemon is killed and the database goes away; the real ones, on loopback."""

import asyncio
import random
import time
from collections import Counter

import asyncpg
from daemon.cable import Cable
from daemon.stage import Stage
from scale import SEED, scaled
from strict_ollama import say

KILLS = scaled(3, 100)
AT_A_TIME = 5
SPREAD = 2.5
"""Seconds over which the reminders of one life fall due."""

_PROMISE = """
WITH recall AS (
    INSERT INTO recalls (person_id, room_id, kind, content, rule)
    SELECT asker_id, room_id, 'reminder', $1,
        '{"kind": "once", "wall": "2030-01-01T00:00:00", "zone": "UTC"}'
    FROM turns LIMIT 1
    RETURNING id
)
INSERT INTO occurrences (recall_id, due_at, fire_at)
SELECT id, now() + $2 * interval '1 second', now() + $2 * interval '1 second' FROM recall
"""


async def test_reminders_outlive_kill_9_again_and_again(stage: Stage, dsn: str) -> None:
    """0 lost; what came twice says that it may be a repeat."""
    chance = random.Random(SEED)
    stage.plays(say("hello"))
    stage.telegram.set_limits("off")
    async with stage.start() as daemon:
        await daemon.ready()
        stage.ask("hi")
        await stage.shows("hello", "⏱")
        await daemon.event("turn_ended")
    promised: list[str] = []
    for life in range(KILLS):
        # A folder of its own: crashes in a row would end in safe mode, in which reminders wait.
        folder = f"{stage.data_dir}{life}"
        async with stage.start(NAVI_DATA_DIR=folder, TELEGRAM_CALLS_PER_SECOND="200") as daemon:
            await daemon.ready()
            promised += await _promise(dsn, life, chance)
            await asyncio.sleep(chance.uniform(0, SPREAD))
            daemon.kill()
            await daemon.ended()
    async with stage.start() as daemon:
        await daemon.ready()
        for text in promised:
            await stage.shows(f"promise {text}.", within=30)
        await asyncio.sleep(1)
    # A kill between the intent and the send leaves one that comes with the label alone.
    plain = Counter(
        text
        for text in promised
        for shown in stage.texts()
        if f"promise {text}." in shown and shown.startswith("⏰")
    )
    assert len(promised) == KILLS * AT_A_TIME
    assert {text for text, count in plain.items() if count > 1} == set()
    assert len(plain) >= 0.9 * len(promised), "the label is for the few that need it"


async def _promise(dsn: str, life: int, chance: random.Random) -> list[str]:
    connection = await asyncpg.connect(dsn)
    try:
        texts = [f"{life}-{number}" for number in range(AT_A_TIME)]
        for text in texts:
            due = chance.uniform(0, SPREAD)
            await connection.execute(_PROMISE, f"promise {text}.", due)
    finally:
        await connection.close()
    return texts


async def test_a_database_that_is_away_at_the_time_only_makes_it_late(stage: Stage) -> None:
    stage.plays(say("hello"))
    cable = Cable(stage.environment["NAVI_DATABASE_URL"])
    await cable.join()
    async with stage.start(NAVI_DATABASE_URL=cable.dsn) as daemon:
        await daemon.ready()
        stage.ask("/remind in 2 seconds feed the cat")
        await stage.shows("feed the cat", "in 2 s")
        cable.cut()
        await asyncio.sleep(4)
        assert not any("Due" in text for text in stage.texts())
        await cable.join()
        joined = time.monotonic()
        await stage.shows("⏰ feed the cat", "Due", within=40)
        assert time.monotonic() - joined < 12
    cable.cut()
    assert sum("feed the cat" in text and "Due" in text for text in stage.texts()) == 1
