"""Alive is not enough: what goes wrong is told in one sentence, and over soon after its cause."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest
from daemon.stage import Stage
from scale import scaled
from strict_ollama import Answer, Body, Called, Calls, Fail, Installed, Text, in_turn, say
from strict_telegram import TERMINATED, Broken, Hang, Refuse

RECOVERED = 10.0
"""Seconds from the end of a fault until all works again."""
DEAF: dict[str, tuple[Broken | Hang | Refuse, float, float]] = {
    "refused": (Broken(502), 3.0, RECOVERED),
    "another polls": (TERMINATED, scaled(3.0, 120.0), scaled(RECOVERED, 62.0)),
    "black hole": (Hang(), scaled(0.0, 100.0), RECOVERED),
}
"""What polls meet, for how many seconds, and after how many more it hears again.

Each poll cuts the other program off, so it waits up to a minute where that goes on.
"""


@pytest.mark.parametrize("case", [name for name, (_, seconds, _) in DEAF.items() if seconds])
async def test_it_hears_again_soon_after_polls_work_again(stage: Stage, case: str) -> None:
    """It polls once a second at most meanwhile, and loses nothing."""
    fault, seconds, recovered = DEAF[case]
    stage.plays(say("I hear you"))
    async with stage.start() as daemon:
        await daemon.ready()
        polls = len(stage.telegram.calls("getUpdates"))
        broken = stage.telegram.fault(fault, "getUpdates", times=None)
        stage.ask("do you hear me?")
        await asyncio.sleep(seconds)
        assert "I hear you" not in "".join(stage.texts())
        tried = len(stage.telegram.calls("getUpdates")) - polls
        assert tried <= seconds + 2
        stage.telegram.heal(broken)
        healed = time.monotonic()
        await stage.shows("I hear you", "⏱", within=2 * recovered)
        assert time.monotonic() - healed < recovered
        assert daemon.running


@asynccontextmanager
async def full_disk(dsn: str) -> AsyncIterator[None]:
    """Let every write of a message or a turn fail as on a full disk."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(
            "CREATE FUNCTION disk_is_full() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "RAISE EXCEPTION 'could not extend file: No space left on device' "
            "USING ERRCODE = 'disk_full'; END $$"
        )
        for table in ("inbox", "turns"):
            await connection.execute(
                f"CREATE TRIGGER full_disk BEFORE INSERT OR UPDATE ON {table} "
                "FOR EACH ROW EXECUTE FUNCTION disk_is_full()"
            )
        yield
    finally:
        await connection.execute("DROP FUNCTION disk_is_full CASCADE")
        await connection.close()


async def test_a_full_disk_is_told_once_and_waited_for(stage: Stage, dsn: str) -> None:
    """The answer under way is shown; what comes meanwhile is answered when there is room again."""
    stage.plays(in_turn([Text("half "), Text("of it"), Text(" and all", delay=1.5)], say("next")))
    async with stage.start() as daemon:
        await daemon.ready()
        stage.ask("tell me")
        await stage.shows("half")
        async with full_disk(dsn):
            stage.ask("and then?")
            await stage.shows("disk is full", "is answered after it")
            stage.ask("/status")
            await stage.shows("disk is full", "step 1")
            await stage.shows("of it and all")
            await asyncio.sleep(2)
        healed = time.monotonic()
        await stage.shows("next", "⏱", within=2 * RECOVERED)
        assert time.monotonic() - healed < RECOVERED
        await stage.shows("of it and all", "⏱", within=2 * RECOVERED)
    assert sum("is answered after it" in text for text in stage.texts()) == 1


def gone_mad(body: Body) -> Answer:
    """Call the same tool for ever, or say the same for ever."""
    asked = [message["content"] for message in body["messages"] if message["role"] == "user"]
    if "repeat" in asked[-1]:
        return [Text(word) for _ in range(400) for word in ("I am sure ", "that it is so. ")]
    return [Calls((Called("clock", {}),))]


@pytest.mark.parametrize(
    ("asked", "told"),
    [("loop", "a third time in a row"), ("repeat", "I was repeating myself")],
)
async def test_a_model_without_an_end_is_ended_with_a_way_on(
    stage: Stage, asked: str, told: str
) -> None:
    """In a sentence, below what it has said so far."""
    stage.ollama.install(Installed("tiny", gone_mad))
    async with stage.start() as daemon:
        await daemon.ready()
        stage.ask(asked)
        await stage.shows(told, "⏱", within=30)
    assert len(stage.ollama.chats) <= 4


async def test_a_model_host_out_of_memory_is_told_once(stage: Stage) -> None:
    """It is asked every few seconds, not again and again."""
    stage.plays([Fail("model requires more system memory (8.0 GiB) than is available (2.0 GiB)")])
    async with stage.start() as daemon:
        await daemon.ready()
        stage.ask("hello")
        await stage.shows("too little memory", "/model")
        await asyncio.sleep(3)
        assert len(stage.ollama.chats) <= 4
        stage.plays(say("better now"))
        healed = time.monotonic()
        await stage.shows("better now", "⏱", within=2 * RECOVERED)
        assert time.monotonic() - healed < RECOVERED
    assert len(stage.texts()) == 1
