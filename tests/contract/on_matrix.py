"""Somebody on a real homeserver, with a wire between it and the bot on which faults can be set."""

import itertools
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from contract.stage import Abilities, Seen
from real_synapse import Login, Synapse
from real_synapse.bot import Bot
from real_synapse.person import Person as Client
from real_synapse.proxy import Proxy

from adapters.matrix.adapter import MatrixAdapter
from adapters.matrix.buttons import signs
from adapters.matrix.login import Credentials
from adapters.matrix.sync import Patience
from navi_bot.messages import Address, Button
from navi_bot.ports.platform import Adapter

HURRIED = Patience(poll=1.0, grace=1.0, backoff=(0.05, 0.1))

_numbers = itertools.count(1)


class OnMatrix:
    abilities = Abilities(
        remote=True,
        recovers=True,
        once=True,
        removal=True,
        replies=True,
        buttons=True,
        files=True,
        signs=True,
    )

    def __init__(self, bot: Bot, ann: Client, room: str, proxy: Proxy) -> None:
        self._bot = bot
        self._ann = ann
        self._room = room
        self._proxy = proxy
        self.adapter: Adapter = bot.adapter
        self.place = bot.place(room)
        self.cursor = bot.cursor

    def another(self) -> Adapter:
        return self._bot.made()

    def impostor(self) -> Adapter:
        wrong = Credentials(self._proxy.url, self._bot.id, password="wrong")
        return MatrixAdapter(wrong, self._bot.data_dir / "elsewhere")

    async def says(self, text: str) -> None:
        await self._ann.says(self._room, text)

    async def sees(self) -> Sequence[Seen]:
        await self._ann.looks()
        return [
            Seen(one.body, one.id, _answered(one.content))
            for one in self._ann.messages(self._room, self._bot.id)
        ]

    async def gives(self, name: str, content: bytes) -> None:
        sealed = self._ann.client.rooms[self._room].encrypted
        await self._ann.sends_file(self._room, name, "text/plain", content, sealed=sealed)

    async def receives(self, name: str) -> bytes:
        for one in self._ann.messages(self._room, self._bot.id):
            if one.content.get("filename") == name:
                return await self._ann.fetches(one.content)
        raise LookupError(name)

    async def presses(self, message_id: str, label: str) -> None:
        """React with the button's sign, which for a label without one is a number."""
        own = dict(signs([[Button(label, "data")]]))
        await self._ann.reacts(self._room, message_id, next(iter(own)))

    async def removes(self, message_id: str) -> None:
        await self._ann.redacts(self._room, message_id)

    async def sees_typing(self) -> bool:
        await self._ann.looks()
        return self._bot.id in self._ann.rooms[self._room].typing

    async def sees_reactions(self, message_id: str) -> Sequence[str]:
        await self._ann.looks()
        raw = self._ann.rooms[self._room].raw
        taken_back = {_redacted(one) for one in raw if one["type"] == "m.room.redaction"}
        given = [one for one in raw if one["type"] == "m.reaction" and one["content"]]
        relations = [
            one["content"]["m.relates_to"] for one in given if one["event_id"] not in taken_back
        ]
        return [one["key"] for one in relations if one["event_id"] == message_id]

    async def shuts_out(self) -> Address:
        room = await self._ann.opens_room(self._bot.id)
        await self._ann.waits(lambda: _is_in(self._ann, room, self._bot.id))
        await self._ann.client.room_kick(room, self._bot.id)
        return self._bot.place(room)

    async def throttles(self, seconds: float) -> None:
        limited = {
            "errcode": "M_LIMIT_EXCEEDED",
            "error": "slow",
            "retry_after_ms": round(1000 * seconds),
        }
        self._proxy.fails("/send/", 429, limited, times=1)

    @asynccontextmanager
    async def outage(self) -> AsyncIterator[None]:
        self._proxy.fails("/_matrix/", 502)
        try:
            yield
        finally:
            self._proxy.heal()


def _redacted(event: Mapping[str, Any]) -> str:
    return str(event.get("redacts") or event["content"].get("redacts"))


def _answered(content: Mapping[str, Any]) -> str:
    relation = content.get("m.relates_to", {})
    return str(relation.get("m.in_reply_to", {}).get("event_id", ""))


def _is_in(client: Client, room: str, user: str) -> bool:
    member = client.client.rooms[room].users.get(user)
    return member is not None and not member.invited


@asynccontextmanager
async def on_matrix(synapse: Synapse, folder: Path, *, encrypted: bool) -> AsyncIterator[OnMatrix]:
    """Have the bot's adapter connected, in a room that its state has come of."""

    def account(name: str) -> Login:
        return synapse.register(f"{name}-contract{next(_numbers)}")

    ann = Client(synapse.url, account("ann"))
    try:
        async with Proxy(synapse.url) as proxy:
            await ann.looks()
            bot = Bot(proxy.url, account("navi"), folder, ann.id, patience=HURRIED)
            async with bot:
                room = await bot.joins(ann, encrypted=encrypted)
            bot.adapter = bot.made()
            yield OnMatrix(bot, ann, room, proxy)
    finally:
        await ann.close()
