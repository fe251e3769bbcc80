"""The shape of a command and of what it works with.

A command is data: its name, who may use it, the text that /help and the
platform's menu show, and what it does. `COMMANDS` of each area's module are
collected by `collect`; nothing registers itself.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from navi_bot.access import Who
from navi_bot.agenda import Agenda
from navi_bot.errors import Bug
from navi_bot.messages import (
    Block,
    Button,
    Head,
    Line,
    Origin,
    PersonId,
    Post,
    Prose,
    Role,
    RoomId,
)
from navi_bot.ports.calendar import Calendar
from navi_bot.ports.model import Model
from navi_bot.ports.recall import RecallBook, Receipts, Zones
from navi_bot.ports.records import ActiveTurn
from navi_bot.ports.store import Inbox, Sessions, Turns
from navi_bot.ports.tools import ProfileSummary, Tool
from navi_bot.running import Running, RunningTurn
from navi_bot.texts import Text

DATA_LIMIT = 64
"""Bytes of a button's data (Telegram's limit)."""

MOST_CHOICES = 30
"""Rows of buttons below one message; Telegram allows 100 buttons."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One use of a command. `head` addresses the reply.

    `active` and `running` are the room's turns as they were when it was asked.
    """

    arguments: str
    head: Head
    origin: Origin
    person: PersonId
    role: Role
    pressed: bool = False
    mute: bool = False
    """It was pressed where a toast cannot be shown."""
    active: tuple[ActiveTurn, ...] = ()
    running: RunningTurn | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """What a command answers. `replace`: show it in the pressed message.

    `toast` is shown to whoever pressed; `also` are other posts of the room
    that the command has settled.
    """

    blocks: tuple[Block, ...] = ()
    buttons: tuple[tuple[Button, ...], ...] = ()
    toast: str = ""
    replace: bool = False
    also: tuple[Post, ...] = ()


class Profiles(Protocol):
    """The profiles that a person may choose from."""

    def summaries(self) -> Sequence[ProfileSummary]: ...

    def model_of(self, profile_id: str) -> str:
        """Return the model that a profile uses here."""
        ...

    def reload(self) -> tuple[str, ...]:
        """Read them again; return a sentence for each that was skipped.

        ConfigurationError when none would be usable; then those known stay.
        """
        ...


class Persona(Protocol):
    """Who speaks. `is_chosen`: set in a chat, not by the settings."""

    @property
    def text(self) -> str: ...

    @property
    def is_chosen(self) -> bool: ...

    async def choose(self, text: str) -> None:
        """Speak so from the next message on, and after restarts; "": as configured."""
        ...


@dataclass(frozen=True, slots=True)
class RecallDesk:
    """Reminders, as commands reach them. `home`: the zone of people who named none."""

    agenda: Callable[[PersonId, RoomId, Role], Agenda]
    book: RecallBook
    receipts: Receipts
    zones: Zones
    home: ZoneInfo


@dataclass(frozen=True, slots=True)
class Desk:
    """What commands may reach. `status` gives the daemon's own lines."""

    inbox: Inbox
    turns: Turns
    sessions: Sessions
    running: Running
    profiles: Profiles
    model: Model
    tools: Callable[[], tuple[Tool, ...]]
    problems: Callable[[], tuple[str, ...]]
    notes: Callable[[PersonId, Head], Awaitable[Mapping[str, str]]]
    status: Callable[[], tuple[str, ...]]
    now: Callable[[], datetime]
    num_ctx: int
    persona: Persona
    commands: Callable[[], Mapping[str, "Command"]]
    recalls: RecallDesk | None = None
    calendar: Calendar | None = None
    """The owner's; None where none is configured."""
    resume: Callable[[], bool] = lambda: False
    """End safe mode; False if it was not on."""


@dataclass(frozen=True, slots=True)
class Command:
    """`hidden` ones are reached by buttons and not listed."""

    name: str
    who: Who
    help: Text
    run: Callable[[Ask, Desk], Awaitable[Reply]]
    hidden: bool = False


def collect(areas: Iterable[Iterable[Command]]) -> dict[str, Command]:
    """Return every command by name; two of one name are a bug."""
    table: dict[str, Command] = {}
    for command in (command for area in areas for command in area):
        if command.name in table:
            raise Bug(f"Two commands are named /{command.name}.")
        table[command.name] = command
    return table


def say(text: str, *buttons: tuple[Button, ...]) -> Reply:
    """Return a reply of plain lines."""
    return Reply(tuple(Line(line) for line in text.splitlines()), buttons)


def refuse(ask: Ask, text: str) -> Reply:
    """Return a sentence on why not: a toast for whoever pressed, a message for others."""
    return Reply(toast=text) if ask.pressed and not ask.mute else say(text)


def say_markdown(markdown: str) -> Reply:
    return Reply((Prose(markdown),))


def choices(
    command: str, values: Iterable[tuple[str, str]], current: str, person: PersonId
) -> tuple[tuple[Button, ...], ...]:
    """Return a row with a button for each (value, label); only that person may press them.

    What is too long for a button's data is left to be typed.
    """
    rows = (
        (Button(marked(value == current, label), f"{command}:{value}", person=person),)
        for value, label in values
    )
    return tuple(row for row in rows if len(row[0].data.encode()) <= DATA_LIMIT)[:MOST_CHOICES]


def marked(current: bool, text: str) -> str:
    return f"✓ {text}" if current else text
