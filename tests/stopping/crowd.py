"""People in private chats with one daemon, between the two strict servers."""

import asyncio
import json
import os
import re
import secrets
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
from daemon import Daemon
from daemon.cable import Cable
from marked_processes import all_marks, clear
from strict_ollama import (
    Answer,
    Body,
    Called,
    Calls,
    Installed,
    Pause,
    Record,
    Settings,
    StrictOllama,
    Text,
)
from strict_telegram import Chat, Message, Person, Server

TESTS = Path(__file__).resolve().parent.parent
FOR_EVER = 600.0
ASKED = re.compile(r"\b(prefill|stream|deaf|grow) (\S+)")
PROFILE = {
    "name": "Stopped",
    "description": "Everything that can be stopped.",
    "enabled_tools": ["clock", "deaf", "grow"],
    "model": "",
    "temperature": 0.7,
    "max_iterations": 40,
    "llm_backend": "ollama",
}


def script(body: Body) -> Answer:
    """Do what the newest question names: be silent, speak for ever, or call tools."""
    kind, token = asked(body)
    match kind:
        case "prefill":
            return [Pause(FOR_EVER)]
        case "stream":
            return [Text(f"word{number} ", delay=0.2) for number in range(3000)]
        case "deaf":
            return [Calls((Called("clock", {}), Called("deaf", {}), Called("clock", {})))]
        case _:
            return [Calls((Called("grow", {"mark": token}),))]


def asked(body: Body) -> tuple[str, str]:
    """Return the kind and the token of the newest question of a request."""
    for message in reversed(body["messages"]):
        if message["role"] == "user" and (found := ASKED.search(message["content"])):
            return found[1], found[2]
    raise LookupError("nobody asked anything")


@dataclass
class Member:
    """Somebody in their private chat. `token` is that of their newest question."""

    person: Person
    chat: Chat
    count: int = 0
    token: str = ""
    seen: int = 0
    """The newest message id in the chat when they asked."""


@dataclass
class Crowd:
    telegram: Server
    ollama: StrictOllama
    daemon: Daemon
    cable: Cable
    database: asyncpg.Pool
    members: list[Member]
    run: str = field(default_factory=lambda: secrets.token_hex(4))
    """Part of every token, so that no other run's processes are taken for ours."""
    records: dict[str, Record] = field(default_factory=dict)
    _read: int = 0

    def say(self, member: Member, text: str) -> Message:
        return self.telegram.say(member.chat, member.person, text)

    def ask(self, member: Member, kind: str) -> None:
        """Ask a new question of a kind."""
        member.count += 1
        member.token = f"{kind}-{member.person.id}-{member.count}-{self.run}"
        member.seen = max(member.chat.messages, default=0)
        self.say(member, f"{kind} {member.token}")

    def record(self, member: Member) -> Record | None:
        """Return the model call of a member's newest question."""
        for record in self.ollama.requests[self._read :]:
            self._read += 1
            if record.path == "/api/chat":
                self.records.setdefault(asked(record.body)[1], record)
        return self.records.get(member.token)

    def is_closed(self, member: Member) -> bool:
        """Whether the model host has seen the connection of that call close."""
        record = self.record(member)
        return record is not None and record.outcome == "disconnected"

    def shown(self, member: Member, words: str, since: float) -> float | None:
        """Return when a message showed these words first, since a moment."""
        times = [
            version.at
            for message in self.telegram.messages(member.chat)
            if message.id > member.seen
            for version in message.versions
            if version.at >= since and words in version.content.text
        ]
        return min(times, default=None)

    def live(self, member: Member) -> Message | None:
        """Return the message that shows the Stop button of their newest question."""
        found = [
            message
            for message in self.telegram.messages(member.chat)
            if message.id > member.seen and message.buttons
        ]
        return found[-1] if found else None

    async def until(
        self, holds: Callable[[Member], object], members: Sequence[Member], within: float = 20.0
    ) -> None:
        """Wait until something holds for everybody."""

        def missing() -> list[str]:
            return [member.token for member in members if not holds(member)]

        deadline = time.monotonic() + within
        while left := missing():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{len(left)} of {len(members)} still wait: {left[:5]}")
            await asyncio.sleep(0.15)  # what happens when is noted elsewhere

    async def waiting(self, count: int, within: float = 20.0) -> None:
        """Wait until so many messages wait behind others."""
        query = "SELECT count(*) FROM turns WHERE state = 'queued'"
        async with asyncio.timeout(within):
            while await self.database.fetchval(query) < count:  # noqa: ASYNC110 - rows ring no bell
                await asyncio.sleep(0.05)

    async def turns(self) -> dict[str, tuple[str, float]]:
        """Return the turns that have ended, by what was asked: state, wall-clock seconds."""
        rows = await self.database.fetch(
            "SELECT request ->> 'text' AS text, state, "
            "extract(epoch FROM ended_at)::float8 AS ended "
            "FROM turns WHERE ended_at IS NOT NULL"
        )
        return {row["text"].partition(" ")[2]: (row["state"], row["ended"]) for row in rows}

    async def ended(self, tokens: Sequence[str], within: float = 20.0) -> dict[str, float]:
        """Wait until these turns are marked as stopped; return when, in wall-clock seconds."""
        deadline = time.monotonic() + within
        while True:
            turns = await self.turns()
            if all(token in turns for token in tokens):
                states = {turns[token][0] for token in tokens}
                assert states == {"stopped"}, states
                return {token: turns[token][1] for token in tokens}
            if time.monotonic() > deadline:
                left = [token for token in tokens if token not in turns]
                raise TimeoutError(f"{len(left)} turns are not marked: {left[:5]}")
            await asyncio.sleep(0.05)


