"""Values that travel: who, where, what came in, what should be shown.

Two directions meet here. An adapter turns a platform's update into an
`Inbound`; everything the bot shows is a `Post` of `Page`s of `Block`s, handed
to delivery and rendered by the adapter. Nothing in this module does I/O.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Literal, NewType

RoomId = NewType("RoomId", int)
SessionId = NewType("SessionId", int)
TurnId = NewType("TurnId", int)
PersonId = NewType("PersonId", int)
InboxId = NewType("InboxId", int)


class Role(StrEnum):
    """What a person may do. Unknown people are guests and get nothing."""

    OWNER = "owner"
    MEMBER = "member"
    GUEST = "guest"
    BLOCKED = "blocked"


Allowed = Literal["all", "sandbox", "talk", "nothing"]
"""What a message may bring about, as far as the device that it came from is trusted.

"sandbox": nothing that reaches beyond the bot's own data and its sandbox;
"talk": no tool that changes anything; "nothing": no answer but how to mend that.
"""

_FREEDOM: tuple[Allowed, ...] = ("nothing", "talk", "sandbox", "all")


def least(*given: Allowed) -> Allowed:
    """Return the narrowest of several permissions, "all" without any."""
    return min(given, key=_FREEDOM.index, default="all")


class ChatKind(StrEnum):
    PRIVATE = "private"
    GROUP = "group"


@dataclass(frozen=True, slots=True)
class Address:
    """One room on one platform, as the platform names it.

    `account` is the bot's own id there; `thread` is a forum topic or a Matrix
    thread root, "" for the room itself.
    """

    platform: str
    account: str
    chat: str
    thread: str = ""


@dataclass(frozen=True, slots=True)
class Sender:
    """Who acted. `id` is the platform's immutable id, never a user name.

    `rightless` marks anonymous admins, channels and linked-channel posts:
    they have no rights even when their id is listed.
    """

    id: str
    name: str
    is_bot: bool = False
    rightless: bool = False
    allowed: Allowed = "all"


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file on the platform, not downloaded yet. `size` is in bytes."""

    kind: Literal["image", "file"]
    ref: str
    name: str
    mime: str = "application/octet-stream"
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Quote:
    """The message that this one replies to. Its text is untrusted data."""

    message_id: str
    author: str
    text: str
    from_bot: bool = False


@dataclass(frozen=True, slots=True)
class Origin:
    """What every inbound event carries.

    `key` is unique within the bot account and equal on every redelivery;
    `sent_at` is the platform's clock (aware UTC), used only to tell old
    messages from new ones.
    """

    key: str
    address: Address
    chat_kind: ChatKind
    sender: Sender
    message_id: str
    sent_at: datetime
    title: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """A message. `addressed`: it mentions the bot or replies to it."""

    origin: Origin
    text: str
    attachments: tuple[Attachment, ...] = ()
    quote: Quote | None = None
    forwarded_from: str = ""
    addressed: bool = False
    album: str = ""


@dataclass(frozen=True, slots=True)
class Edited:
    """A person changed a message of theirs; `text` is the new whole text."""

    origin: Origin
    text: str


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A person deleted (redacted) a message of theirs."""

    origin: Origin


@dataclass(frozen=True, slots=True)
class Pressed:
    """A button was pressed, or claimed to be: `data` may be forged.

    `press` is the platform's handle for acknowledging the press. `mute`: the
    platform shows no acknowledgement, so a refusal is said in a message.
    """

    origin: Origin
    data: str
    press: str
    mute: bool = False


@dataclass(frozen=True, slots=True)
class Left:
    """The bot can no longer write here (blocked, kicked, chat deleted)."""

    origin: Origin
    reason: str


@dataclass(frozen=True, slots=True)
class Returned:
    """The bot can write here again (unblocked, added back)."""

    origin: Origin


@dataclass(frozen=True, slots=True)
class Moved:
    """The chat has a new id (a group became a supergroup)."""

    origin: Origin
    new_chat: str


@dataclass(frozen=True, slots=True)
class Unread:
    """Messages that cannot be answered: sealed with a key that we lack, or too many to fetch."""

    origin: Origin
    why: Literal["sealed", "missed"]
    count: int = 1


Inbound = Said | Edited | Withdrawn | Pressed | Left | Returned | Moved | Unread


# What is shown -------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Prose:
    """Markdown, as a model writes it. May end in the middle of a construct."""

    markdown: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line of plain text of our own; never parsed as markup."""

    text: str
    style: Literal["plain", "dim", "bold", "code"] = "plain"


@dataclass(frozen=True, slots=True)
class Fold:
    """Text shown collapsed under a title: thinking, a tool log."""

    title: str
    text: str


Block = Prose | Line | Fold


@dataclass(frozen=True, slots=True)
class Button:
    """`data` is at most 64 bytes. `person`: only this one may press it."""

    label: str
    data: str
    style: Literal["plain", "danger", "success"] = "plain"
    person: PersonId | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """A text file sent with a page (an answer too long for pages)."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Page:
    """One platform message: blocks from top to bottom, rows of buttons."""

    blocks: tuple[Block, ...]
    buttons: tuple[tuple[Button, ...], ...] = ()
    document: Document | None = None


class Priority(IntEnum):
    """Who goes first when calls are scarce; lower goes first."""

    FINAL = 0
    ANSWER = 1
    FIRST = 2
    PROGRESS = 3
    TYPING = 4


@dataclass(frozen=True, slots=True)
class Head:
    """The identity of a post: one logical message, of one or more pages.

    `key` is stable over restarts ("turn:12", "turn:12:answer", "reply:87").
    Posts of a room are shown in the order in which they were handed over.
    """

    key: str
    room: RoomId
    address: Address
    reply_to: str = ""
    silent: bool = False
    group: bool = False


@dataclass(frozen=True, slots=True)
class Post:
    """A post whose content is settled: what the room shall show, for good."""

    head: Head
    pages: tuple[Page, ...]


# What the model sees -------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call as the model made it. `arguments` is a JSON object."""

    id: str
    name: str
    arguments: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Message:
    """One entry of a conversation, for the model and the history alike.

    `images` are paths below the data directory; `created_at` is aware UTC.
    The metrics are set on final assistant messages only and never sent to
    the model.
    """

    role: Literal["system", "user", "assistant", "tool"]
    content: str
    images: tuple[str, ...] = ()
    thinking: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""
    name: str = ""
    created_at: datetime | None = None
    elapsed_seconds: float | None = None
    tool_call_count: int | None = None
    token_count: int | None = None
    is_plan: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """A message and the lists it goes to (history, model context, or both)."""

    message: Message
    in_history: bool = True
    in_context: bool = True


@dataclass(frozen=True, slots=True)
class RoomSettings:
    """What a room overrides. None: the profile's or the daemon's value."""

    model: str | None = None
    think: bool | None = None
    show_thinking: bool = True
    steer: bool | None = None
    extra: Mapping[str, object] = field(default_factory=dict)
