"""A model's stream under watch: stop, silence and leaving all close it.

There is never more than the one step of the stream that its reader waits
for. A stop, or a silence that lasts too long, ends that wait where it stands,
and the stream is closed with it, and so its connection.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from types import TracebackType
from typing import Self

from navi_bot.errors import ModelTimeout
from navi_bot.ports.model import Chunk
from navi_bot.ports.tools import Stop


async def guarded(
    stream: AsyncGenerator[Chunk],
    stop: Stop,
    first: float,
    gap: float,
    clock: Callable[[], float] = time.monotonic,
) -> AsyncGenerator[Chunk]:
    """Pass chunks on; ends early on stop.

    ModelTimeout after `first` seconds without any chunk or `gap` seconds
    without the next; `clock` tells the seconds that its text names.
    """
    async with aclosing(stream), _Watch(stop) as watch:
        allowed, awaited = first, "first token (the context may be too large for this model)"
        while not stop.is_set:
            asked = clock()
            try:
                chunk = await watch.next(stream, allowed)
            except StopAsyncIteration:
                return
            except TimeoutError as error:
                if stop.is_set:
                    return
                raise ModelTimeout(
                    f"The model was silent for {clock() - asked:.0f} s: no {awaited}."
                ) from error
            yield chunk
            allowed, awaited = gap, "next token"


class _Watch:
    """Waits for the stop beside the stream, and ends the running wait when it comes."""

    def __init__(self, stop: Stop) -> None:
        self._stop = stop
        self._group = asyncio.TaskGroup()
        self._limit: asyncio.Timeout | None = None

    async def next(self, stream: AsyncGenerator[Chunk], seconds: float) -> Chunk:
        """Return the next chunk; TimeoutError after `seconds`, or as soon as it is to stop."""
        async with asyncio.timeout(seconds) as self._limit:
            try:
                return await anext(stream)
            finally:
                self._limit = None

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        self._task = self._group.create_task(self._wait())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # The group is not shown why we leave: it would wrap a GeneratorExit.
        self._task.cancel()
        await self._group.__aexit__(None, None, None)

    async def _wait(self) -> None:
        await self._stop.wait()
        if self._limit is not None:
            self._limit.reschedule(asyncio.get_running_loop().time())
