"""Wake-ups: from commit to handler, once a room at a time, over crashes."""

import asyncio
import statistics
import time
from collections.abc import Callable

import asyncpg
from daemon.cable import Cable

from navi_bot.messages import RoomId
from navi_bot.store.pool import transaction
from navi_bot.store.queue import POLL_EVERY, SWEEP_EVERY, Wakeups, queue_name, wake

QUEUE = queue_name("test", "1")


async def until(predicate: Callable[[], object], within: float = 5.0) -> None:
    async with asyncio.timeout(within):
        while not predicate():  # noqa: ASYNC110  # the queue tells nobody
            await asyncio.sleep(0.005)


async def test_a_commit_wakes_the_room_and_a_rollback_does_not(
    dsn: str, database: asyncpg.Pool
) -> None:
    heard: list[RoomId] = []

    async def handler(room: RoomId) -> None:
        heard.append(room)

    async with Wakeups(dsn, [QUEUE], 4, handler):
        try:
            async with transaction(database) as connection:
                await wake(connection, 7, "test", "1")
                raise LookupError
        except LookupError:
            pass
        async with transaction(database) as connection:
            await wake(connection, 8, "test", "1")
        await until(lambda: heard)
        await asyncio.sleep(0.05)
    assert heard == [8]


async def test_rooms_do_not_wait_for_each_other_and_one_room_does(
    dsn: str, database: asyncpg.Pool
) -> None:
    running: dict[RoomId, int] = {}
    most: dict[RoomId, int] = {}
    ended: list[RoomId] = []
    together = 0

    async def handler(room: RoomId) -> None:
        nonlocal together
        running[room] = running.get(room, 0) + 1
        most[room] = max(most.get(room, 0), running[room])
        together = max(together, sum(running.values()))
        await asyncio.sleep(0.05)
        running[room] -= 1
        ended.append(room)

    async with Wakeups(dsn, [QUEUE], 8, handler):
        for _ in range(3):
            for room in (1, 2, 3):
                async with transaction(database) as connection:
                    await wake(connection, room, "test", "1")
        await until(lambda: len(ended) == 9)
    assert set(most.values()) == {1}
    assert together > 1


async def test_the_next_of_a_room_waits_for_no_look(dsn: str, database: asyncpg.Pool) -> None:
    """Six wake-ups of one room come right after one another, not one a look."""
    heard: list[RoomId] = []

    async def handler(room: RoomId) -> None:
        await asyncio.sleep(0.01)
        heard.append(room)

    async with Wakeups(dsn, [QUEUE], 4, handler):
        began = time.monotonic()
        for _ in range(6):
            async with transaction(database) as connection:
                await wake(connection, 1, "test", "1")
        await until(lambda: len(heard) == 6, within=20)
        assert time.monotonic() - began < 2.5 * POLL_EVERY


async def test_a_failing_handler_is_heard_again(dsn: str, database: asyncpg.Pool) -> None:
    """It harms nobody, and what it was woken for still waits; jobs that are done go."""
    heard: list[RoomId] = []

    async def handler(room: RoomId) -> None:
        heard.append(room)
        if room == 1:
            raise ValueError("a bug")

    async with Wakeups(dsn, [QUEUE], 1, handler):
        for room in (1, 2):
            async with transaction(database) as connection:
                await wake(connection, room, "test", "1")
        await until(lambda: len(heard) == 2)
    async with transaction(database) as connection:
        left = await connection.fetch(
            "SELECT args ->> 'room' AS room, status::text, scheduled_at > now() AS later "
            "FROM procrastinate.procrastinate_jobs"
        )
    assert [tuple(job) for job in left] == [("1", "todo", True)]


async def test_a_dead_daemons_job_is_given_back_at_once(dsn: str, database: asyncpg.Pool) -> None:
    """After kill -9 a job stays `doing` for ever unless somebody frees it."""
    async with transaction(database) as connection:
        await wake(connection, 5, "test", "1")
        worker = await connection.fetchval(
            "INSERT INTO procrastinate.procrastinate_workers DEFAULT VALUES RETURNING id"
        )
        await connection.execute(
            "UPDATE procrastinate.procrastinate_jobs SET status = 'doing', worker_id = $1", worker
        )
    heard: list[RoomId] = []

    async def handler(room: RoomId) -> None:
        heard.append(room)

    began = time.monotonic()
    async with Wakeups(dsn, [QUEUE], 1, handler):
        await until(lambda: heard)
    assert time.monotonic() - began < 3


