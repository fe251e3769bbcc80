"""The bare loop: only the wire calls of a streamed answer, with the libraries that we use.

It polls, asks the model and streams it, shows typing, sends the first words,
edits as often as the chat allows, and edits once more at the end. It keeps
nothing, knows nobody, limits nothing but its own pace, and survives nothing.

    python -m bench.bare TELEGRAM_URL TOKEN OLLAMA_URL MODEL
"""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator

import aiohttp
import telegram
from telegram.request import HTTPXRequest

POOL = 16
"""Connections for calls; more make httpx slow."""
INTERVAL = 1.2
"""Seconds between two edits of a chat."""
KEYS = telegram.InlineKeyboardMarkup(
    [[telegram.InlineKeyboardButton("Stop", callback_data="stop:1")]]
)


class Bare:
    """One bot account and one model host."""

    def __init__(self, api: str, token: str, host: str, model: str) -> None:
        self._bot = telegram.Bot(
            token,
            base_url=f"{api}/bot",
            request=HTTPXRequest(connection_pool_size=POOL, read_timeout=60, pool_timeout=60),
            get_updates_request=HTTPXRequest(connection_pool_size=1, read_timeout=60),
        )
        self._host = host
        self._model = model

    async def run(self) -> None:
        """Answer everyone, each message in a task of its own."""
        connections = aiohttp.TCPConnector(limit=0)
        async with (
            self._bot,
            aiohttp.ClientSession(connector=connections) as http,
            asyncio.TaskGroup() as tasks,
        ):
            offset = 0
            print("ready", flush=True)
            while True:
                for update in await self._bot.get_updates(offset, timeout=25):
                    offset = update.update_id + 1
                    if update.message is not None:
                        tasks.create_task(self._answer(http, update.message))

    async def _answer(self, http: aiohttp.ClientSession, message: telegram.Message) -> None:
        chat, text, sent, next_edit = message.chat_id, "", 0, 0.0
        async with asyncio.TaskGroup() as calls:
            calls.create_task(self._bot.send_chat_action(chat, "typing"))
            edit: asyncio.Task[object] | None = None
            async for delta in self._words(http, message.text or ""):
                text += delta
                now = time.monotonic()
                if not sent:
                    sent = (await self._bot.send_message(chat, text, reply_markup=KEYS)).message_id
                    next_edit = now + INTERVAL
                elif now >= next_edit and (edit is None or edit.done()):
                    next_edit = now + INTERVAL
                    shown = self._bot.edit_message_text(text, chat, sent, reply_markup=KEYS)
                    edit = calls.create_task(shown)
            if edit is not None:
                await edit
            await self._bot.edit_message_text(text, chat, sent)

    async def _words(self, http: aiohttp.ClientSession, asked: str) -> AsyncIterator[str]:
        body = {
            "model": self._model,
            "messages": [{"role": "user", "content": asked}],
            "options": {"num_ctx": 65536},
            "stream": True,
        }
        async with http.post(f"{self._host}/api/chat", json=body) as answer:
            async for line in answer.content:
                yield json.loads(line)["message"]["content"]


if __name__ == "__main__":
    asyncio.run(Bare(*sys.argv[1:5]).run())
