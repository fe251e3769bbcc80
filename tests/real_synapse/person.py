"""A person with an ordinary client: talks, looks at the room as a client shows it.

    room = await ann.opens_room(bot, encrypted=True)
    await ann.says(room, "hello")
    shown = await ann.sees(room, "answer")

Messages are seen as clients show them: an edit replaces what it edits.
"""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from io import BytesIO
from typing import Any, TypeVar

import nio
import nio.crypto
from nio.store import SqliteMemoryStore

from adapters.matrix.signing import SigningKeys
from real_synapse.server import Login

T = TypeVar("T")

STEP = 1000
"""Milliseconds of one sync."""


@dataclass(frozen=True)
class Shown:
    """A message as it stands now. `history`: the texts that it had, oldest first."""

    id: str
    sender: str
    body: str
    html: str
    content: Mapping[str, Any]
    encrypted: bool
    history: tuple[str, ...] = ()

    @property
    def thread(self) -> str:
        relation = self.content.get("m.relates_to", {})
        return relation["event_id"] if relation.get("rel_type") == "m.thread" else ""


@dataclass
class Room:
    shown: dict[str, Shown] = field(default_factory=dict)
    reactions: list[tuple[str, str, str]] = field(default_factory=list)
    """(sender, message, key)"""
    typing: list[str] = field(default_factory=list)
    raw: list[dict[str, Any]] = field(default_factory=list)


