"""Somebody on the strict Telegram server."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from contract.stage import Abilities, Seen
from strict_telegram import File, Message, Server, Throttle

from adapters.telegram.adapter import TelegramAdapter
from adapters.telegram.listening import Patience
from navi_bot.messages import Address
from navi_bot.ports.platform import Adapter

HURRIED = Patience(
    poll=1, grace=1.0, probe=1.0, short=0, backoff=(0.05, 0.1), store=0.02, early=0.05,
    conflict=(0.05, 0.1),
)  # fmt: skip


class OnTelegram:
    abilities = Abilities(
        remote=True,
        recovers=True,
        removal=True,
        replies=True,
        buttons=True,
        files=True,
        signs=True,
    )
    cursor = ""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._ann = server.person(5, "Ann")
        self._chat = server.private_chat(self._ann)
        self.adapter: Adapter = self.another()
        account = server.token.partition(":")[0]
        self.place = Address("telegram", account, str(self._chat.id))

    def another(self) -> Adapter:
        return TelegramAdapter(self._server.token, self._server.url, patience=HURRIED)

    def impostor(self) -> Adapter:
        return TelegramAdapter("1:wrong-token-wrong-token-wrong-token-00", self._server.url)

    async def says(self, text: str) -> None:
        self._server.say(self._chat, self._ann, text)

    async def sees(self) -> Sequence[Seen]:
        shown = [one for one in self._server.messages(self._chat) if one.visible]
        return [Seen(one.text, str(one.id), _id(one.reply_to)) for one in shown]

    async def gives(self, name: str, content: bytes) -> None:
        self._server.say(self._chat, self._ann, "", document=File(name, content, "text/plain"))

    async def receives(self, name: str) -> bytes:
        for message in self._server.messages(self._chat):
            if message.media is not None and message.media.stored.file.name == name:
                return message.media.stored.file.content
        raise LookupError(name)

    async def presses(self, message_id: str, label: str) -> None:
        self._server.press(self._message(message_id), label, self._ann)

    async def removes(self, message_id: str) -> None:
        self._server.delete(self._message(message_id))

    async def sees_typing(self) -> bool:
        return bool(self._server.typing(self._chat))

    async def sees_reactions(self, message_id: str) -> Sequence[str]:
        return list(self._message(message_id).reactions.values())

    async def shuts_out(self) -> Address:
        eve = self._server.person(6, "Eve")
        chat = self._server.private_chat(eve)
        self._server.block(eve)
        return Address("telegram", self.place.account, str(chat.id))

    async def throttles(self, seconds: float) -> None:
        self._server.fault(Throttle(int(seconds)), "sendMessage")

    @asynccontextmanager
    async def outage(self) -> AsyncIterator[None]:
        await self._server.refuse_connections()
        try:
            yield
        finally:
            await self._server.accept_connections()

    def _message(self, message_id: str) -> Message:
        return self._chat.messages[int(message_id)]


def _id(message: Message | None) -> str:
    return "" if message is None else str(message.id)


@asynccontextmanager
async def on_telegram() -> AsyncIterator[OnTelegram]:
    async with Server(limits="off") as server:
        yield OnTelegram(server)
