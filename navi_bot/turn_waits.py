"""A turn's waits, for the model host and for the database, each told in a sentence.

They grow while nothing works, and begin anew once the turn has got on.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from navi_bot.errors import ModelUnavailable, NaviError, StoreError, StoreUnavailable
from navi_bot.events import Ending, Event, StreamFailed, StreamStopped, Waiting
from navi_bot.patience import Patience
from navi_bot.ports.tools import Stop
from navi_bot.texts import turn as texts

log = structlog.get_logger()

T = TypeVar("T")


class Waits:
    """The waits of one turn. `clock` tells monotonic seconds, `tell` takes what is shown."""

    def __init__(
        self,
        patience: Patience,
        clock: Callable[[], float],
        stop: Stop,
        tell: Callable[[Event], None],
    ) -> None:
        self._patience = patience
        self._clock = clock
        self._stop = stop
        self._tell = tell

    async def kept(self, work: Callable[[], Awaitable[T]]) -> T:
        """Write or look something up, however long the database takes; a stop overrules it."""
        wait = self._patience.first
        while True:
            try:
                return await work()
            except (StoreUnavailable, StoreError) as error:
                log.warning("turn_waits", error=str(error), retry_in=wait)
                self._tell(Waiting(texts.STORE_AWAY(reason=str(error))))
            await asyncio.sleep(wait)
            wait = min(wait * 2, self._patience.longest)

    async def answered(
        self, run: Callable[[], Awaitable[Ending]], progress: Callable[[], int]
    ) -> Ending:
        """Run until there is an ending; a model host that stays away is given up.

        `progress` grows when the turn gets on: what comes after is a wait of its own.
        """
        wait, reached = self._patience.first, 0
        since: float | None = None
        while True:
            try:
                return await run()
            except (ModelUnavailable, StoreUnavailable, StoreError) as error:
                if self._stop.is_set:
                    return self._ended(StreamStopped(""))
                if since is None or progress() > reached:
                    wait, since, reached = self._patience.first, self._clock(), progress()
                away = self._clock() - since
                if away > self._patience.whole and isinstance(error, ModelUnavailable):
                    reason = texts.MODEL_GONE(reason=str(error), minutes=round(away / 60))
                    return self._ended(StreamFailed(reason, goes_on=progress() > 1))
                self._tell(Waiting(_awaited(error)))
            wait = await self._waited(wait)

    def _ended(self, ending: Ending) -> Ending:
        self._tell(ending)
        return ending

    async def _waited(self, seconds: float) -> float:
        """Wait, unless there is a stop; return how long the next wait is."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), seconds)
        return min(seconds * 2, self._patience.longest)


def _awaited(error: NaviError) -> str:
    """Say what is being waited for."""
    text = texts.MODEL_AWAY if isinstance(error, ModelUnavailable) else texts.STORE_AWAY
    return text(reason=str(error))
