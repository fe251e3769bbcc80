"""What one run of the agent is given."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from navi_bot.events import Todo
from navi_bot.messages import (
    Allowed,
    ChatKind,
    Message,
    PersonId,
    Quote,
    Role,
    RoomId,
    SessionId,
    TurnId,
)
from navi_bot.ports.agent import Journal
from navi_bot.ports.calendar import Calendar
from navi_bot.ports.model import Think, Urgency
from navi_bot.ports.recall import Recalls
from navi_bot.ports.records import PendingBatch
from navi_bot.ports.tools import SessionState, Stop


@dataclass(frozen=True, slots=True)
class Tail:
    """What changes from turn to turn; told at the end, with the newest message.

    `now` is aware. `sender` and `room_title` are given in groups only;
    `notes` are the names of the scratchpad's sections.
    """

    now: datetime
    timezone: str = ""
    sender: str = ""
    room_title: str = ""
    todos: tuple[Todo, ...] = ()
    notes: tuple[str, ...] = ()
    quote: Quote | None = None
    forwarded_from: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """One turn, or what is left of it.

    `context` is what the model has seen, without the question. `question` is
    the message as the history keeps it, None when the context ends with it
    already (a restart, a retry) or when the turn `continues` the last answer.
    `context_tokens` is the session's count after its last turn.
    """

    turn: TurnId
    session: SessionId
    room: RoomId
    person: PersonId
    role: Role
    platform: str
    chat_kind: ChatKind
    profile_id: str
    context: tuple[Message, ...]
    question: Message | None
    tail: Tail
    journal: Journal
    state: SessionState
    stop: Stop
    workspace: Path
    context_tokens: int = 0
    pending: PendingBatch | None = None
    continues: bool = False
    model: str | None = None
    think: Think = None
    """None: as the backend is set."""
    urgency: Urgency = Urgency.PERSON
    headless: bool = False
    """Nobody reads along: only tools that look are run."""
    allowed: Allowed = "all"
    """What the device that it was asked from is trusted with."""
    recalls: Recalls | None = None
    calendar: Calendar | None = None
    max_iterations: int | None = None
    """Model calls at most; None: as the profile says."""
