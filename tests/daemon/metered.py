"""The daemon on a metered database: what a turn asks of it, statement by statement.

async with metered(dsn, folder, script) as turns:
    spent = await turns.ask("question 1")
    spent.trips
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from postgres_meter import Asked, PostgresMeter
from strict_ollama import Installed, Script, StrictOllama
from strict_telegram import Chat, Person, Server

from daemon import Daemon
from daemon.stage import OWNER

POOL, QUEUE = "navi-bot", "navi-bot queue"

KINDS = {
    "INSERT INTO inbox": "taken in",
    "SKIP LOCKED": "claimed",
    "AS n (post text": "noted",
    "SET state = $5": "ended",
    "INSERT INTO tool_journal": "batch begun",
    "SET pending = NULL, asked = true": "batch recorded",
}
"""What is in the text of a turn's statements, and what they do."""

APART = ("occurrences", "recalls", "clock_timestamp")
"""What is in the transactions of the reminders, which look for what is due all the time."""

SETTLED = 0.3
"""Seconds after the end in which nothing more is expected of a turn."""
PATIENCE = 15.0


@dataclass(frozen=True, slots=True)
class Spent:
    """What one turn cost: its round trips by what they do, and their bytes.

    `queue`: what the queue's library asked meanwhile.
    """

    trips: list[str]
    queue: list[str]
    written: int
    read: int


@dataclass(slots=True)
class Metered:
    """A running daemon, its owner and their chat."""

    meter: PostgresMeter
    telegram: Server
    daemon: Daemon
    person: Person
    chat: Chat
    asked: int = 0

    async def ask(self, text: str) -> Spent:
        """Ask, wait until the turn has ended and nothing more comes of it."""
        before = len(self.meter.log)
        self.asked += 1
        self.telegram.say(self.chat, self.person, text)
        await self.daemon.event("turn_ended", within=PATIENCE, nth=self.asked)
        async with asyncio.timeout(PATIENCE):
            while "noted" not in [_kind(each.text) for each in self._ours(before)]:
                await self.meter.next_question()
        await asyncio.sleep(SETTLED)
        ours = self._ours(before)
        return Spent(
            [_kind(each.text) for each in ours],
            self.meter.asked(QUEUE, before),
            sum(each.written for each in ours),
            sum(each.read for each in ours),
        )

    def _ours(self, since: int) -> list[Asked]:
        """Return what was asked for turns."""
        found = self.meter.transactions(POOL, since)
        return [each for transaction in found if not _is_apart(transaction) for each in transaction]


def _kind(text: str) -> str:
    return next((kind for part, kind in KINDS.items() if part in text), text[:80])


def _is_apart(transaction: tuple[Asked, ...]) -> bool:
    return any(word in each.text for each in transaction for word in APART)


@asynccontextmanager
async def metered(dsn: str, folder: Path, script: Script) -> AsyncIterator[Metered]:
    """Start a daemon with one owner between strict servers, on the database through a meter."""
    async with (
        PostgresMeter(dsn) as meter,
        Server(limits="off") as telegram,
        StrictOllama() as ollama,
    ):
        ollama.install(Installed("tiny", script))
        ann = telegram.person(OWNER, "Ann")
        environment = {
            "NAVI_DATA_DIR": str(folder / "data"),
            "NAVI_DATABASE_URL": meter.dsn,
            "NAVI_OWNERS": f"telegram:{OWNER}",
            "NAVI_MODEL": "tiny",
            "TELEGRAM_BOT_TOKEN": telegram.token,
            "TELEGRAM_API_URL": telegram.url,
            "OLLAMA_HOST": ollama.url,
        }
        async with Daemon(environment) as daemon:
            await daemon.ready()
            yield Metered(meter, telegram, daemon, ann, telegram.private_chat(ann))
