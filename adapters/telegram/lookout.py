"""Sees what comes while what came before it is still being taken in.

Telegram shows again what was not confirmed, and what has come since. So a
second poll at the same offset finds the /stop that stands behind a message
which the database does not take. One poll at a time: two would be a conflict.

    poll loop   polls ─► hands over … (the database hangs) … ─► polls
    look-out              └─ looks ─ looks ─ looks ─ looks ──┘
"""

import asyncio
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
LOOKS, LATER_LOOKS = 0.51, 1.5
"""Seconds between looks. Telegram shows one update alone to whom asks again within 0.5 s."""
MANY_LOOKS = 15.0
"""Seconds after which looks are rarer: the trouble is no short one."""
LOOK_TIMEOUT = 2.0
"""Seconds for one look."""


class LookOut:
    """What the poll loop and the look-out beside it know of each other."""

    def __init__(self) -> None:
        self._polls = asyncio.Lock()
        self._behind = asyncio.Event()
        self._offset: int | None = None
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
            self._receives = False
            self._behind.set()

    @asynccontextmanager
    async def polling(self, offset: int | None) -> AsyncIterator[None]:
        """Poll; no look comes between."""
        async with self._polls:
            self._offset = offset
            yield

    def takes_in(self, updates: Sequence[telegram.Update]) -> None:
        """Note what is being handed over."""
        self._handed = max(update.update_id for update in updates)
        self._behind.set()

    def has_taken_in(self) -> None:
        self._behind.clear()

    async def run(self, look: Look, show: Show) -> None:
        """Show what is new behind what is being taken in; ends when somebody else receives."""
        while True:
            await self._behind.wait()
            began = time.monotonic()
            await asyncio.sleep(FIRST_LOOK)
            shown = 0
            while self._behind.is_set():
                try:
                    async with self._polls, asyncio.timeout(LOOK_TIMEOUT):
                        updates = await look(self._offset)
                except (CredentialError, PollConflict):
                    if not self._receives:
                        return
                except (NaviError, TimeoutError):
                    pass  # the poll loop will say what is wrong
                else:
                    new = [one for one in updates if one.update_id > max(shown, self._handed)]
                    if new:
                        shown = new[-1].update_id
                        await show(new)
                short = time.monotonic() - began < MANY_LOOKS
                await asyncio.sleep(LOOKS if short else LATER_LOOKS)
