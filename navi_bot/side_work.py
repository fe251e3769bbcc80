"""Work beside the rooms' queues: each piece in a task of its own, its faults its own.

What was begun for a room can be waited for, so that it has its effect before
what came after it.
"""

import asyncio
from collections.abc import Coroutine
from functools import partial
from types import TracebackType
from typing import Self

import structlog

from navi_bot.errors import NaviError
from navi_bot.messages import Address

log = structlog.get_logger()

ORDER_WAIT = 0.5
"""Seconds that what came later waits at most."""

LEAVE_WAIT = 2.0
"""Seconds that work which is under way gets when the account goes offline."""


class SideWork:
    """Async context manager; leaving it waits for what is under way, but not for long.

    An error cuts it off at once. What is cut off is not marked as handled.
    """

    def __init__(self, leave_wait: float = LEAVE_WAIT) -> None:
        self._leave_wait = leave_wait
        self._group = asyncio.TaskGroup()
        self._tasks: set[asyncio.Task[None]] = set()
        self._under_way: dict[Address, set[asyncio.Task[None]]] = {}

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None and self._tasks:
            await asyncio.wait(self._tasks, timeout=self._leave_wait)
        for task in self._tasks:
            task.cancel()
        # Not told of `error`: it would come out wrapped in a group.
        await self._group.__aexit__(None, None, None)

    def start(self, work: Coroutine[None, None, None], what: str) -> asyncio.Task[None]:
        """Begin a piece of work; `what` names it in the log if it fails."""
        task = self._group.create_task(_guarded(work, what))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def start_in(self, room: Address, work: Coroutine[None, None, None], what: str) -> None:
        """Begin a piece of work that what comes later in the room waits for."""
        task = self.start(work, what)
        self._under_way.setdefault(room, set()).add(task)
        task.add_done_callback(partial(self._done, room))

    async def settled(self, room: Address) -> None:
        """Wait, but not for long, until the room's work has had its effect."""
        if tasks := self._under_way.get(room):
            await asyncio.wait(tasks, timeout=ORDER_WAIT)

    def _done(self, room: Address, task: asyncio.Task[None]) -> None:
        tasks = self._under_way[room]
        tasks.discard(task)
        if not tasks:
            del self._under_way[room]


async def _guarded(work: Coroutine[None, None, None], what: str) -> None:
    """Run one piece of work; its failure is logged and harms nobody else."""
    try:
        await work
    except NaviError as error:
        log.warning("event_failed", what=what, error=str(error))
    except Exception:
        log.exception("event_crashed", what=what)