class Person:
    """`login`: who it is; `rooms`: what was seen, by room id."""

    def __init__(self, url: str, login: Login) -> None:
        self.login = login
        self.id = login.user_id
        config = nio.AsyncClientConfig(store=SqliteMemoryStore, max_timeouts=2)
        self.client = nio.AsyncClient(url, login.user_id, login.device_id, config=config)
        self.client.restore_login(login.user_id, login.device_id, login.token)
        self.client.load_store()
        self.rooms: dict[str, Room] = {}
        self.between: list[dict[str, Any]] = []
        """What came from device to device."""

    async def close(self) -> None:
        await self.client.close()

    # Acting ----------------------------------------------------------------------

    async def opens_room(
        self, *others: str, encrypted: bool = False, name: str = "", direct: bool = True
    ) -> str:
        """Make a room and invite others; return its id."""
        state = []
        if encrypted:
            algorithm = {"algorithm": "m.megolm.v1.aes-sha2"}
            state.append({"type": "m.room.encryption", "state_key": "", "content": algorithm})
        answer = await self.client.room_create(
            invite=list(others), is_direct=direct, name=name or None, initial_state=state
        )
        assert isinstance(answer, nio.RoomCreateResponse), answer
        await self.looks()
        return answer.room_id

    async def says(self, room: str, text: str, **content: Any) -> str:
        """Send a text message with further content; return its id."""
        return await self.sends(room, {"msgtype": "m.text", "body": text, **content})

    async def sends(
        self, room: str, content: Mapping[str, Any], kind: str = "m.room.message"
    ) -> str:
        answer = await self.client.room_send(
            room, kind, dict(content), ignore_unverified_devices=True
        )
        assert isinstance(answer, nio.RoomSendResponse), answer
        return answer.event_id

    async def edits(self, room: str, message: str, text: str) -> str:
        new = {"msgtype": "m.text", "body": text}
        relation = {"rel_type": "m.replace", "event_id": message}
        return await self.says(
            room, f"* {text}", **{"m.new_content": new, "m.relates_to": relation}
        )

    async def reacts(self, room: str, message: str, key: str) -> str:
        relation = {"rel_type": "m.annotation", "event_id": message, "key": key}
        return await self.sends(room, {"m.relates_to": relation}, "m.reaction")

    async def redacts(self, room: str, event: str) -> None:
        answer = await self.client.room_redact(room, event)
        assert isinstance(answer, nio.RoomRedactResponse), answer

    async def asks(self, method: str, path: str, content: Mapping[str, Any]) -> dict[str, Any]:
        """Make a request that the client's library would not make; return the answer."""
        status, answer = await self._attempt(method, path, content)
        assert status == 200, answer
        return answer

    async def _attempt(
        self, method: str, path: str, content: Mapping[str, Any]
    ) -> tuple[int, dict[str, Any]]:
        headers = {"Authorization": f"Bearer {self.login.token}"}
        response = await self.client.send(method, path, json.dumps(content), headers)
        return response.status, await response.json()

    async def joins(self, room: str) -> None:
        answer = await self.client.join(room)
        assert isinstance(answer, nio.JoinResponse), answer
        await self.looks()

    async def sends_file(
        self, room: str, name: str, mime: str, content: bytes, *, sealed: bool
    ) -> str:
        """Upload a file and show it in a room, as clients do."""
        answer, keys = await self.client.upload(
            BytesIO(content), mime, name, encrypt=sealed, filesize=len(content)
        )
        assert isinstance(answer, nio.UploadResponse), answer
        kind = "m.image" if mime.startswith("image/") else "m.file"
        message: dict[str, Any] = {"msgtype": kind, "body": name}
        message["info"] = {"mimetype": mime, "size": len(content)}
        if keys is None:
            message["url"] = answer.content_uri
        else:
            message["file"] = {**keys, "url": answer.content_uri}
        return await self.sends(room, message)

    async def fetches(self, content: Mapping[str, Any]) -> bytes:
        """Download the file that a message shows."""
        sealed = content.get("file")
        answer = await self.client.download(sealed["url"] if sealed else content["url"])
        assert isinstance(answer, nio.DownloadResponse), answer
        body = answer.body
        assert isinstance(body, bytes)
        if sealed is None:
            return body
        key, digest, iv = sealed["key"]["k"], sealed["hashes"]["sha256"], sealed["iv"]
        return bytes(nio.crypto.decrypt_attachment(body, key, digest, iv))

    async def holds_key_back(self, room: str) -> list[dict[str, Any]]:
        """Make the room's next key and give it to nobody; return what was to be sent."""
        self.client.invalidate_outbound_session(room)
        users = list(self.client.rooms[room].users)
        shares = self._olm.share_group_session_parallel(room, users, ignore_unverified_devices=True)
        held = [messages for _, messages in shares]
        self._olm.outbound_group_sessions[room].shared = True
        return held

    async def gives_keys(self, held: list[dict[str, Any]]) -> None:
        """Send the keys that were held back."""
        for number, messages in enumerate(held):
            path = f"/_matrix/client/v3/sendToDevice/m.room.encrypted/held{number}"
            await self.asks("PUT", path, messages)

    async def cross_signs(self) -> SigningKeys:
        """Make keys for the person and sign this device with them; the homeserver checks them."""
        keys = SigningKeys.made()
        body = keys.upload(self.id)
        path = "/_matrix/client/v3/keys/device_signing/upload"
        status, answer = await self._attempt("POST", path, body)
        if status == 401:
            body["auth"] = {
                "type": "m.login.password",
                "identifier": {"type": "m.id.user", "user": self.id},
                "password": self.login.password,
                "session": answer["session"],
            }
            status, answer = await self._attempt("POST", path, body)
        assert status == 200, answer
        await self.signs_device(self.login.device_id, keys)
        return keys

    async def signs_device(self, device: str, keys: SigningKeys) -> None:
        """Verify a device of one's own, as one client does for another."""
        query: dict[str, object] = {"device_keys": {self.id: []}}
        shown = await self.asks("POST", "/_matrix/client/v3/keys/query", query)
        signed = keys.signed(shown["device_keys"][self.id][device], self.id, "self_signing")
        body = {self.id: {device: signed}}
        answer = await self.asks("POST", "/_matrix/client/v3/keys/signatures/upload", body)
        assert not answer.get("failures"), answer

    @property
    def _olm(self) -> nio.crypto.Olm:
        assert self.client.olm is not None
        return self.client.olm

    # Seeing ----------------------------------------------------------------------

    async def looks(self, milliseconds: int = 0) -> None:
        """Sync once, and do what encryption asks for."""
        answer = await self.client.sync(milliseconds, full_state=not self.rooms)
        assert isinstance(answer, nio.SyncResponse), answer
        self.between += [event.source for event in answer.to_device_events]
        for room, info in answer.rooms.join.items():
            seen = self.rooms.setdefault(room, Room())
            for event in info.timeline.events:
                self._note(seen, event)
            for event in info.ephemeral:
                if isinstance(event, nio.TypingNoticeEvent):
                    seen.typing = list(event.users)
        await self.client.send_to_device_messages()
        if self.client.should_upload_keys:
            await self.client.keys_upload()
        if self.client.should_query_keys:
            await self.client.keys_query()

    async def waits(self, ready: Callable[[], T | None], within: float = 20.0) -> T:
        """Look until something is there; return it."""
        deadline = time.monotonic() + within
        while not (found := ready()):
            assert time.monotonic() < deadline, {k: v.shown for k, v in self.rooms.items()}
            await self.looks(STEP)
        return found

    async def sees(self, room: str, *parts: str, sender: str = "", within: float = 20.0) -> Shown:
        """Wait until one message holds all parts; return it."""

        def found() -> Shown | None:
            for one in self.messages(room, sender):
                if all(part in one.body for part in parts):
                    return one
            return None

        return await self.waits(found, within)

    async def rests(self, seconds: float) -> None:
        """Look for as long as that; for what must not happen."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            await self.looks(round(min(left, 0.2) * 1000) or 1)
            await asyncio.sleep(0)

    def messages(self, room: str, sender: str = "") -> list[Shown]:
        shown = self.rooms.get(room, Room()).shown.values()
        return [one for one in shown if not sender or one.sender == sender]

    def _note(self, room: Room, event: Any) -> None:
        source = event.source
        room.raw.append(source)
        content, kind = source.get("content", {}), source.get("type")
        if kind == "m.reaction":
            relation = content.get("m.relates_to", {})
            room.reactions.append((event.sender, relation.get("event_id"), relation.get("key")))
        elif kind == "m.room.redaction":
            room.shown.pop(event.redacts, None)
        elif kind == "m.room.message" and content:
            self._note_message(room, event, content)

    def _note_message(self, room: Room, event: Any, content: Mapping[str, Any]) -> None:
        relation = content.get("m.relates_to", {})
        if relation.get("rel_type") == "m.replace":
            before = room.shown.get(relation["event_id"])
            if before is not None and before.sender == event.sender:
                new = content["m.new_content"]
                room.shown[before.id] = replace(
                    before,
                    body=new["body"],
                    html=new.get("formatted_body", ""),
                    content={**new, "m.relates_to": before.content.get("m.relates_to", {})},
                    encrypted=before.encrypted and event.decrypted,
                    history=(*before.history, before.body),
                )
            return
        room.shown[event.event_id] = Shown(
            event.event_id,
            event.sender,
            content.get("body", ""),
            content.get("formatted_body", ""),
            content,
            event.decrypted,
        )
