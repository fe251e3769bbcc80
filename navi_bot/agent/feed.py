"""Events on their way from the loop to whoever watches it.

The loop runs in a task of its own and tells its events; the watcher takes
them in order. Nothing is dropped: while nobody takes them, neighbouring
deltas grow together, so a slow watcher costs text, not a queue of tokens.
When the watcher goes away, the loop is cancelled and awaited.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Any

from navi_bot.events import Event, TextDelta, ThinkingDelta

Tell = Callable[[Event], None]
Telling = Callable[[Tell], Coroutine[Any, Any, None]]


async def events_of(play: Telling) -> AsyncGenerator[Event]:
    """Run `play` and yield what it tells; raises what it raises, after its last event."""
    feed = _Feed(play)
    async with feed:
        while (event := await feed.take()) is not None:
            yield event
    if feed.error is not None:
        raise feed.error


class _Feed:
    """Owns the task of one play."""

    def __init__(self, play: Telling) -> None:
        self.error: Exception | None = None
        self._play = play
        self._told: deque[Event] = deque()
        self._group = asyncio.TaskGroup()
        self._news = asyncio.Event()
        self._over = False

    async def __aenter__(self) -> None:
        await self._group.__aenter__()
        self._task = self._group.create_task(self._run())

    async def __aexit__(self, *_: object) -> None:
        # The group is not shown why we leave: it would wrap a GeneratorExit.
        self._task.cancel()
        await self._group.__aexit__(None, None, None)

    async def _run(self) -> None:
        try:
            await self._play(self._tell)
        except Exception as error:  # noqa: BLE001 - raised again, as it is, to the watcher
            self.error = error
        finally:
            self._over = True
            self._news.set()

    def _tell(self, event: Event) -> None:
        last = self._told[-1] if self._told else None
        match last, event:
            case (TextDelta(before), TextDelta(after)):
                self._told[-1] = TextDelta(before + after)
            case (ThinkingDelta(before), ThinkingDelta(after)):
                self._told[-1] = ThinkingDelta(before + after)
            case _:
                self._told.append(event)
        self._news.set()

    async def take(self) -> Event | None:
        """Wait for the next event; None when there will be none."""
        while not self._told and not self._over:
            self._news.clear()
            await self._news.wait()
        return self._told.popleft() if self._told else None
