"""Sees what comes while what came before it is still being taken in.

Telegram shows again what was not confirmed, and what has come since. So a
second poll from the same place finds the /stop that stands behind a message
which the database does not take. One poll at a time: two would be a conflict.

    poll loop   polls ─► hands over … (the database hangs) … ─► polls
    look-out              └─ looks ─ looks ─ looks ─ looks ──┘
"""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import telegram

from navi_bot.errors import CredentialError, NaviError, PollConflict

Look = Callable[[int | None], Awaitable[Sequence[telegram.Update]]]
"""Ask for the updates from an offset on, without waiting for any."""
Show = Callable[[Sequence[telegram.Update]], Awaitable[None]]

FIRST_LOOK = 0.15
"""Seconds that taking in may last before we look; most of it is over by then."""
LOOKS, LATER_LOOKS = 0.26, 1.5
"""Seconds between looks. Who asks for one offset again within 0.5 s is shown one update
alone, so we ask for two in turn: that of the first update not confirmed, and the one before."""
MANY_LOOKS = 15.0
"""Seconds after which looks are rarer: the trouble is no short one."""
LOOK_TIMEOUT = 5.0
"""Seconds for one look; where nothing has come, Telegram may hold it for 3."""


class LookOut:
    """What the poll loop and the look-out beside it know of each other."""

    def __init__(self) -> None:
        self._polls = asyncio.Lock()
        self._behind = asyncio.Event()
        self._first: int | None = None
        self._handed = 0
        self._receives = False

    @asynccontextmanager
    async def receiving(self) -> AsyncIterator[None]:
        """Have a poll loop; when it has ended, all that comes is left to look out for."""
        self._receives = True
        self._behind.clear()
        try:
            yield
        finally:
            self._receives, self._handed = False, 0  # what was in hand may have been cut off
            self._behind.set()

    @asynccontextmanager
    async def polling(self, offset: int | None) -> AsyncIterator[None]:
        """Poll; no look comes between."""
        async with self._polls:
            self._first = offset
            yield

    def takes_in(self, updates: Sequence[telegram.Update]) -> None:
        """Note what is being handed over."""
        self._first, self._handed = updates[0].update_id, updates[-1].update_id
        self._behind.set()

    def has_taken_in(self) -> None:
        self._behind.clear()

    async def run(self, look: Look, show: Show) -> None:
        """Show what is new behind what is being taken in; ends when somebody else receives."""
        async with asyncio.TaskGroup() as showing:
            while await self._is_to_look():
                began, shown = time.monotonic(), 0
                for back in itertools.cycle((1, 0)):
                    new = await self._new(look, back)
                    if new is None:
                        return
                    if new := [one for one in new if one.update_id > shown]:
                        shown = new[-1].update_id
                        showing.create_task(_shown(show, new))  # a stop may take its time
                    short = time.monotonic() - began < MANY_LOOKS
                    await asyncio.sleep(LOOKS if short else LATER_LOOKS)
                    if not self._behind.is_set():
                        break

    async def _is_to_look(self) -> bool:
        await self._behind.wait()
        await asyncio.sleep(FIRST_LOOK)
        return True

    async def _new(self, look: Look, back: int) -> Sequence[telegram.Update] | None:
        """Look once; None when somebody else receives and we do not."""
        try:
            async with self._polls, asyncio.timeout(LOOK_TIMEOUT):
                updates = await look(None if self._first is None else self._first - back)
        except (CredentialError, PollConflict):
            return () if self._receives else None
        except (NaviError, TimeoutError):
            return ()  # the poll loop will say what is wrong
        return [one for one in updates if one.update_id > self._handed]


async def _shown(show: Show, updates: Sequence[telegram.Update]) -> None:
    await show(updates)
