"""The sync loop: what the homeserver tells, handed over before the token moves.

    state of all rooms ──► sync(since) ──► read, gaps filled ──► accept(batch, token)
                              ▲   │                                    │ kept
                              │   └─ error: wait, growing up to 30 s    ▼
                              └──────────── since = token ◄── keys, receipts

The loop is our own because the library's repeats an error at once and without
end, and stores its token before anybody has kept the events. A sync's answer
is worked through until it is kept: its keys come only once. The first sync
asks for the rooms' state alone, so that nothing old is answered, invitations
that a crash left are found again, and encryption is known before anything is
sent.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar
from urllib.parse import quote
from uuid import uuid4

import nio
import structlog

from adapters.matrix import inbound
from adapters.matrix.errors import SessionEnded
from adapters.matrix.gaps import stretch
from adapters.matrix.homeserver import Homeserver
from adapters.matrix.invitations import Invitations
from adapters.matrix.reader import Reader
from adapters.matrix.sealed import SealedMessages
from adapters.matrix.sealing import Sealing
from adapters.matrix.trust import Trust
from adapters.matrix.verification import Verifications
from navi_bot.errors import CredentialError, NaviError, PlatformError, Throttled
from navi_bot.messages import Inbound
from navi_bot.ports.platform import Accept

log = structlog.get_logger()

T = TypeVar("T")
Given = ParamSpec("Given")

_QUIET = {"not_types": ["*"]}
FILTER: dict[str, Any] = {
    "presence": _QUIET,
    "account_data": _QUIET,
    "room": {"timeline": {"limit": 10}, "ephemeral": _QUIET, "account_data": _QUIET},
}
STATE_TIMEOUT = 120.0
"""Seconds for the state of all rooms."""
QUIET_KEEP = 5.0
"""Seconds between two tokens that are stored without any event of ours."""
GROWTH = 1.5


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the loop waits, in seconds, and how much it fetches.

    `poll`: asked of the homeserver.
    """

    poll: float = 25.0
    grace: float = 15.0
    """Beyond `poll` until a sync counts as dead."""
    backoff: tuple[float, float] = (1.0, 30.0)
    most: int = 500
    """Events of a room that are fetched after an absence."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What the loop works with."""

    homeserver: Homeserver
    reader: Reader
    trust: Trust
    sealing: Sealing
    sealed: SealedMessages
    invitations: Invitations
    verifications: Verifications
    log_in_again: Callable[[], Awaitable[bool]]


def state_filter(token: str) -> dict[str, Any]:
    """Return the filter of a sync that brings the state of all rooms as it is now.

    Synapse keeps the answer to a first sync for two minutes and gives it to
    whoever asks the same; `token` makes it another question.
    """
    timeline = {"limit": 1, "not_types": [f"org.navi-bot.{token}"]}
    return {**FILTER, "room": {**FILTER["room"], "timeline": timeline}}


