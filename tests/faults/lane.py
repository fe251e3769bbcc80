"""One daemon between two strict servers and a database that outlives it.

A lane plays one case after another, each with a person of its own.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path

import asyncpg
from faults.life import Life
from faults.questions import Kind, Question
from strict_ollama import Script
from strict_telegram import Chat, Person, Server

from navi_bot.messages import Role
from navi_bot.store.people import PostgresPeople
from navi_bot.texts.delivery import REPEAT


@dataclass(slots=True, eq=False)
class Room:
    """A person's private chat, and what was asked in it; `since`: after this message."""

    person: Person
    chat: Chat
    since: int = 0
    asked: list[Question] = field(default_factory=list)
    once: list[str] = field(default_factory=list)
    """What else must be said, once."""
    together: int = 1
    """Questions that one answer may be for."""


class Lane(Life):
    """A daemon that serves people on Telegram."""

    def __init__(
        self,
        dsn: str,
        folder: Path,
        environment: Mapping[str, str],
        *,
        forgiving: bool = True,
        model: Script | None = None,
    ) -> None:
        super().__init__(dsn, folder, environment, forgiving=forgiving, model=model)
        self._people = 1000
        self._questions = 0
        self.telegram = Server()

    async def _arrive(self, stack: AsyncExitStack) -> None:
        await stack.enter_async_context(self.telegram)

    @property
    def places(self) -> Mapping[str, str]:
        return {
            "NAVI_OWNERS": "telegram:5",
            "TELEGRAM_BOT_TOKEN": self.telegram.token,
            "TELEGRAM_API_URL": self.telegram.url,
        }

    async def room(self) -> Room:
        """Let a new person in."""
        self._people += 1
        person = self.telegram.person(self._people, f"P{self._people}")
        people = PostgresPeople(self.pool)
        await people.ensure("telegram", str(person.id), person.first_name, Role.MEMBER)
        return Room(person, self.telegram.private_chat(person))

    def ask(self, room: Room, kind: Kind) -> Question:
        self._questions += 1
        question = Question(self._questions, kind)
        room.asked.append(question)
        self.telegram.say(room.chat, room.person, question.text)
        return question

    def say(self, room: Room, text: str) -> None:
        self.telegram.say(room.chat, room.person, text)

    async def shows(self, room: Room, *parts: str, within: float = 40.0) -> str:
        """Wait until the room shows one of these; return the message's text."""
        found: str = await self.telegram.wait_for(
            lambda: next((t for t in self.texts(room) if any(part in t for part in parts)), ""),
            timeout=within,
        )
        return found

    def texts(self, room: Room) -> list[str]:
        """Return what the bot shows there, oldest first."""
        newest_first = takewhile(lambda m: m.id > room.since, reversed(room.chat.messages.values()))
        return [m.text for m in newest_first if m.outgoing and m.visible][::-1]

    def unlabelled(self, room: Room) -> list[str]:
        """Return what of it does not say that it may be a repeat."""
        return [text for text in self.texts(room) if REPEAT() not in text]


@asynccontextmanager
async def database(server: str, name: str) -> AsyncIterator[None]:
    """Have an empty database on a server, as long as it is entered."""
    connection = await asyncpg.connect(server)
    try:
        await connection.execute(f"CREATE DATABASE {name}")
        yield
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await connection.close()
