"""The way of a message through the whole daemon, against a bare loop of the same wire calls.

The bare loop keeps nothing: it polls, asks the model, sends the first word
and edits once at the end. The daemon stores the message before it asks and
the answer before it shows it. Both run against the same strict servers, with
Telegram's limits lifted.
"""

import asyncio
import json
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from daemon import Daemon
from strict_ollama import Installed, Script, StrictOllama, Text, in_turn
from strict_telegram import Chat, Person, Server

from bench.row import Row, median_ratio, milliseconds

ROUNDS = 30
WARM = 3
"""First rounds, which make connections and fill caches; they do not count."""
WORDS = [Text(f"word{number} ", delay=0.002) for number in range(40)]


async def measure() -> list[Row]:
    script: Script = in_turn(*[WORDS] * (4 * ROUNDS))
    async with Server(limits="off") as telegram, StrictOllama() as ollama:
        ollama.install(Installed("tiny", script))
        people = [telegram.person(100 + n, f"Person {n}") for n in range(ROUNDS + WARM)]
        chats = [(telegram.private_chat(person), person) for person in people]
        async with _daemon(telegram, ollama, [person.id for person in people]):
            ours = await _asked(telegram, ollama, chats)
        async with asyncio.TaskGroup() as tasks:
            bare = tasks.create_task(_bare(telegram, ollama))
            theirs = await _asked(telegram, ollama, chats)
            bare.cancel()
    names = ("update → model request", "end of stream → final text shown")
    bars = (4.0, 3.0)
    return [
        Row(
            f"daemon / bare loop: {name}",
            median_ratio([one[part] for one in ours], [one[part] for one in theirs]),
            "ratio",
            bar,
            f"daemon {milliseconds([one[part] for one in ours])}; "
            f"bare {milliseconds([one[part] for one in theirs])}",
        )
        for part, (name, bar) in enumerate(zip(names, bars, strict=True))
    ]


@asynccontextmanager
async def _daemon(telegram: Server, ollama: StrictOllama, owners: list[int]) -> AsyncIterator[None]:
    with tempfile.TemporaryDirectory(prefix="navi-bench-") as folder:
        environment = {
            "NAVI_DATA_DIR": folder,
            "NAVI_OWNERS": ",".join(f"telegram:{owner}" for owner in owners),
            "NAVI_MODEL": "tiny",
            "NAVI_LOG_LEVEL": "info",
            "TELEGRAM_BOT_TOKEN": telegram.token,
            "TELEGRAM_API_URL": telegram.url,
            "OLLAMA_HOST": ollama.url,
        }
        async with Daemon(environment) as daemon:
            await daemon.ready()
            yield


async def _asked(
    telegram: Server, ollama: StrictOllama, chats: list[tuple[Chat, Person]]
) -> list[tuple[float, float]]:
    """Ask once in each chat, so that no chat's own pace is measured.

    Returns (to the model, from the end of the stream to the final text) in seconds.
    """
    found: list[tuple[float, float]] = []
    for number, (chat, person) in enumerate(chats):
        found.append(await _one(telegram, ollama, chat, person, number))
        await asyncio.sleep(0.2)
    return found[WARM:]


async def _one(
    telegram: Server, ollama: StrictOllama, chat: Chat, ann: Person, number: int
) -> tuple[float, float]:
    before = len(ollama.chats)
    began = time.monotonic()
    telegram.say(chat, ann, f"question {number}")
    await telegram.wait_for(lambda: len(ollama.chats) > before, timeout=10)
    call = ollama.chats[before]
    await telegram.wait_for(lambda: call.ended, timeout=10)
    final = await telegram.wait_for(lambda: _final(telegram, chat, call.ended), timeout=10)
    return call.arrived - began, final - call.ended


def _final(telegram: Server, chat: Chat, after: float) -> float:
    """Return when the whole answer was shown last, 0.0 if it is not yet."""
    shown = telegram.last(chat)
    if shown is None or not shown.outgoing or not shown.versions:
        return 0.0
    version = shown.versions[-1]
    whole = "word39" in version.content.text
    return version.at if whole and version.at >= after - 0.05 else 0.0


async def _bare(telegram: Server, ollama: StrictOllama) -> None:
    """The least that answers: no store, no queue, no limits, no restarts."""
    bot = f"{telegram.url}/bot{telegram.token}"
    async with httpx.AsyncClient(timeout=60) as http:
        offset = 0
        while True:
            asked = {"offset": offset, "timeout": 25}
            updates = (await http.post(f"{bot}/getUpdates", json=asked)).json()["result"]
            for update in updates:
                offset = update["update_id"] + 1
                if "message" in update:
                    await _answer(http, bot, ollama.url, update["message"])


async def _answer(http: httpx.AsyncClient, bot: str, host: str, message: dict[str, object]) -> None:
    chat = message["chat"]["id"]  # type: ignore[index]  # as the wire has it
    body = {
        "model": "tiny",
        "messages": [{"role": "user", "content": message["text"]}],
        "options": {"num_ctx": 65536},
        "stream": True,
    }
    text, sent = "", 0
    async with http.stream("POST", f"{host}/api/chat", json=body) as answer:
        async for line in answer.aiter_lines():
            text += json.loads(line)["message"]["content"]
            if not sent and text:
                shown = {"chat_id": chat, "text": text}
                reply = await http.post(f"{bot}/sendMessage", json=shown)
                sent = reply.json()["result"]["message_id"]
    final = {"chat_id": chat, "message_id": sent, "text": text}
    await http.post(f"{bot}/editMessageText", json=final)
