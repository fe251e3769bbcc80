"""Stops are heeded as long as an account has turns: also while they drain, polling over."""

import asyncio
from types import TracebackType
from typing import Self

import structlog

from navi_bot.ports.platform import Adapter, Heed, LooksOut

log = structlog.get_logger()


class LookOut:
    """Async context manager; does nothing where the adapter cannot look out."""

    def __init__(self, adapter: Adapter, heed: Heed) -> None:
        self._adapter = adapter
        self._heed = heed
        self._group = asyncio.TaskGroup()

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        self._task = self._group.create_task(self._run())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._task.cancel()
        await self._group.__aexit__(None, None, None)  # told of `error`, it would wrap it

    async def _run(self) -> None:
        """Look out; the boundary of its faults: a stop then waits its turn, nothing else does."""
        if not isinstance(self._adapter, LooksOut):
            return
        try:
            await self._adapter.look_out(self._heed)
        except Exception:
            log.exception("look_out_ended", platform=self._adapter.platform)
