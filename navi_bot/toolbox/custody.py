"""Tool calls under way, and those that do not end when they are told to.

    run ─► the tool ends ─────────────────────► its outcome
            │ its time is over, or a stop ─► cancelled ─► ends soon ──► told so
            │                                   └ does not: left here ─► told so as well
            └ the daemon ends: those are waited for, then left behind

A task group waits for its tasks for ever, so one tool that takes no notice
would hold up the stop, its room and the end of the daemon. Here nobody waits
for such a tool longer than it takes to clean up.
"""

import asyncio
import time
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar

import structlog

log = structlog.get_logger()

T = TypeVar("T")

CLEAN_UP = 0.25
"""Seconds that a cancelled tool is waited for; a stop is to be carried out within 1 s."""
LAST_CLEAN_UP = 1.5
"""Seconds that those left get when the daemon ends; their keepers see to their processes."""


class Overdue(Exception):
    """The call took longer than it may, and was told to end."""


class Custody:
    """Async context manager; one for the daemon."""

    def __init__(self, clean_up: float = CLEAN_UP) -> None:
        """`clean_up`: seconds that a cancelled call is waited for."""
        self._clean_up = clean_up
        self._left: dict[asyncio.Task[Any], tuple[str, float]] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._left:  # not cancelled once more: that would cut their cleaning up short
            await asyncio.wait(tuple(self._left), timeout=LAST_CLEAN_UP)
        for name, _ in self._left.values():
            log.error("tool_never_ended", tool=name)

    @property
    def left(self) -> tuple[str, ...]:
        """The names of tools that were told to end and still run."""
        return tuple(name for name, _ in self._left.values())

    async def run(self, name: str, work: Coroutine[Any, Any, T], seconds: float) -> T:
        """Return what `work` returns, or raise what it raises; Overdue after `seconds`.

        When this is cancelled, so is `work`, and it is waited for a little.
        """
        # Not in a group: see above.
        task = asyncio.get_running_loop().create_task(work)
        try:
            await asyncio.wait((task,), timeout=seconds)
        finally:
            overdue = not task.done()
            if overdue:
                await self._end(name, task)
        if overdue:
            raise Overdue
        if task.cancelled():
            raise RuntimeError("The tool has cancelled itself.")
        return task.result()

    async def _end(self, name: str, task: asyncio.Task[Any]) -> None:
        """Tell a call to end, and leave it if it does not."""
        self._left[task] = (name, time.monotonic())
        task.add_done_callback(self._gone)
        task.cancel()
        await asyncio.wait((task,), timeout=self._clean_up)
        if not task.done():
            log.warning("tool_left", tool=name, after=self._clean_up)

    def _gone(self, task: asyncio.Task[Any]) -> None:
        name, told = self._left.pop(task)
        late = time.monotonic() - told
        if late > self._clean_up:
            log.info("tool_ended_late", tool=name, seconds=round(late, 3))
        if not task.cancelled() and (error := task.exception()) is not None:
            log.info("tool_failed_late", tool=name, fault=type(error).__name__)
