"""The way from an adapter to the rooms, kept open while the database is away.

    batch ─► rooms ─► stored ─► accepted
               │ refused, or no answer in time ─► answered from memory ─► StoreUnavailable
               └ stops are carried out first, whatever the database does

What is not accepted the platform delivers again. A batch that the database
keeps hanging goes on in the background; the adapter goes on listening.
"""

import asyncio
from collections.abc import Awaitable, Sequence
from types import TracebackType
from typing import Self

from navi_bot.errors import NaviError, StoreError, StoreUnavailable
from navi_bot.meanwhile import Meanwhile
from navi_bot.messages import Inbound
from navi_bot.ports.platform import Accept, Heed

LONGEST = 5.0
"""Seconds that a batch may take to be stored before the adapter listens on."""

AWAY = "The database does not answer now."


class Intake:
    """Async context manager; `accept` is what adapters call."""

    def __init__(
        self, store: Accept, heed: Heed, meanwhile: Meanwhile, longest: float = LONGEST
    ) -> None:
        """`store` takes a batch in, and is the only one of these that may hang."""
        self._accept = store
        self._heed = heed
        self._meanwhile = meanwhile
        self._longest = longest
        self._away = ""
        """Why nothing is taken in now."""
        self._batch: Sequence[Inbound] = ()
        self._group = asyncio.TaskGroup()
        self._storing: asyncio.Task[Exception | None] | None = None

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._storing is not None:
            self._storing.cancel()
        await self._group.__aexit__(None, None, None)  # told of `error`, it would wrap it

    async def accept(self, batch: Sequence[Inbound], cursor: str) -> None:
        """Store a batch; raises as the Accept port says, and within a few seconds."""
        self._batch = batch
        try:
            await self._store(batch, cursor)
        except (StoreUnavailable, StoreError) as error:
            self.lose(str(error))
            raise
        self._batch, self._away = (), ""
        self._meanwhile.over()

    def lose(self, reason: str = AWAY) -> None:
        """Say that nothing is taken in for now, to those whose messages wait for it too."""
        self._away = reason
        self._meanwhile.tell(self._batch, reason)

    async def heed(self, batch: Sequence[Inbound]) -> None:
        """See to events that are not handed over yet: stops, and what memory can answer."""
        await self._heed(batch)
        if self._away:
            self._meanwhile.tell(batch, self._away)

    async def overhear(self, batch: Sequence[Inbound], _cursor: str) -> None:
        """Heed a batch and take nothing in: it is not known whose account this is now."""
        self._away = self._away or AWAY
        await self.heed(batch)
        raise StoreUnavailable(self._away)

    async def _store(self, batch: Sequence[Inbound], cursor: str) -> None:
        if self._storing is not None:  # an earlier batch hangs still
            await self._heed(batch)
            await self._stored(self._storing)
        self._storing = self._group.create_task(_outcome(self._accept(batch, cursor)))
        await self._stored(self._storing)

    async def _stored(self, storing: "asyncio.Task[Exception | None]") -> None:
        await asyncio.wait((storing,), timeout=self._longest)
        if not storing.done():
            raise StoreUnavailable("The database did not answer in time.")
        self._storing = None
        if (error := storing.result()) is not None:
            raise error


async def _outcome(storing: Awaitable[None]) -> Exception | None:
    """Keep an error of the tree for the waiter: in a group it would come wrapped."""
    try:
        await storing
    except NaviError as error:
        return error
    return None
