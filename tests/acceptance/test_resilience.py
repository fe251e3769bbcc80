"""What breaks around the daemon, and how it goes on."""

import asyncio
import os
import signal
import time
from pathlib import Path

from daemon.cable import Cable
from daemon.stage import Stage
from strict_ollama import Answer, Body, Hold, Pause, Text, in_turn, say


async def test_a_second_daemon_stands_by_and_takes_over(stage: Stage, tmp_path: Path) -> None:
    """One account, one server at a time; after kill -9 the other goes on with the turn."""
    stage.plays(in_turn([Text("half an "), Pause(60)], say("half an answer, whole")))
    async with stage.start() as first:
        await first.ready()
        async with stage.start(NAVI_DATA_DIR=str(tmp_path / "other")) as second:
            await second.event("standing_by", within=20)
            await second.ready()
            stage.ask("tell me")
            await stage.shows("half an")
            assert not any(line.get("event") == "turn_started" for line in second.log)
            await asyncio.sleep(0.3)  # a kill within the first send's round trip may repeat it
            first.kill()
            began = time.monotonic()
            await second.event("account_online", within=20, nth=2)  # its console came first
            taken = time.monotonic() - began
            await stage.shows("half an answer, whole", "⏱", within=20)
    assert taken < 10
    assert len(stage.texts()) == 1


async def test_a_database_that_is_away_at_the_start_is_waited_for(stage: Stage) -> None:
    """Nothing is polled meanwhile; it says what it waits for, and serves once it answers."""
    stage.plays(say("good morning"))
    cable = Cable(stage.environment["NAVI_DATABASE_URL"])
    await cable.join()
    cable.cut()
    async with stage.start(NAVI_DATABASE_URL=cable.dsn) as daemon:
        said = await daemon.event("database_awaited", within=20)
        assert "Start it, or correct NAVI_DATABASE_URL" in said["error"]
        stage.ask("hello")
        await asyncio.sleep(3)
        assert not any(line.get("event") == "account_online" for line in daemon.log)
        await cable.join()
        joined = time.monotonic()
        await stage.shows("good morning", "⏱", within=20)
        assert time.monotonic() - joined < 10
        assert sum(line.get("event") == "database_awaited" for line in daemon.log) == 1
    cable.cut()


async def test_a_database_that_goes_away_loses_nothing(stage: Stage) -> None:
    """In the middle of a turn: the answer comes, and so does the one to what was written then."""
    hold = asyncio.Event()
    stage.plays(in_turn([Text("wait "), Hold(hold), Text("for it")], say("next")))
    cable = Cable(stage.environment["NAVI_DATABASE_URL"])
    await cable.join()
    async with stage.start(NAVI_DATABASE_URL=cable.dsn) as daemon:
        await daemon.ready()
        stage.ask("tell me")
        await stage.shows("wait")
        cable.cut()
        stage.ask("while it is away")
        hold.set()
        await asyncio.sleep(3)
        assert daemon.running
        await cable.join()
        joined = time.monotonic()
        await stage.shows("for it", "⏱", within=40)
        await stage.shows("next", "⏱", within=40)
        assert time.monotonic() - joined < 10
    cable.cut()
    assert sum("for it" in text for text in stage.texts()) == 1


def postmaster(stage: Stage) -> int:
    """Return the process id of the daemon's own database server."""
    return int((stage.data_dir / "postgres" / "postmaster.pid").read_text().split()[0])


async def test_an_own_database_that_is_killed_is_started_again(stage: Stage) -> None:
    """kill -9 in the middle of a turn: said at once, and the answer comes all the same."""
    del stage.environment["NAVI_DATABASE_URL"]
    hold = asyncio.Event()
    stage.plays(in_turn([Text("wait "), Hold(hold), Text("for it")], say("next")))
    async with stage.start() as daemon:
        await daemon.ready()
        stage.ask("tell me")
        await stage.shows("wait")
        os.kill(postmaster(stage), signal.SIGKILL)
        await daemon.event("database_ended", within=5)
        hold.set()
        await daemon.event("database_restarted", within=20)
        stage.ask("and now?")
        await stage.shows("for it", "⏱", within=40)
        await stage.shows("next", "⏱", within=40)
        daemon.terminate()
        assert await daemon.ended(20) == 0
    assert sum("for it" in text for text in stage.texts()) == 1


async def test_an_own_database_that_dies_again_ends_the_daemon(stage: Stage) -> None:
    """Once is mended in silence, twice in a row is not."""
    del stage.environment["NAVI_DATABASE_URL"]
    async with stage.start() as daemon:
        await daemon.ready()
        os.kill(postmaster(stage), signal.SIGKILL)
        await daemon.event("database_restarted", within=20)
        os.kill(postmaster(stage), signal.SIGKILL)
        assert await daemon.ended(20) == 1
    assert daemon.raw[-1].startswith("The database server ends again and again.")


async def test_an_own_database_that_cannot_be_started_again_ends_the_daemon(stage: Stage) -> None:
    """One sentence, exit 1: the service manager starts it again."""
    del stage.environment["NAVI_DATABASE_URL"]
    stage.plays(say("hello"))
    async with stage.start() as daemon:
        await daemon.ready()
        (stage.data_dir / "postgres" / "global" / "pg_control").write_bytes(b"")
        os.kill(postmaster(stage), signal.SIGKILL)
        began = time.monotonic()
        assert await daemon.ended(40) == 1
        assert time.monotonic() - began < 15
    words = [line for line in daemon.raw if not line.startswith("{")]
    assert [line.partition(":")[0] for line in words] == ["The database server did not start"]


async def test_an_old_backlog_is_asked_about_once(stage: Stage) -> None:
    """Messages older than NAVI_STALE_AFTER are not answered blindly."""
    asked: list[str] = []

    def script(body: Body) -> Answer:
        asked.append(str(body))
        return [Text("late, but here")]

    stage.plays(script)
    for number in range(3):
        stage.telegram.say(stage.chat, stage.ann, f"old {number}", age=7 * 3600)
    async with stage.start() as daemon:
        await daemon.ready()
        await stage.shows("3 messages")
        question = stage.telegram.last(stage.chat)
        assert question is not None
        assert asked == []
        await stage.press(question, "Answer")
        await stage.telegram.wait_for(
            lambda: sum("late, but here" in text for text in stage.texts()) >= 1, timeout=30
        )
        await daemon.event("turn_ended")
    assert all("old" in one for one in asked)


async def test_the_daemon_ends_within_its_drain(stage: Stage) -> None:
    """SIGTERM: an idle daemon in two seconds, a busy one within its drain and a little."""
    stage.plays([Text("busy "), Pause(60)])
    async with stage.start() as idle:
        await idle.ready()
        began = time.monotonic()
        idle.terminate()
        assert await idle.ended(10) == 0
        assert time.monotonic() - began < 2.5
        assert idle.log[-1]["event"] == "daemon_stopped"
    async with stage.start(NAVI_DRAIN="1") as busy:
        await busy.ready()
        stage.ask("tell me")
        await stage.shows("busy")
        began = time.monotonic()
        busy.terminate()
        assert await busy.ended(15) == 0
        assert time.monotonic() - began < 6


async def test_a_refused_token_ends_the_daemon_while_it_runs(stage: Stage) -> None:
    """401 at any time: one sentence, exit 78, no restart loop."""
    async with stage.start() as daemon:
        await daemon.ready()
        stage.telegram.revoke_token()
        stage.ask("hello")
        assert await daemon.ended(40) == 78
    assert "@BotFather" in daemon.raw[-1]
