"""What exists on the platform: people, chats, messages, files, presses."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from strict_telegram.markup import Text

Markup = Mapping[str, Any]


class Kind(StrEnum):
    PRIVATE = "private"
    GROUP = "group"
    SUPERGROUP = "supergroup"
    CHANNEL = "channel"


@dataclass(slots=True, eq=False)
class Person:
    """An account, a bot's too. `blocked`: it blocked the tested bot."""

    id: int
    first_name: str
    username: str = ""
    is_bot: bool = False
    language: str = "en"
    blocked: bool = False
    deactivated: bool = False


@dataclass(slots=True, eq=False)
class Topic:
    """A forum topic. Id 1 is General, which calls must not name."""

    id: int
    name: str
    closed: bool = False
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class File:
    """A file as a test gives it. `size` pretends a size without the bytes."""

    name: str
    content: bytes = b""
    mime: str = "application/octet-stream"
    size: int | None = None

    @property
    def bytes(self) -> int:
        """The size that the platform reports."""
        return len(self.content) if self.size is None else self.size


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file on the platform. `path` is where it is downloaded from."""

    id: str
    unique_id: str
    path: str
    file: File


@dataclass(frozen=True, slots=True)
class Media:
    """A message's file. `kind` is "photo" or "document"."""

    kind: str
    stored: StoredFile
    width: int = 0
    height: int = 0


@dataclass(frozen=True, slots=True)
class Version:
    """What a message showed from `at` on (monotonic seconds)."""

    at: float
    content: Text
    markup: Markup | None = None


@dataclass(slots=True, eq=False)
class Message:
    """A message with all its versions; the last one is what people see."""

    chat: "Chat"
    id: int
    date: int
    sender: Person | None
    versions: list[Version]
    sender_chat: "Chat | None" = None
    media: Media | None = None
    reply_to: "Message | None" = None
    topic: Topic | None = None
    album: str = ""
    forward_origin: Mapping[str, Any] | None = None
    service: Mapping[str, Any] = field(default_factory=dict)
    edit_date: int | None = None
    deleted_at: float | None = None
    silent: bool = False
    outgoing: bool = False
    """The tested bot wrote it."""
    automatic_forward: bool = False
    update_id: int | None = None
    """The latest update that told the bot of it; None: it was not told."""
    reactions: dict[int, str] = field(default_factory=dict)
    """Person id → emoji."""

    @property
    def text(self) -> str:
        """The text or caption that people see now."""
        return self.versions[-1].content.text

    @property
    def entities(self) -> tuple[Mapping[str, Any], ...]:
        """The entities that people see now."""
        return self.versions[-1].content.entities

    @property
    def markup(self) -> Markup | None:
        """The keyboard that people see now."""
        return self.versions[-1].markup

    @property
    def visible(self) -> bool:
        """Whether it was not deleted."""
        return self.deleted_at is None

    @property
    def buttons(self) -> list[Mapping[str, Any]]:
        """The inline buttons that people see now, row by row."""
        rows = (self.markup or {}).get("inline_keyboard", [])
        return [button for row in rows for button in row]


@dataclass(slots=True, eq=False)
class Chat:
    """A chat. `bot_status` is the tested bot's member status there."""

    id: int
    kind: Kind
    title: str
    person: Person | None = None
    username: str = ""
    started: bool = True
    """A private chat that the person opened; the bot cannot open one."""
    members: dict[int, str] = field(default_factory=dict)
    """Person id → "creator", "administrator", "member", "left" or "kicked"."""
    bot_status: str = "member"
    forum: bool = False
    topics: dict[int, Topic] = field(default_factory=dict)
    moved_to: int | None = None
    gone: bool = False
    muted: bool = False
    """The bot may not write (no rights)."""
    messages: dict[int, Message] = field(default_factory=dict)
    last_id: int = 0

    @property
    def is_group(self) -> bool:
        """Whether the limits of groups hold."""
        return self.kind is not Kind.PRIVATE


@dataclass(slots=True, eq=False)
class Press:
    """A pressed button, and what the bot answered."""

    id: str
    person: Person
    message: Message
    data: str
    at: float
    answered: bool = False
    text: str = ""
    alert: bool = False


@dataclass(slots=True, eq=False)
class Action:
    """A chat action ("typing") as people saw it begin."""

    chat: Chat
    action: str
    at: float
    topic: int | None = None
