"""Reads a room's events: finds what they refer to, then has them translated.

An event names others by id: the message that it edits, replies to or reacts
to. They are remembered, else asked for; an answer that does not come leaves
the event without that part, never without itself.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import quote

import nio
import structlog

from adapters.matrix import buttons, inbound
from adapters.matrix.files import Wire
from adapters.matrix.homeserver import Homeserver
from adapters.matrix.inbound import Chat, Context, Me
from adapters.matrix.recent import Recent
from adapters.matrix.trust import Trust
from navi_bot.errors import NaviError
from navi_bot.messages import ChatKind, Inbound, Quote, Unread

log = structlog.get_logger()

LOOKUP_TIMEOUT = 5.0
"""Seconds for an event that another one refers to."""


class Reader:
    """`me`: our account; its name may become known later."""

    def __init__(
        self,
        homeserver: Homeserver,
        recent: Recent,
        me: Me,
        now: Callable[[], datetime],
        trust: Trust,
    ) -> None:
        self._homeserver = homeserver
        self._client = homeserver.client
        self._recent = recent
        self._me = me
        self._now = now
        self._trust = trust

    async def read(self, room: str, event: nio.Event) -> Inbound | None:
        """Return what an event means to us; None when it is nothing of ours."""
        wire: Wire = event.source
        if wire.get("type") == "m.room.member":
            chat = self.chat(room, event.sender)
            return inbound.membership(wire, chat, self._me, self._now())
        if event.sender == self._me.id:
            return None
        chat = self.chat(room, event.sender)
        read = await self._read(chat, event, wire)
        if read is None:
            return None
        allowed = await self._trust.allowed(event, encrypted=chat.encrypted)
        sender = replace(read.origin.sender, allowed=allowed)
        return replace(read, origin=replace(read.origin, sender=sender))

    async def _read(self, chat: Chat, event: nio.Event, wire: Wire) -> Inbound | None:
        match wire.get("type"):
            case "m.room.message":
                return await self._message(chat, event, wire)
            case "m.reaction":
                return await self._reaction(chat, wire)
            case "m.room.redaction":
                return self._redaction(chat, wire)
        return None

    def chat(self, room: str, *people: str) -> Chat:
        """Return a room as it is now; with two people in it it is a private chat."""
        known = self._client.rooms.get(room)
        if known is None:
            return Chat(room, ChatKind.GROUP, "", encrypted=False, names={})
        names = {who: known.users[who].name for who in people if who in known.users}
        kind = ChatKind.PRIVATE if len(known.users) <= 2 else ChatKind.GROUP
        encrypted = known.encrypted or room in self._client.encrypted_rooms
        return Chat(room, kind, known.name or known.canonical_alias or "", encrypted, names)

    def unread(self, room: str, event: nio.Event, why: str, count: int = 1) -> Unread:
        """Return the event that somebody's messages cannot be read; its key is its own."""
        wire = {**event.source, "event_id": f"{why}:{event.event_id}"}
        thread = inbound.thread_root(wire)
        chat = self.chat(room, event.sender)
        about = event.event_id
        where = inbound.origin(wire, chat, self._me, thread, self._now(), about)
        return Unread(where, "sealed" if why == "sealed" else "missed", count)

    def moved(self, room: str, state: Iterable[nio.Event]) -> Inbound | None:
        """Return that a room replaces one that we know; both must say so."""
        for event in state:
            old = inbound.predecessor(event.source)
            replaced = self._client.rooms.get(old)
            if replaced is not None and replaced.replacement_room == room:
                return inbound.moved(event.source, self.chat(old), self._me, self._now(), room)
        return None

    async def _message(self, chat: Chat, event: nio.Event, wire: Wire) -> Inbound | None:
        if chat.encrypted and not event.decrypted:
            log.warning("open_message_ignored", room=chat.id, message=event.event_id)
            return None
        edited = inbound.replaced(wire)
        thread = await self._thread_of(chat.id, edited) if edited else inbound.thread_root(wire)
        self._recent.threads[event.event_id] = thread
        target = inbound.replied(wire)
        quote = await self._quote(chat.id, target) if target and not edited else None
        now = self._now()
        said = inbound.message(wire, chat, self._me, Context(thread, quote), now)
        if said is not None and quote is not None and quote.from_bot:
            sign = str(getattr(said, "text", ""))
            if data := (await self._buttons_of(chat.id, target)).get(buttons.plain(sign)):
                return inbound.press(wire, chat, self._me, thread, now, target, data)
        return said

    async def _reaction(self, chat: Chat, wire: Wire) -> Inbound | None:
        target, sign = inbound.reaction(wire)
        if not target:
            return None
        data = (await self._buttons_of(chat.id, target)).get(buttons.plain(sign))
        if not data:
            return None
        thread = await self._thread_of(chat.id, target)
        return inbound.press(wire, chat, self._me, thread, self._now(), target, data)

    def _redaction(self, chat: Chat, wire: Wire) -> Inbound | None:
        target = inbound.redacted(wire)
        if target in self._recent.buttons:
            self._recent.taken_back[target] = True
            return None
        thread = self._recent.threads.get(target, "")
        return inbound.withdrawal(wire, chat, self._me, thread, self._now()) if target else None

    async def _thread_of(self, room: str, message: str) -> str:
        if message not in self._recent.threads:
            found = await self.find(room, message)
            if found is None:
                return ""
            self._recent.threads[message] = inbound.thread_root(found.source)
        return self._recent.threads.get(message, "")

    async def _quote(self, room: str, message: str) -> Quote | None:
        found = await self.find(room, message)
        if found is None or not inbound.is_message(found.source):
            return None
        return inbound.quote_of(found.source, self.chat(room, found.sender), self._me)

    async def _buttons_of(self, room: str, message: str) -> Mapping[str, str]:
        """Return what a message of ours shows, by sign; {} for others' messages."""
        if message not in self._recent.buttons:
            found = await self.find(room, message)
            if found is None or found.sender != self._me.id:
                return {}
            self._recent.buttons[message] = buttons.read_field(self._newest(room, found))
        return self._recent.buttons.get(message, {})

    def _newest(self, room: str, message: nio.Event) -> Wire:
        """Return the content of a message after its last edit."""
        content: Wire = message.source.get("content", {})
        relations = message.source.get("unsigned", {}).get("m.relations", {})
        edit = relations.get("m.replace")
        if not isinstance(edit, Mapping) or edit.get("sender") != self._me.id:
            return content
        read = self._opened(room, nio.Event.parse_event(dict(edit)))
        new = read.source.get("content", {}).get("m.new_content") if read else None
        return new if isinstance(new, Mapping) else content

    async def find(self, room: str, message: str) -> nio.Event | None:
        """Ask for an event by its id; None when it is not there, or not to be read."""
        path = f"/_matrix/client/v3/rooms/{quote(room)}/event/{quote(message)}"
        try:
            answer = await self._homeserver.request("GET", path, None, LOOKUP_TIMEOUT)
        except NaviError as error:
            log.info("event_not_found", room=room, error=type(error).__name__)
            return None
        return self._opened(room, nio.Event.parse_event(answer))

    def _opened(self, room: str, event: Any) -> nio.Event | None:
        """Decrypt an event if need be, keeping what the homeserver told with it (its last edit)."""
        if not isinstance(event, nio.MegolmEvent):
            return event if isinstance(event, nio.Event) else None
        unsigned = event.source.get("unsigned", {})
        opened = opened_event(self._client, room, event)
        if opened is not None:
            opened.source["unsigned"] = unsigned
        return opened


def opened_event(client: nio.AsyncClient, room: str, event: nio.MegolmEvent) -> nio.Event | None:
    """Decrypt an event; None while its key is not there."""
    event.room_id = room
    try:
        opened = client.decrypt_event(event)
    except nio.EncryptionError:
        return None
    return opened if isinstance(opened, nio.Event) else None