class SyncLoop:
    """`contact` is told of each answer, `note` of what is wrong ("" when all is well)."""

    def __init__(
        self,
        desk: Desk,
        patience: Patience,
        contact: Callable[[], None],
        note: Callable[[str], None],
    ) -> None:
        self._desk = desk
        self._homeserver = desk.homeserver
        self._client = desk.homeserver.client
        self._patience = patience
        self._contact = contact
        self._note = note
        self._kept_at = 0.0

    async def run(self, accept: Accept, cursor: str) -> None:
        """Sync for ever; only a refused account ends it (CredentialError)."""
        fresh = await self._insist(self._state)
        since = cursor or fresh
        if not cursor:
            await self._insist(accept, (), fresh)
        while True:
            response = await self._insist(self._sync, since)
            batch, opened = await self._insist(self._read, response, since)
            await self._insist(self._hand_over, accept, batch, str(response.next_batch))
            since = str(response.next_batch)
            self._desk.sealed.forget(opened)
            await self._see_to_keys()
            await self._mark_read(batch)

    async def _insist(
        self, work: Callable[Given, Awaitable[T]], *given: Given.args, **named: Given.kwargs
    ) -> T:
        """Do something until it succeeds, with patience between the tries."""
        first, last = self._patience.backoff
        wait = first
        ended: SessionEnded | None = None
        while True:
            try:
                if ended is not None and not await self._desk.log_in_again():
                    self._note(str(ended))
                    raise CredentialError(str(ended)) from ended
                ended = None
                done = await work(*given, **named)
            except SessionEnded as error:
                if not error.soft:
                    self._note(str(error))
                    raise
                ended = error
                await asyncio.sleep(first)
            except CredentialError as error:
                self._note(str(error))
                raise
            except Throttled as error:
                await asyncio.sleep(max(error.retry_after, first))
            except NaviError as error:
                self._note(str(error))
                await asyncio.sleep(wait)
                wait = min(wait * GROWTH, last)
            else:
                self._note("")
                return done

    # Asking ----------------------------------------------------------------------

    async def _state(self) -> str:
        """Learn the state of all rooms; return the token of now.

        Messages to the device are left where they are: the sync that follows
        brings them, and a key that is told twice is taken for a broken one.
        """
        wanted = quote(json.dumps(state_filter(uuid4().hex)))
        path = f"/_matrix/client/v3/sync?timeout=0&filter={wanted}"
        answer = await self._homeserver.request("GET", path, None, STATE_TIMEOUT)
        answer.pop("to_device", None)
        response = nio.SyncResponse.from_dict(answer)
        if not isinstance(response, nio.SyncResponse):
            raise PlatformError("The homeserver's answer to a sync is not understood.")
        await self._client.receive_response(response)
        self._client.next_batch = ""  # else the library skips the same token's events
        self._take_rooms(response)
        self._desk.sealing.complete = True
        await self._keys()
        return str(response.next_batch)

    async def _sync(self, since: str) -> nio.SyncResponse:
        call = self._client.sync(round(self._patience.poll * 1000), FILTER, since)
        within = self._patience.poll + self._patience.grace
        response: nio.SyncResponse = await self._homeserver.answered(call, within)
        self._contact()
        self._desk.trust.forget(response.device_list.changed)
        self._take_rooms(response)
        self._desk.verifications.take(self._homeserver.verification)
        return response

    def _take_rooms(self, response: nio.SyncResponse) -> None:
        known = self._desk.sealing.known
        known.update(response.rooms.join)
        for room in response.rooms.leave:
            known.discard(room)
        for room, info in response.rooms.invite.items():
            self._desk.invitations.take(room, info.invite_state)

    # Reading ---------------------------------------------------------------------

    async def _read(
        self, response: nio.SyncResponse, since: str
    ) -> tuple[list[Inbound], list[str]]:
        """Return the batch, and the ids of sealed messages that it opened."""
        batch: list[Inbound] = []
        opened = self._desk.sealed.opened()
        for room, event in opened:
            await self._add(batch, room, event)
        for room, info in response.rooms.join.items():
            await self._read_room(batch, room, info, since)
        for room, info in response.rooms.leave.items():
            for event in (*info.state, *info.timeline.events):
                if isinstance(event, nio.RoomMemberEvent):
                    await self._add(batch, room, event)
            self._client.rooms.pop(room, None)
        return batch, [event.event_id for _, event in opened]

    async def _read_room(self, batch: list[Inbound], room: str, info: Any, since: str) -> None:
        found = await stretch(self._homeserver, room, info, since, self._patience.most)
        if found.joined:
            everything = (*info.state, *info.timeline.events)
            if (moved := self._desk.reader.moved(room, everything)) is not None:
                batch.append(moved)
        others = [one for one in found.events if one.sender != self._homeserver.user_id]
        if found.missed and others:
            batch.append(self._desk.reader.unread(room, others[0], "missed", found.missed))
        sealed = [one for one in others if isinstance(one, nio.MegolmEvent)]
        tell = self._desk.sealed.keep(room, sealed)
        for event in found.events:
            if not isinstance(event, nio.MegolmEvent):
                await self._add(batch, room, event)
        for event in sealed:
            await self._desk.sealed.ask(event)
        batch += [self._desk.reader.unread(room, event, "sealed") for event in tell]

    async def _add(self, batch: list[Inbound], room: str, event: nio.Event) -> None:
        """Translate one event; one that breaks us is left out, for it must not dam up the rest."""
        try:
            is_others = event.sender != self._homeserver.user_id
            if is_others and self._desk.verifications.takes(room, event):
                return
            if new := inbound.replacement(event.source):
                self._desk.invitations.lead(new, event.sender)
            read = await self._desk.reader.read(room, event)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            log.error("event_not_understood", event_id=event.event_id, error=repr(error))
            return
        if read is not None:
            batch.append(read)

    # After it is kept ------------------------------------------------------------

    async def _hand_over(self, accept: Accept, batch: list[Inbound], token: str) -> None:
        """Have a batch kept; a token alone only now and then, for it saves nothing but reading."""
        now = time.monotonic()
        if batch or now - self._kept_at >= QUIET_KEEP:
            await accept(batch, token)
            self._kept_at = now

    async def _see_to_keys(self) -> None:
        try:
            await self._keys()
        except PlatformError as error:  # the next sync asks again
            log.info("keys_not_exchanged", error=type(error).__name__)

    async def _keys(self) -> None:
        """Do what the library wants done between syncs."""
        client, ask = self._client, self._homeserver.answered
        for message in list(client.outgoing_to_device_messages):
            await ask(client.to_device(message))
        if client.should_upload_keys:
            await ask(client.keys_upload())
        if client.should_query_keys:
            await ask(client.keys_query())
        if client.should_claim_keys:
            await ask(client.keys_claim(client.get_users_for_key_claiming()))

    async def _mark_read(self, batch: list[Inbound]) -> None:
        """Show people that their messages were taken in; nothing depends on it."""
        newest = {one.origin.address.chat: one.origin.key for one in batch}
        for room, event in newest.items():
            if not event.startswith("$"):
                continue
            call = self._client.room_read_markers(room, event, event)
            try:
                await self._homeserver.answered(call)
            except PlatformError as error:
                log.info("not_marked_as_read", error=type(error).__name__)
