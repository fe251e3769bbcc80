"""How many turns one person may have running at once, in all rooms together.

The others of that person wait, however many slots the daemon has free, so
that nobody's many rooms keep everybody else waiting.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

from navi_bot.agent.stopping import Stopped, until_stopped
from navi_bot.messages import PersonId
from navi_bot.ports.tools import Stop


class Shares:
    """Remembers nobody who has nothing running."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._of: WeakValueDictionary[PersonId, asyncio.Semaphore] = WeakValueDictionary()

    def is_full(self, person: PersonId) -> bool:
        """Whether a further turn of this person would wait."""
        share = self._of.get(person)
        return share is not None and share.locked()

    @asynccontextmanager
    async def taken(self, person: PersonId, stop: Stop) -> AsyncGenerator[None]:
        """Have a share while entered; a stop ends the wait, and the turn ends by itself."""
        share = self._of.setdefault(person, asyncio.Semaphore(self._most))
        try:
            await until_stopped(_acquired(share), stop)
        except Stopped:
            yield
            return
        try:
            yield
        finally:
            share.release()


async def _acquired(share: asyncio.Semaphore) -> None:
    await share.acquire()
