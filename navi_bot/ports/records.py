"""What the store takes and gives: the rows of the core, as values."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from navi_bot.events import Todo
from navi_bot.messages import (
    Allowed,
    Attachment,
    Button,
    ChatKind,
    Head,
    Inbound,
    InboxId,
    Message,
    PersonId,
    Quote,
    Role,
    RoomId,
    RoomSettings,
    SessionId,
    ToolCall,
    TurnId,
)

TurnState = Literal[
    "queued", "running", "awaiting_input", "done", "stopped", "failed", "interrupted"
]


@dataclass(frozen=True, slots=True)
class ActiveTurn:
    """A turn of the room that has not ended."""

    id: TurnId
    asker: PersonId
    state: TurnState
    message_id: str
    begun: bool = False
    """It ran before (a restart gave it back): the room may show its live message."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known about an event's sender and room, for the pure decision.

    `room` and `person` are None when never seen (a stranger makes no rows).
    `shown` holds the buttons of the bot's message that was pressed, with the
    key of its post; empty when that message is not ours or has no such button.
    """

    room: RoomId | None
    person: PersonId | None
    role: Role
    owner_exists: bool
    settings: RoomSettings = field(default_factory=RoomSettings)
    active: tuple[ActiveTurn, ...] = ()
    """Running first, then queued ones in order."""
    shown: tuple[Button, ...] = ()
    shown_post: str = ""
    duplicate: bool = False
    """The event's key is in the inbox already."""


@dataclass(frozen=True, slots=True)
class CalledBack:
    """What a turn that nobody reads along with was started for.

    `title` heads what it pushes, `due` says when it was due. `notify`: push
    "always", on "change" (from `last`) or on "match" (of the text `match`).
    """

    occurrence: int
    recall: int
    title: str
    due: str
    recurs: bool = False
    notify: Literal["always", "change", "match"] = "always"
    match: str = ""
    last: str = ""


@dataclass(frozen=True, slots=True)
class TurnRequest:
    """A turn to be queued. `kind` "retry" and "continue" have no new text."""

    text: str
    kind: Literal["message", "retry", "continue", "recall"] = "message"
    attachments: tuple[Attachment, ...] = ()
    quote: Quote | None = None
    forwarded_from: str = ""
    album: str = ""
    steer: bool = False
    """Give it to the running turn at its next step, if one still runs."""
    called_back: CalledBack | None = None
    allowed: Allowed = "all"
    """What the device that it was asked from is trusted with."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The durable result of taking an event in."""

    inbox: InboxId
    room: RoomId
    turn: TurnId | None


@dataclass(frozen=True, slots=True)
class Unhandled:
    """An inbox row that was taken in and not carried out (a crash)."""

    inbox: InboxId
    room: RoomId | None
    inbound: Inbound
    attempts: int = 0
    """How often it was begun."""


@dataclass(frozen=True, slots=True)
class Session:
    id: SessionId
    room: RoomId
    owner: PersonId
    profile_id: str
    title: str
    context_tokens: int
    message_count: int
    created_at: datetime
    last_active: datetime


@dataclass(frozen=True, slots=True)
class JournalledCall:
    """A tool call of the batch that was under way: ended iff `result` is set."""

    call: ToolCall
    effect: str
    result: str | None
    ok: bool


@dataclass(frozen=True, slots=True)
class CallEnd:
    """What a journalled tool call came to."""

    step: int
    call_id: str
    result: str
    ok: bool


@dataclass(frozen=True, slots=True)
class PendingBatch:
    """An assistant message with calls whose results are not all there yet."""

    step: int
    assistant: Message
    calls: tuple[JournalledCall, ...]


@dataclass(frozen=True, slots=True)
class TurnStart:
    """Everything a turn needs, loaded in one go.

    `context` is what the model has seen, oldest first, without the question
    of a new turn; a resumed turn finds its own entries in it already.
    """

    id: TurnId
    inbox: InboxId | None
    request: TurnRequest
    asker: PersonId
    asker_platform_id: str
    asker_name: str
    asker_role: Role
    head: Head
    """Key "turn:<id>"; reply_to is the question's message."""
    chat_kind: ChatKind
    room_title: str
    settings: RoomSettings
    session: Session
    context: tuple[Message, ...]
    timezone: str
    language: str
    attempts: int
    resumed: bool
    """The question is in the context already: the turn was interrupted."""
    pending: PendingBatch | None
    created_at: datetime
    sent_at: datetime
    waiting: int
    """Turns queued behind this one."""
    todos: tuple[Todo, ...] = ()
    notes: tuple[str, ...] = ()
    """Names of the scratchpad's sections."""
    begun: str = ""
    """Transaction of the live message's first send, whose intent is stored; "" when the
    turn was begun before."""


@dataclass(frozen=True, slots=True)
class Metrics:
    context_tokens: int
    token_count: int
    tool_call_count: int
    elapsed_seconds: float
    model: str


@dataclass(frozen=True, slots=True)
class Interrupted:
    """A turn that was running when its daemon died."""

    turn: TurnId
    room: RoomId
    head: Head
    asker: PersonId
    attempts: int
    had_effects: bool
    """A call of class W was begun and may have run."""


@dataclass(frozen=True, slots=True)
class Pairing:
    """A single-use code. `code` is known in full only while it is pending."""

    id: int
    code: str
    role: Role
    platform: str
    platform_id: str
    name: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Identity:
    person: PersonId
    platform: str
    platform_id: str
    name: str
    role: Role


@dataclass(frozen=True, slots=True)
class StoredFile:
    name: str
    path: str
    """Below the data directory."""
    mime: str
    size: int


def turn_key(turn: TurnId, part: str = "") -> str:
    """Return the post key of a turn's live message, or of a part of it."""
    return f"turn:{turn}:{part}" if part else f"turn:{turn}"


def turn_of(key: str) -> TurnId | None:
    """Return the turn that a post key belongs to."""
    kind, _, rest = key.partition(":")
    number = rest.partition(":")[0]
    return TurnId(int(number)) if kind == "turn" and number.isdigit() else None
