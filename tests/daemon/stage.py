"""The daemon's surroundings in acceptance tests: two strict servers, one owner."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from strict_ollama import Installed, Script, StrictOllama
from strict_ollama.steps import Answer
from strict_telegram import Chat, Message, Person, Press, Server

from daemon import Daemon

OWNER = 5

HUMAN = 0.4
"""Seconds in which nobody reads a message and presses its button; by then it is noted."""


@dataclass
class Stage:
    """The two servers and the owner's private chat; `start` starts a daemon."""

    telegram: Server
    ollama: StrictOllama
    ann: Person
    chat: Chat
    environment: dict[str, str]

    def start(self, **changes: str) -> Daemon:
        return Daemon({**self.environment, **changes})

    @property
    def data_dir(self) -> Path:
        return Path(self.environment["NAVI_DATA_DIR"])

    def ask(self, text: str) -> Message:
        return self.telegram.say(self.chat, self.ann, text)

    async def press(self, message: Message, label: str, person: Person | None = None) -> Press:
        """Press a button as a person does: after having seen it."""
        await asyncio.sleep(HUMAN)
        return self.telegram.press(message, label, person or self.ann)

    def texts(self) -> list[str]:
        return self.telegram.visible_texts(self.chat)

    async def shows(self, *parts: str, within: float = 15.0) -> str:
        """Wait until one visible message holds all parts; return its text."""
        found = await self.telegram.wait_for(
            lambda: next((t for t in self.texts() if all(part in t for part in parts)), ""),
            timeout=within,
        )
        return found

    def plays(self, script: Script | Answer, name: str = "tiny", **values: object) -> None:
        """Install a model with what it says."""
        self.ollama.install(Installed(name, script, **values))  # type: ignore[arg-type]  # by name
