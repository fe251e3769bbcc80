"""Invitations: the bot joins where an owner asks it to, and nowhere else.

    an owner invites ................... joined
    a stranger, to a private chat ...... joined while a code is expected; ten an hour
    anybody else ....................... turned down

Who invites is known by the full id alone, compared exactly. What is not an
owner's is turned down once a second: a thousand invitations delay nothing. What
was not seen to is found again at the next start.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

import nio
import structlog

from adapters.matrix.homeserver import Homeserver
from navi_bot.errors import NaviError, PlatformError, Refused, Throttled
from navi_bot.messages import Role
from navi_bot.ports.platform import Rights

log = structlog.get_logger()

T = TypeVar("T")

PAUSE = 1.0
"""Seconds between two refusals."""
WAITING = 500
"""Invitations that wait; more are left to the next start."""
STRANGERS, HOUR = 10, 3600.0
"""Private chats with strangers that are joined in so many seconds."""
TRIES = 8
BACKOFF, LONGEST_BACKOFF = 1.0, 60.0
"""Seconds before a join is tried again, doubled each time."""


@dataclass(frozen=True, slots=True)
class Invitation:
    """`private`: to a chat of two; `known`: we are invited, and not only led there."""

    room: str
    sender: str
    private: bool = False
    known: bool = True


class Invitations:
    """`rights` knows who may invite."""

    def __init__(
        self,
        homeserver: Homeserver,
        rights: Rights,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._homeserver = homeserver
        self._rights = rights
        self._sleep = sleep
        self._clock = clock
        self._new: asyncio.Queue[Invitation] = asyncio.Queue(WAITING)
        self._wanted: asyncio.Queue[str] = asyncio.Queue(WAITING)
        self._unwanted: asyncio.Queue[str] = asyncio.Queue(WAITING)
        self._strangers: deque[float] = deque(maxlen=STRANGERS)

    def take(self, room: str, state: Iterable[Any]) -> None:
        """Take an invitation in; `state`: what the homeserver shows of the room."""
        sender, private = inviter(state, self._homeserver.user_id)
        _put(self._new, Invitation(room, sender, private))

    def lead(self, room: str, sender: str) -> None:
        """Follow an owner into the room that replaces one; an invitation leads there too."""
        _put(self._new, Invitation(room, sender, known=False))

    async def sort(self) -> None:
        """Tell what is welcome from what is not, for ever."""
        while True:
            one = await self._new.get()
            role = await self._role(one.sender)
            wanted = role is Role.OWNER or await self._is_expected(one, role)
            log.info("invited", room=one.room, wanted=wanted)
            if wanted:
                _put(self._wanted, one.room)
            elif one.known:
                _put(self._unwanted, one.room)

    async def follow(self) -> None:
        """Join where we are wanted, for ever."""
        while True:
            room = await self._wanted.get()
            await self._joined(room)

    async def turn_down(self) -> None:
        """Decline what nobody with the right to do so invited us to, for ever."""
        while True:
            room = await self._unwanted.get()
            try:
                await self._homeserver.answered(self._homeserver.client.room_leave(room))
            except PlatformError as error:
                log.info("invitation_not_declined", error=type(error).__name__)
            await self._sleep(PAUSE)

    async def _role(self, who: str) -> Role:
        """Ask until it is known: an owner is not declined because the database is away."""
        wait = BACKOFF
        while True:
            try:
                return await self._rights.role(who)
            except NaviError as error:
                log.info("invitation_waits", error=type(error).__name__)
            await self._sleep(wait)
            wait = min(wait * 2, LONGEST_BACKOFF)

    async def _is_expected(self, one: Invitation, role: Role) -> bool:
        """Answer whether it may be somebody with a code, and is not one of too many."""
        if not one.private or role is Role.BLOCKED:
            return False
        try:
            if not await self._rights.expects_strangers():
                return False
        except NaviError as error:
            log.info("stranger_turned_down", error=type(error).__name__)
            return False
        now, recent = self._clock(), self._strangers
        if len(recent) == STRANGERS and now - recent[0] < HOUR:
            return False
        recent.append(now)
        return True

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


def _put(queue: asyncio.Queue[T], one: T) -> None:
    if queue.full():
        log.warning("invitation_left")
    else:
        queue.put_nowait(one)


def inviter(state: Iterable[Any], me: str) -> tuple[str, bool]:
    """Return who invites us ("" when the state does not say), and whether to a private chat."""
    for event in state:
        if (
            isinstance(event, nio.InviteMemberEvent)
            and event.state_key == me
            and event.membership == "invite"
        ):
            return str(event.sender), event.content.get("is_direct") is True
    return "", False
