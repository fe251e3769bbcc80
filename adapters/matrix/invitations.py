"""Invitations: the bot joins where an owner asks it to, and nowhere else.

Who invites is known by the full id alone, compared exactly. Everybody else is
turned down, at most once a second: a thousand invitations delay nothing. What
was not seen to is found again at the next start.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable
from typing import Any

import nio
import structlog

from adapters.matrix.homeserver import Homeserver
from navi_bot.errors import PlatformError, Refused, Throttled

log = structlog.get_logger()

PAUSE = 1.0
"""Seconds between two refusals."""
WAITING = 500
"""Invitations that wait; more are left to the next start."""
TRIES = 8
BACKOFF, LONGEST_BACKOFF = 1.0, 60.0
"""Seconds before a join is tried again, doubled each time."""


class Invitations:
    """`owners`: full ids of those who may invite."""

    def __init__(
        self,
        homeserver: Homeserver,
        owners: Collection[str],
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._homeserver = homeserver
        self._owners = frozenset(owners)
        self._sleep = sleep
        self._wanted: asyncio.Queue[str] = asyncio.Queue(WAITING)
        self._unwanted: asyncio.Queue[str] = asyncio.Queue(WAITING)

    def take(self, room: str, state: Iterable[Any]) -> None:
        """Take an invitation in; `state`: what the homeserver shows of the room."""
        sender = inviter(state, self._homeserver.user_id)
        wanted = sender in self._owners
        log.info("invited", room=room, wanted=wanted)
        queue = self._wanted if wanted else self._unwanted
        if queue.full():
            log.warning("invitation_left", room=room)
        else:
            queue.put_nowait(room)

    def lead(self, room: str, sender: str) -> None:
        """Follow an owner into the room that replaces one; an invitation leads there too."""
        if sender in self._owners and not self._wanted.full():
            self._wanted.put_nowait(room)

    async def follow(self) -> None:
        """Join where an owner invites, for ever."""
        while True:
            room = await self._wanted.get()
            await self._joined(room)

    async def turn_down(self) -> None:
        """Decline what others invite to, for ever."""
        while True:
            room = await self._unwanted.get()
            try:
                await self._homeserver.answered(self._homeserver.client.room_leave(room))
            except PlatformError as error:
                log.info("invitation_not_declined", error=type(error).__name__)
            await self._sleep(PAUSE)

    async def _joined(self, room: str) -> None:
        wait = BACKOFF
        for _ in range(TRIES):
            try:
                await self._homeserver.answered(self._homeserver.client.join(room))
            except Throttled as error:
                await self._sleep(error.retry_after)
            except Refused as error:
                log.warning("room_not_joined", room=room, error=str(error))
                return
            except PlatformError as error:
                log.info("join_retried", room=room, error=type(error).__name__)
                await self._sleep(wait)
                wait = min(wait * 2, LONGEST_BACKOFF)
            else:
                log.info("room_joined", room=room)
                return
        log.warning("room_not_joined", room=room, error="too many tries")


def inviter(state: Iterable[Any], me: str) -> str:
    """Return who invites us, "" when the state does not say."""
    for event in state:
        if (
            isinstance(event, nio.InviteMemberEvent)
            and event.state_key == me
            and event.membership == "invite"
        ):
            return str(event.sender)
    return ""