@asynccontextmanager
async def crowd(
    folder: Path, dsn: str, people: int, parallel: int, **changes: str
) -> AsyncIterator[Crowd]:
    """Start a daemon for so many people, whose model host takes `parallel` at once."""
    settings = Settings(parallel=parallel)
    cable = Cable(dsn)
    await cable.join()
    async with (
        Server() as telegram,
        StrictOllama(Installed("tiny", script), settings=settings) as ollama,
        asyncpg.create_pool(dsn, min_size=1, max_size=2) as database,
    ):
        members = []
        for number in range(people):
            person = telegram.person(1000 + number, f"P{number}")
            members.append(Member(person, telegram.private_chat(person)))
        environment = {
            **_environment(folder, cable.dsn, [member.person.id for member in members]),
            "TELEGRAM_BOT_TOKEN": telegram.token,
            "TELEGRAM_API_URL": telegram.url,
            "OLLAMA_HOST": ollama.url,
            "OLLAMA_PARALLEL": str(parallel),
            "NAVI_CONCURRENCY": str(people + 8),
            **changes,
        }
        async with Daemon(environment, module="stopping") as daemon:
            await daemon.ready()
            scene = Crowd(telegram, ollama, daemon, cable, database, members)
            try:
                yield scene
            finally:
                cable.flow()
                for mark in all_marks():  # of a test that failed
                    if mark.endswith(scene.run):
                        clear(mark)


def _environment(folder: Path, dsn: str, owners: Sequence[int]) -> Mapping[str, Any]:
    profile = folder / "profiles" / "stopped"
    profile.mkdir(parents=True, exist_ok=True)
    (profile / "config.json").write_text(json.dumps(PROFILE))
    (profile / "system_prompt.txt").write_text("You do what you are told.")
    paths = [str(TESTS), os.environ.get("PYTHONPATH", "")]
    return {
        "PYTHONPATH": os.pathsep.join(path for path in paths if path),
        "NAVI_DATA_DIR": str(folder / "data"),
        "NAVI_DATABASE_URL": dsn,
        "NAVI_OWNERS": ",".join(f"telegram:{owner}" for owner in owners),
        "NAVI_MODEL": "tiny",
        "NAVI_PROFILES_DIR": str(folder / "profiles"),
        "NAVI_PROFILE": "stopped",
    }
