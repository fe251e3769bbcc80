"""Wakes rooms: procrastinate carries a room's number from commit to handler.

A job says only "take this room's next turn"; the turns table is the queue and
the truth. Jobs of one room share a lock, so they run one after another, and
the queue of a job is the bot account whose lease its daemon holds. A job that
a dead daemon was doing is given back at once when the next one starts, and by
a sweep elsewhere: the library frees nothing by itself. Nor does it write a
job's end again that the database did not take; the sweep gives back such jobs.

A handler outlives the worker that began it: when the database goes away, the
library cuts off its jobs after a while, but a turn has nothing to fear from
that. Only leaving cancels handlers, after their drain.
"""

import asyncio
import select
from collections.abc import Awaitable, Callable, Iterable, Sequence
from types import TracebackType
from typing import Any, Self

import procrastinate
import psycopg
import psycopg_pool
import structlog
from procrastinate.jobs import Job
from psycopg.abc import RV, PQGen

from navi_bot.errors import NaviError, StoreError, StoreUnavailable
from navi_bot.messages import RoomId
from navi_bot.store.job_ends import LOST, JobEnds
from navi_bot.store.migrate import QUEUE_SCHEMA
from navi_bot.store.pool import Connection

log = structlog.get_logger()

TASK = "navi.wake_room"
HEARTBEAT = 2.0
STALE_AFTER = 10.0
SWEEP_EVERY = 5.0
POLL_EVERY = 1.0
"""Seconds between looks for jobs that are due later; others are notified."""
WAIT_LOOK = 60.0
"""Seconds between looks whether a wait was interrupted; asyncio tells that by itself."""
ANSWER_WITHIN = 3.0
"""Seconds for one statement, all of which take milliseconds; a lost route never says goodbye."""
NEVER = 1e9
"""Seconds between looks for jobs to be aborted: none is, a turn is stopped by its token."""
OPEN_TIMEOUT = 5.0
"""Seconds to reach the database, with which the store has just spoken."""
RESTART_FIRST, RESTART_LAST = 0.5, 4.0
"""Seconds until a worker that lost the database is started again; people wait for it."""
AGAIN = procrastinate.RetryStrategy(max_attempts=8, exponential_wait=2)
"""A wake-up that fails comes again after 2, 4, 8 … seconds."""

WAKE = """(
    SELECT procrastinate.procrastinate_defer_jobs_v1(ARRAY[ROW(
        woken.queue, 'navi.wake_room', 0, 'room:' || woken.room_id, NULL,
        jsonb_build_object('room', woken.room_id), woken.due
    )::procrastinate.procrastinate_job_to_defer_v1])
    FROM woken
)"""
"""Wakes a room once the statement commits, as a value of what it selects.

The statement has a part `woken`, of one row or none: room_id, queue, due
(NULL: at once).
"""

_WAKE = (
    """
WITH woken AS (
    SELECT $2::bigint AS room_id, $1::text AS queue,
        CASE WHEN $3::float8 > 0 THEN now() + make_interval(secs => $3::float8) END AS due
)
SELECT """
    + WAKE
)


def queue_name(platform: str, account: str) -> str:
    return f"{platform}:{account}"


async def wake(
    connection: Connection, room: int, platform: str, account: str, delay: float = 0.0
) -> None:
    """Have the room's next turn taken once the running transaction commits.

    `delay` is in seconds.
    """
    await connection.fetchval(_WAKE, queue_name(platform, account), room, delay)


async def _commit_each(connection: psycopg.AsyncConnection) -> None:
    """Have each statement be a transaction, which spares two round trips: none needs more."""
    await connection.set_autocommit(True)


async def _check(connection: psycopg.AsyncConnection) -> None:
    """Ask only a connection on which the server said something by itself: it may be gone.

    The library asks before every statement, which doubles its round trips.
    """
    heard = select.poll()
    heard.register(connection.fileno(), select.POLLIN)
    if connection.closed or heard.poll(0):
        await psycopg_pool.AsyncConnectionPool.check_connection(connection)


class _Quiet(psycopg.AsyncConnection[Any]):
    """Wakes for what the server says alone; the driver's own looks up ten times a second.

    A statement that is not answered in time ends its connection; only listening
    (which says so) may last for ever.
    """

    async def wait(
        self,
        gen: PQGen[RV],
        interval: float = WAIT_LOOK,
        timeout: float | None = ANSWER_WITHIN,  # noqa: ASYNC109 - the driver's own signature
    ) -> RV:
        try:
            return await super().wait(gen, interval, timeout)
        except psycopg.OperationalError:
            self.pgconn.finish()
            raise


def _pool(**arguments: Any) -> psycopg_pool.AsyncConnectionPool:
    changed = {"check": _check, "connection_class": _Quiet}
    return psycopg_pool.AsyncConnectionPool(**{**arguments, **changed})


