"""Sending into rooms, sealed where the room is encrypted.

A room fails closed: as long as it is not known whether it is encrypted,
nothing is sent, and what was encrypted once is encrypted for ever. Before a
message is sealed its key is with every device in the room; if that cannot be
done, nothing is sent (the library would go on, and people could not read it).

    unknown room ........ NotSent
    left ................ RoomGone
    plain room .......... the event as it is
    encrypted room ...... members, their devices, the key to all of them, then the event
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import nio
from nio import Api
from nio.exceptions import EncryptionError, GroupEncryptionError, OlmTrustError

from adapters.matrix.homeserver import Homeserver
from navi_bot.errors import NotSent, RoomGone

MESSAGE, SEALED = "m.room.message", "m.room.encrypted"


class Sealing:
    """`known`: rooms that we are in and whose state has come."""

    def __init__(self, homeserver: Homeserver) -> None:
        self._homeserver = homeserver
        self._client = homeserver.client
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self.known: set[str] = set()
        self.complete = False
        """All rooms' states have come: of what is not known the homeserver is asked."""

    def is_encrypted(self, room: str) -> bool:
        """Return whether a room is encrypted; NotSent where that is unknown."""
        found = self._client.rooms.get(room)
        if found is None or room not in self.known:
            raise NotSent("Whether the room is encrypted is not known yet.")
        return found.encrypted or room in self._client.encrypted_rooms

    async def check_known(self, room: str) -> None:
        """Raise RoomGone where we are not in a room, NotSent where its state has not come yet."""
        if self.complete and room not in self.known:
            answer = await self._homeserver.request("GET", "/_matrix/client/v3/joined_rooms")
            if room not in answer.get("joined_rooms", ()):
                raise RoomGone("The bot is not in this room.")
        self.is_encrypted(room)

    async def send(
        self, room: str, content: Mapping[str, Any], transaction: str, kind: str = MESSAGE
    ) -> str:
        """Send a message, sealed if the room is encrypted; return its event id."""
        await self.check_known(room)
        if self.is_encrypted(room):
            async with self._locks[room]:
                kind, content = await self._sealed(room, dict(content), kind)
        return await self.send_open(room, kind, content, transaction)

    async def send_open(
        self, room: str, kind: str, content: Mapping[str, Any], transaction: str
    ) -> str:
        """Send an event as it is (a reaction is never encrypted); return its id."""
        method, path, data = Api.room_send(
            self._client.access_token, room, kind, dict(content), transaction
        )
        sending = self._client._send(nio.RoomSendResponse, method, path, data, (room,))
        answer = await self._homeserver.answered(sending)
        return str(answer.event_id)

    async def _sealed(
        self, room: str, content: dict[str, Any], kind: str
    ) -> tuple[str, dict[str, Any]]:
        """Return the encrypted event; the room's key is shared first."""
        client, ask = self._client, self._homeserver.answered
        if not client.rooms[room].members_synced:
            await ask(client.joined_members(room))
        if client.should_query_keys:
            await ask(client.keys_query())
        try:
            if client.olm is None or client.olm.should_share_group_session(room):
                await self._share_key(room)
            kind, sealed = client.encrypt(room, kind, content)
        except (EncryptionError, GroupEncryptionError, OlmTrustError) as error:
            raise NotSent("The message could not be encrypted.") from error
        return str(kind), dict(sealed)

    async def _share_key(self, room: str) -> None:
        """Give the room's key to every device in it that does not have it."""
        client, ask = self._client, self._homeserver.answered
        olm = client.olm
        if olm is None:
            raise NotSent("The device's keys are not loaded.")
        missing = client.get_missing_sessions(room)
        if missing:
            await ask(client.keys_claim(missing))
        users = list(client.rooms[room].users)
        shares = olm.share_group_session_parallel(room, users, ignore_unverified_devices=True)
        for whom, messages in shares:
            path = f"/_matrix/client/v3/sendToDevice/{SEALED}/{uuid4()}"
            await self._homeserver.request("PUT", path, messages)
            olm.outbound_group_sessions[room].users_shared_with.update(whom)
        olm.outbound_group_sessions[room].shared = True
