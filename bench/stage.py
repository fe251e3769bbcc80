"""What a measurement needs around it: database, model host, and the programs under test.

    async with surroundings(speaker.script()) as around:
        async with around.daemon(rooms=8) as ours, around.bare(rooms=8) as bare:
            ours.ask(room, text)

Each program has a strict Telegram of its own, so that both can run at the
same time and be asked in turn; the model host is the same.
"""

import asyncio
import itertools
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
from daemon import Daemon
from strict_ollama import Installed, Script, Settings, StrictOllama
from strict_telegram import Chat, Limits, Message, Person, Server
from strict_telegram.limits import Name as Limit

from bench.cores import CORES, standing_on
from bench.installed import hide
from bench.meter import Used, used
from navi_bot.store.cluster import Cluster
from navi_bot.store.embedded import EmbeddedServer

MODEL = "tiny"
MOST_AT_ONCE = 512
"""Answers that the model host gives at once; no measurement is to wait for it."""
FIRST_PERSON = 1000
UNLIMITED = "100000"
"""Calls a second: Telegram's limit for all calls of a bot, lifted."""


@dataclass(slots=True)
class Program:
    """A running program under test, and the chats it serves; each has a person of its own."""

    name: str
    telegram: Server
    chats: Sequence[tuple[Chat, Person]]
    pid: int
    daemon: Daemon | None = None
    started: float = 0.0
    """Seconds from its start until it said that it is ready."""
    database: int | None = None
    """The process of a server that is not its own."""

    def ask(self, room: int, text: str) -> Message:
        chat, person = self.chats[room]
        return self.telegram.say(chat, person, text)

    def chat(self, room: int) -> Chat:
        return self.chats[room][0]

    def used(self) -> Used:
        return used(self.pid, self.database)


class Surroundings:
    """Built by `surroundings`; starts programs."""

    def __init__(self, folder: Path, database: EmbeddedServer, ollama: StrictOllama) -> None:
        self.folder = folder
        self.ollama = ollama
        self._database = database
        self._numbers = itertools.count(1)

    @asynccontextmanager
    async def daemon(
        self, rooms: int, limits: Limits | Limit = "off", **changes: str
    ) -> AsyncIterator[Program]:
        """Run navi-bot, ready, with a fresh database on the surroundings' server."""
        number = next(self._numbers)
        async with Server(limits=limits) as telegram:
            own = {
                "NAVI_DATA_DIR": str(self.folder / f"daemon{number}"),
                "NAVI_DATABASE_URL": await self._fresh(number),
                "NAVI_CONCURRENCY": str(max(32, rooms)),
                "OLLAMA_PARALLEL": str(max(4, rooms)),
            }
            server = Cluster(self.folder / "database").running()
            async with self._running(telegram, rooms, {**own, **changes}) as program:
                program.database = server[0] if server else None
                yield program

    @asynccontextmanager
    async def installed(self, telegram: Server) -> AsyncIterator[Program]:
        """Run navi-bot as it is installed: its own libraries, its own database, always the same."""
        hidden = hide(self.folder / "hidden")
        own = {
            "NAVI_DATA_DIR": str(self.folder / "installed"),
            "PYTHONPATH": os.pathsep.join(filter(None, [hidden, os.environ.get("PYTHONPATH")])),
        }
        async with self._running(telegram, 1, own) as program:
            yield program

    @asynccontextmanager
    async def _running(
        self, telegram: Server, rooms: int, own: Mapping[str, str]
    ) -> AsyncIterator[Program]:
        chats = _chats(telegram, rooms)
        environment = {
            "NAVI_OWNERS": ",".join(f"telegram:{person.id}" for _, person in chats),
            "NAVI_MODEL": MODEL,
            "TELEGRAM_BOT_TOKEN": telegram.token,
            "TELEGRAM_API_URL": telegram.url,
            "OLLAMA_HOST": self.ollama.url,
            **own,
        }
        async with AsyncExitStack() as stack:
            daemon, began = Daemon(environment), time.monotonic()
            with standing_on(CORES.tested):
                await stack.enter_async_context(daemon)
            await daemon.ready()
            started = time.monotonic() - began
            yield Program("navi-bot", telegram, chats, daemon.pid, daemon, started)

    @asynccontextmanager
    async def bare(self, rooms: int, limits: Limits | Limit = "off") -> AsyncIterator[Program]:
        """Run the bare loop, ready."""
        async with Server(limits=limits) as telegram:
            chats = _chats(telegram, rooms)
            words = [sys.executable, "-m", "bench.bare", telegram.url, telegram.token]
            with standing_on(CORES.tested):
                process = await asyncio.create_subprocess_exec(
                    *words, self.ollama.url, MODEL, stdout=asyncio.subprocess.PIPE
                )
            try:
                assert process.stdout is not None
                async with asyncio.timeout(20):
                    await process.stdout.readline()
                yield Program("bare loop", telegram, chats, process.pid)
            finally:
                if process.returncode is None:
                    process.kill()
                await process.wait()

    async def _fresh(self, number: int) -> str:
        """Make a database; return its URL."""
        name = f"bench_{number}"
        connection = await asyncpg.connect(self._database.dsn)
        try:
            await connection.execute(f"CREATE DATABASE {name}")
        finally:
            await connection.close()
        return urlunsplit(urlsplit(self._database.dsn)._replace(path=f"/{name}"))


@asynccontextmanager
async def surroundings(script: Script, **model: object) -> AsyncIterator[Surroundings]:
    """Start database and model host beside the harness, away from the tested core."""
    with (
        tempfile.TemporaryDirectory(prefix="navi-bench-") as name,
        standing_on(CORES.rest),
    ):
        folder = Path(name)
        settings = Settings(parallel=MOST_AT_ONCE)
        async with (
            EmbeddedServer(folder / "database") as database,
            StrictOllama(settings=settings) as ollama,
        ):
            ollama.install(Installed(MODEL, script, **model))  # type: ignore[arg-type]  # by name
            yield Surroundings(folder, database, ollama)


def _chats(telegram: Server, rooms: int) -> list[tuple[Chat, Person]]:
    people = [telegram.person(FIRST_PERSON + n, f"Person {n}") for n in range(rooms)]
    return [(telegram.private_chat(person), person) for person in people]
