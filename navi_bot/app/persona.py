"""Who speaks: the persona that an owner set in a chat, else the configured one."""

from typing import Self

from navi_bot.agent.persona import PERSONA
from navi_bot.errors import ConfigurationError
from navi_bot.ports.store import Choices
from navi_bot.settings import Settings

NAME = "persona"
"""Of the choice."""


class Persona:
    """One for the whole daemon; implements the commands' Persona port."""

    def __init__(self, configured: str, chosen: str, choices: Choices) -> None:
        self._configured = configured
        self._chosen = chosen
        self._choices = choices

    @classmethod
    async def load(cls, settings: Settings, choices: Choices) -> Self:
        """Read it; ConfigurationError when its file cannot be read."""
        return cls(configured_persona(settings), await choices.load(NAME), choices)

    @property
    def text(self) -> str:
        return self._chosen or self._configured

    @property
    def is_chosen(self) -> bool:
        return bool(self._chosen)

    async def choose(self, text: str) -> None:
        """Speak so from the next message on, and after restarts; "": as configured."""
        await self._choices.save(NAME, text)
        self._chosen = text


def configured_persona(settings: Settings) -> str:
    """Return the operator's persona, else the shipped one."""
    if settings.persona_file is None:
        return settings.persona or PERSONA
    try:
        return settings.persona_file.read_text(encoding="utf-8").strip() or PERSONA
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"NAVI_PERSONA_FILE {settings.persona_file} cannot be read; make it a UTF-8 text "
            "file that navi-bot may read."
        ) from error