async def test_leaving_waits_for_the_drain_and_then_cancels(
    dsn: str, database: asyncpg.Pool
) -> None:
    outcome: list[str] = []
    begun = asyncio.Event()

    async def handler(room: RoomId) -> None:
        begun.set()
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            outcome.append("cancelled")
            raise

    began = time.monotonic()
    async with Wakeups(dsn, [QUEUE], 1, handler, drain=0.2):
        async with transaction(database) as connection:
            await wake(connection, 5, "test", "1")
        await asyncio.wait_for(begun.wait(), 5)
    assert outcome == ["cancelled"]
    assert time.monotonic() - began < 5


async def test_a_later_wake_up_comes_when_it_is_due(dsn: str, database: asyncpg.Pool) -> None:
    heard: list[float] = []

    async def handler(room: RoomId) -> None:
        heard.append(time.monotonic())

    async with Wakeups(dsn, [QUEUE], 1, handler):
        began = time.monotonic()
        async with transaction(database) as connection:
            await wake(connection, 5, "test", "1", delay=0.5)
        await until(lambda: heard)
    assert 0.5 <= heard[0] - began < 2.5


async def test_a_wake_up_is_heard_soon_after_the_commit(dsn: str, database: asyncpg.Pool) -> None:
    """By notification, not by the poll of one second."""
    heard = asyncio.Event()

    async def handler(room: RoomId) -> None:
        heard.set()

    delays = []
    async with Wakeups(dsn, [QUEUE], 1, handler):
        await asyncio.sleep(0.3)
        for _ in range(20):
            heard.clear()
            async with transaction(database) as connection:
                await wake(connection, 5, "test", "1")
            began = time.monotonic()
            await asyncio.wait_for(heard.wait(), 5)
            delays.append(time.monotonic() - began)
    assert statistics.median(delays) < 0.2, "a fifth of the poll's second"


async def test_a_wake_up_is_heard_after_the_server_cut_the_connections(
    dsn: str, database: asyncpg.Pool
) -> None:
    """No wake-up is lost, however the worker learns of it: no connection is asked each time."""
    heard: list[RoomId] = []

    async def handler(room: RoomId) -> None:
        heard.append(room)

    async with Wakeups(dsn, [QUEUE], 4, handler):
        for room in (7, 8):
            async with transaction(database) as connection:
                await wake(connection, room, "test", "1")
            await until(lambda room=room: room in heard)  # type: ignore[misc]  # bound at once
            await database.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                "WHERE application_name = 'navi-bot queue' AND datname = current_database()"
            )
        async with transaction(database) as connection:
            await wake(connection, 9, "test", "1")
        await until(lambda: 9 in heard)


WRITES_AN_END = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
WHERE application_name = 'navi-bot queue' AND datname = current_database()
  AND query LIKE '%finish_job%' AND wait_event_type = 'Lock'
"""


async def test_a_room_whose_end_was_not_written_is_heard_again(
    dsn: str, database: asyncpg.Pool
) -> None:
    """The connection breaks just then, and no other: nobody but us knows that the job is over."""
    heard: list[RoomId] = []
    held = asyncio.Event()

    async def handler(room: RoomId) -> None:
        heard.append(room)
        await held.wait()

    async with Wakeups(dsn, [QUEUE], 4, handler):
        async with transaction(database) as connection:
            await wake(connection, 7, "test", "1")
        await until(lambda: heard)
        async with transaction(database) as connection:
            await connection.execute("SELECT FROM procrastinate.procrastinate_jobs FOR UPDATE")
            held.set()
            async with asyncio.timeout(5):
                while not await database.fetch(WRITES_AN_END):  # noqa: ASYNC110  # as above
                    await asyncio.sleep(0.01)
        async with transaction(database) as connection:
            await wake(connection, 7, "test", "1")
        await until(lambda: len(heard) >= 2, within=SWEEP_EVERY + 2 * POLL_EVERY)


async def test_a_wake_up_is_heard_although_the_route_was_lost(
    dsn: str, database: asyncpg.Pool
) -> None:
    """Connections stay open and never answer again; new ones do."""
    cable = Cable(dsn)
    await cable.join()
    heard: list[RoomId] = []

    async def handler(room: RoomId) -> None:
        heard.append(room)

    async with Wakeups(cable.dsn, [QUEUE], 4, handler):
        cable.hang()
        async with transaction(database) as connection:
            await wake(connection, 7, "test", "1")
        await asyncio.sleep(0.05)
        cable.flow(forget=True)
        await until(lambda: heard, within=10)
    cable.cut()