class Wakeups:
    """Async context manager: hears wake-ups and runs the handler for each."""

    def __init__(
        self,
        dsn: str,
        queues: Sequence[str],
        concurrency: int,
        handler: Callable[[RoomId], Awaitable[None]],
        *,
        drain: float = 5.0,
    ) -> None:
        self._queues = list(queues)
        self._concurrency = concurrency
        self._handler = handler
        self._drain = drain
        self._tasks = asyncio.TaskGroup()
        self._working: list[asyncio.Task[None]] = []
        self._handling: set[asyncio.Task[Exception | None]] = set()
        self._stopping = False
        self._app = procrastinate.App(
            connector=procrastinate.PsycopgConnector(
                pool_factory=_pool,
                configure=_commit_each,
                conninfo=dsn,
                min_size=1,
                max_size=3,
                timeout=OPEN_TIMEOUT,
                kwargs={
                    # Jobs are only wake-ups: one that a power cut brings back finds nothing to do.
                    "options": f"-c search_path={QUEUE_SCHEMA} -c synchronous_commit=off",
                    "application_name": "navi-bot queue",
                },
            )
        )
        self._app.job_manager = self._jobs = JobEnds(self._app.connector)
        self._app.task(name=TASK, retry=AGAIN)(self._handle)

    async def __aenter__(self) -> Self:
        try:
            await self._open()
        except LOST as error:
            await self._app.close_async()
            raise StoreUnavailable("The database does not answer now.") from error
        await self._tasks.__aenter__()
        self._working = [
            self._tasks.create_task(self._work()),
            self._tasks.create_task(self._sweep()),
        ]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopping = True
        for task in self._working:  # once: told twice, the library leaves tasks behind
            task.cancel()
        try:
            if self._handling:
                await asyncio.wait(set(self._handling), timeout=self._drain)
        finally:
            for handling in self._handling:
                handling.cancel()
            try:
                await self._tasks.__aexit__(None, None, None)  # told of `error`, it would wrap it
            finally:
                await self._app.close_async()

    async def _open(self) -> None:
        """Reach the database anew, and free the jobs that nobody does any more."""
        await self._app.close_async()
        async with asyncio.timeout(OPEN_TIMEOUT):
            await self._app.open_async()
            await self._give_back(await self._jobs.list_jobs_async(status="doing"))

    async def _handle(self, room: int) -> None:
        """Be the library's job for as long as the room's handler runs.

        A wake-up that came to nothing is made again: the turn still waits.
        """
        handling = self._tasks.create_task(self._handled(RoomId(room)))
        self._handling.add(handling)
        handling.add_done_callback(self._handling.discard)
        if (error := await asyncio.shield(handling)) is not None:
            raise error

    async def _handled(self, room: RoomId) -> Exception | None:
        """Run the handler, again while the database is away; the boundary of one room's turn."""
        wait = RESTART_FIRST
        try:
            while not await self._attempted(room):
                await asyncio.sleep(wait)
                wait = min(wait * 2, RESTART_LAST)
        except NaviError as error:
            log.error("wake_failed", room=room, error=str(error))
            return error
        except Exception as error:
            log.exception("wake_crashed", room=room)
            return error
        return None

    async def _attempted(self, room: RoomId) -> bool:
        try:
            await self._handler(room)
        except (StoreUnavailable, StoreError) as error:
            log.warning("wake_postponed", room=room, error=str(error))
            return False
        return True

    async def _work(self) -> None:
        """Run the worker; when the database goes away, start it again later."""
        wait = RESTART_FIRST
        while not self._stopping:
            try:
                await self._run_worker()
                wait = RESTART_FIRST
            except LOST as error:
                if self._stopping:
                    return
                log.warning("queue_lost", error=type(error).__name__, retry_in=wait)
            await asyncio.sleep(wait)
            wait = min(wait * 2, RESTART_LAST)
            try:
                await self._open()
            except LOST as error:
                log.warning("queue_lost", error=type(error).__name__, retry_in=wait)

    async def _run_worker(self) -> None:
        await self._app.run_worker_async(
            queues=self._queues,
            concurrency=self._concurrency,
            fetch_job_polling_interval=POLL_EVERY,
            abort_job_polling_interval=NEVER,
            shutdown_graceful_timeout=0.0,  # the handlers have a drain of their own
            delete_jobs="always",
            install_signal_handlers=False,
            update_heartbeat_interval=HEARTBEAT,
            stalled_worker_timeout=STALE_AFTER,
        )

    async def _sweep(self) -> None:
        """Give back the jobs of workers that died elsewhere, and ours that did not end."""
        while True:
            await asyncio.sleep(SWEEP_EVERY)
            try:
                await self._give_back(await self._jobs.unwritten())
                await self._give_back(
                    await self._jobs.get_stalled_jobs(seconds_since_heartbeat=STALE_AFTER)
                )
            except LOST as error:
                log.warning("queue_not_swept", error=type(error).__name__)

    async def _give_back(self, jobs: Iterable[Job]) -> None:
        for job in jobs:
            if job.queue in self._queues and job.id is not None:
                log.info("wake_given_back", job=job.id)
                await self._jobs.give_back(job.id)
