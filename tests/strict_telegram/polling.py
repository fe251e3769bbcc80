"""getUpdates and the webhook: one receiver at a time, or a conflict.

A poll that finds updates never disturbs another one; a poll that begins to
wait ends the one that waits. A conflict is told at once, the next one within
three seconds only after three seconds.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from strict_telegram.arguments import Arguments
from strict_telegram.errors import (
    OTHER_POLLER,
    OTHER_WEBHOOK,
    WEBHOOK_ACTIVE,
    ApiError,
    bad,
    conflict,
    flood,
)
from strict_telegram.world import World

LONGEST_POLL = 50  # seconds; longer timeouts are pressed to it
REPEAT = 3.0  # seconds in which the same offset again is slowed down
HURRY = 0.5  # seconds in which the same offset again gives one update
GATHER = 0.002  # seconds in which a waiting poll gathers what comes together
CONFLICT_PAUSE = 3.0


class Polling:
    """The receiving side of one bot."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._waiting: asyncio.Future[None] | None = None
        self._offset: int | None = None
        self._started = 0.0
        self._next_conflict = 0.0
        self._next_webhook = 0.0
        self.webhook = ""

    async def updates(self, world: World, arguments: Arguments) -> list[dict[str, Any]]:
        """Carry out getUpdates."""
        if self.webhook:
            raise await self._conflict(WEBHOOK_ACTIVE)
        offset = arguments.integer("offset", 0, -(2**31), 2**31 - 1)
        limit = arguments.integer("limit", 100, 1, 100)
        timeout = arguments.integer("timeout", 0, 0, LONGEST_POLL)
        world.updates.allow(arguments.text("allowed_updates"))
        now = world.clock.now()
        if offset == self._offset and now < self._started + REPEAT:
            timeout = max(timeout, int(REPEAT))
            limit = 1 if now < self._started + HURRY else limit
        self._offset, self._started = offset, now
        batch = world.updates.take(offset, limit, now)
        if timeout and not batch:
            await self._wait(timeout)
            batch = world.updates.take(offset, limit, world.clock.now())
        return [update.wire for update in batch]

    async def _wait(self, longest: float) -> None:
        self._end_waiting(OTHER_POLLER)
        waiting = asyncio.get_running_loop().create_future()
        self._waiting = waiting
        ring = self._world.arrived.next()
        try:
            await asyncio.wait(
                {ring, waiting}, timeout=longest, return_when=asyncio.FIRST_COMPLETED
            )
            if not waiting.done():
                await asyncio.wait({waiting}, timeout=GATHER)
            if waiting.done():
                raise await self._conflict(str(waiting.exception()))
        finally:
            ring.cancel()
            if self._waiting is waiting:
                self._waiting = None

    def _end_waiting(self, reason: str) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(RuntimeError(reason))
        self._waiting = None

    async def _conflict(self, reason: str) -> ApiError:
        now = self._world.clock.now()
        if now < self._next_conflict:
            await asyncio.sleep(CONFLICT_PAUSE)
        else:
            self._next_conflict = now + CONFLICT_PAUSE
        return conflict(reason)

    def set_webhook(self, world: World, arguments: Arguments) -> bool:
        """Carry out setWebhook; an empty URL removes it."""
        url = arguments.text("url")
        if not url:
            return self.delete_webhook(world, arguments)
        now = world.clock.now()
        if now < self._next_webhook:
            raise flood(1)
        self._next_webhook = now + 1.0
        if not url.startswith("https://"):
            raise bad("bad webhook: An HTTPS URL must be provided for webhook")
        self._end_waiting(OTHER_WEBHOOK)
        if arguments.flag("drop_pending_updates"):
            world.updates.clear()
        world.updates.allow(arguments.text("allowed_updates"))
        self.webhook = url
        return True

    def delete_webhook(self, world: World, arguments: Arguments) -> bool:
        """Carry out deleteWebhook."""
        if arguments.flag("drop_pending_updates"):
            world.updates.clear()
        self.webhook = ""
        return True

    def webhook_info(self, world: World, arguments: Arguments) -> Mapping[str, Any]:
        """Carry out getWebhookInfo."""
        return {
            "url": self.webhook,
            "has_custom_certificate": False,
            "pending_update_count": len(world.updates.pending),
        }
