"""Ends of wake-up jobs that the database did not take.

A job that has run but counts as being done still holds its room's lock, and
nobody frees it for as long as its worker lives.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

import psycopg
import structlog
from procrastinate.connector import BaseConnector
from procrastinate.exceptions import ProcrastinateException
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager

log = structlog.get_logger()

LOST = (ProcrastinateException, psycopg.Error, OSError)
"""What the library raises when the database is away."""


class JobEnds(JobManager):
    """The library's manager; an end that is not written is kept, not raised.

    It would be raised into a task of the library's that nobody waits for.
    """

    def __init__(self, connector: BaseConnector) -> None:
        super().__init__(connector)
        self._unwritten: set[int] = set()

    async def finish_job(self, job: Job, status: Status, delete_job: bool) -> None:
        with self._kept(job):
            await super().finish_job(job, status, delete_job)

    async def retry_job(
        self,
        job: Job,
        retry_at: datetime | None = None,
        priority: int | None = None,
        queue: str | None = None,
        lock: str | None = None,
    ) -> None:
        with self._kept(job):
            await super().retry_job(job, retry_at, priority, queue, lock)

    async def unwritten(self) -> Sequence[Job]:
        """Return the jobs that have ended for us but not for the database."""
        if not self._unwritten:
            return ()
        doing = await self.list_jobs_async(status="doing")
        self._unwritten.intersection_update(job.id for job in doing)
        return [job for job in doing if job.id in self._unwritten]

    async def give_back(self, job: int) -> None:
        """Have a job done again, at once."""
        await self.retry_job_by_id_async(job, retry_at=datetime.now(UTC))
        self._unwritten.discard(job)

    @contextmanager
    def _kept(self, job: Job) -> Iterator[None]:
        try:
            yield
        except LOST as error:
            log.warning("wake_not_ended", job=job.id, error=type(error).__name__)
            if job.id is not None:
                self._unwritten.add(job.id)
