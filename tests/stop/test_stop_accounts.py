"""What a stop says, and that it is heard and leaves nothing where it is hard to."""

import asyncio
import time
from pathlib import Path

from marked_processes import gone, grown
from stopping.crowd import Crowd, Member, crowd
from stopping.rounds import STOPPED


async def reply(scene: Crowd, member: Member) -> list[str]:
    """Wait for the answer to a /stop, a message without a button; return its lines."""

    def found(one: Member) -> list[str]:
        texts = [
            message.text
            for message in scene.telegram.messages(one.chat)
            if message.id > one.seen and message.text.startswith(f"⏹ {STOPPED}\n")
        ]
        return texts[-1].splitlines() if texts else []

    await scene.until(found, [member])
    return found(member)


async def test_a_stop_accounts_for_all_that_was_asked(tmp_path: Path, dsn: str) -> None:
    """What was cancelled, what had finished, what stays done, what waited; kill -9 is thorough."""
    async with crowd(tmp_path, dsn, people=3, parallel=4) as scene:
        working, silent, growing = scene.members
        for member, kind in ((working, "deaf"), (silent, "prefill"), (growing, "grow")):
            scene.ask(member, kind)
        await scene.until(scene.record, scene.members)
        await scene.until(
            lambda one: (live := scene.live(one)) is not None and "deaf" in live.text, [working]
        )
        scene.say(silent, "and another thing")
        await scene.waiting(1)
        scene.say(working, "/stop")
        scene.say(silent, "/stop")
        assert await reply(scene, working) == [
            "⏹ Stopped.",
            "Cancelled: deaf, clock.",
            "Had finished: clock.",
            "Cannot be undone: deaf.",
        ]
        assert await reply(scene, silent) == [
            "⏹ Stopped.",
            "Cancelled: the answer.",
            "Waiting messages dropped: 1.",
        ]
        assert scene.shown(working, "⏹ Stopped. Cannot be undone: deaf.", 0.0)
        await grown(growing.token, 7)
        scene.daemon.kill()
        await gone(growing.token, within=5)


async def test_a_stop_is_heard_behind_what_the_database_does_not_take(
    tmp_path: Path, dsn: str
) -> None:
    """Also when the account has gone offline for it, and when a daemon drains."""
    async with crowd(tmp_path, dsn, people=2, parallel=4) as scene:
        before, after = scene.members
        for member in scene.members:
            scene.ask(member, "stream")
        await scene.until(scene.live, scene.members)
        scene.cable.hang()
        scene.say(after, "another question")  # taking it in lasts as long as the database likes
        await asyncio.sleep(0.3)
        await closes(scene, before)
        await scene.daemon.event("leases_lost", within=8)
        await closes(scene, after)
        scene.cable.flow()
        await scene.ended([before.token, after.token], within=30)
        await scene.daemon.event("account_online", nth=3, within=20)  # the console's is the first
        scene.ask(before, "stream")
        await scene.until(scene.live, [before])
        scene.daemon.terminate()
        await asyncio.sleep(0.3)
        await closes(scene, before)
        assert await scene.daemon.ended(15) == 0
        assert scene.shown(before, STOPPED, 0.0)


async def closes(scene: Crowd, member: Member) -> None:
    """Stop somebody's answer; its model connection is closed in time."""
    asked = time.monotonic()
    scene.say(member, "/stop")
    await scene.until(scene.is_closed, [member])
    assert scene.records[member.token].ended - asked < 2
