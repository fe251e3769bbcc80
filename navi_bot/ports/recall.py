"""Reminders and recalls: what is kept of them, and who may do what about them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NewType, Protocol

from navi_bot.messages import Head, PersonId, Post, RoomId, TurnId
from navi_bot.ports.records import TurnRequest
from navi_bot.schedule.occurrence import Occurrence
from navi_bot.schedule.rule import Rule

RecallId = NewType("RecallId", int)
OccurrenceId = NewType("OccurrenceId", int)

Kind = Literal["reminder", "task"]
"""A text that is pushed, or an instruction that starts a turn of the agent."""

Notify = Literal["always", "change", "match"]

OccurrenceState = Literal[
    "due", "claimed", "sent", "acknowledged", "quiet", "skipped", "cancelled", "failed"
]


@dataclass(frozen=True, slots=True)
class Plan:
    """What somebody wants to be called back about."""

    person: PersonId
    room: RoomId
    kind: Kind
    text: str
    rule: Rule
    important: bool = False
    notify: Notify = "always"
    match: str = ""


@dataclass(frozen=True, slots=True)
class Recall:
    """A plan that is kept. `due` is its next time (aware UTC), None when there is none."""

    id: RecallId
    plan: Plan
    state: Literal["active", "done", "cancelled"]
    due: datetime | None
    room_title: str = ""
    person_name: str = ""
    held: bool = False
    """Its room cannot be written to; it waits for that to change."""
    last_result: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A recall as it is asked for: `when` in words, in the zone named or the person's own."""

    kind: Kind
    text: str
    when: str
    zone: str = ""
    important: bool = False
    notify: Notify = "always"
    match: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """A recall that was kept, and how that is told. `asks`: a question about the zone, once."""

    recall: Recall
    text: str
    asks: str = ""


class Recalls(Protocol):
    """What one person may do about recalls from one room.

    Raises PersonError, in a sentence. What is returned as text is for the person.
    """

    async def schedule(self, wanted: Wanted) -> Kept: ...

    async def listed(self, *, here: bool = False) -> tuple[Recall, ...]:
        """Return the person's own, and in this room everybody's; `here`: this room's alone."""
        ...

    async def cancel(self, number: int) -> Recall: ...
    async def skip(self, number: int) -> str: ...
    async def change(self, number: int, when: str = "", text: str = "") -> str: ...


@dataclass(frozen=True, slots=True)
class Case:
    """An occurrence that somebody has to decide about. Times are aware UTC.

    `head` addresses its room; `elsewhere` the person's other room and `owners`
    an owner's, where they were looked up.
    """

    id: OccurrenceId
    recall: Recall
    due_at: datetime
    now: datetime
    tries: int
    nagged: int
    meant: str
    head: Head
    timezone: str
    post: str = ""
    """The key of the post that was to tell it last."""
    turn: TurnId | None = None
    gone: bool = False
    """Its room cannot be written to."""
    error: str = ""
    """Why its turn ended without an answer."""
    elsewhere: Head | None = None
    owners: Head | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was decided about a case, written down with everything it needs at once.

    `next`: the recall's next time, where it shall get one; `over`: it has none.
    A `request` starts a turn; `drop_turn` holds only if that turn has not begun.
    """

    case: Case
    state: OccurrenceState
    post: Post | None = None
    request: TurnRequest | None = None
    drop_turn: bool = False
    fire_at: datetime | None = None
    next: Occurrence | None = None
    over: bool = False
    tries: int = 0
    missed: int = 0
    nagged: int = 0
    """These three are added to what was counted before."""


Decide = Callable[[Sequence[Case]], Sequence[Outcome]]

Stage = Literal["due", "waiting", "failed", "undelivered", "unheard"]
"""Why occurrences need a decision:

due ........... their time has come
waiting ....... their turn has not begun for too long
failed ........ their turn ended without an answer
undelivered ... the room cannot be written to
unheard ....... important, and nobody has pressed "done"
"""


@dataclass(frozen=True, slots=True)
class Glance:
    """Whether there is anything to do. `seconds`: until the next one is due; None: never."""

    seconds: float | None
    unsettled: bool = False
    """Something that came due is still to be seen to, or a room left or came back."""

    @property
    def calls(self) -> bool:
        """It is to be looked at more closely."""
        return self.unsettled or (self.seconds is not None and self.seconds <= 0)


class RecallWork(Protocol):
    """The engine's side, for one bot account at a time. Raises as every store does."""

    async def glance(self, platform: str, account: str) -> Glance:
        """Return whether there is anything to do, by the database's clock: one statement."""
        ...

    async def decide(
        self, stage: Stage, platform: str, account: str, decide: Decide
    ) -> tuple[Post, ...]:
        """Take what is at a stage, in order, and write down what is decided: one commit.

        Returns the posts to be shown. What another daemon has taken is left out.
        """
        ...

    async def settle(self, platform: str, account: str) -> int:
        """Note what rooms were told, and turns that had nothing to tell; count them."""
        ...

    async def returned(
        self, platform: str, account: str, tell: Callable[[Head, int, datetime], Post]
    ) -> tuple[Post, ...]:
        """Hold what is in rooms that are gone; let go, and tell, those that came back.

        `tell` is given the room, how many recalls are in it, and now.
        """
        ...


@dataclass(frozen=True, slots=True)
class Receipt:
    """One time that a recall fell due, and what came of it."""

    recall: RecallId
    text: str
    due_at: datetime
    state: OccurrenceState
    fired_at: datetime | None
    sent_at: datetime | None
    acknowledged_at: datetime | None
    missed: int


@dataclass(frozen=True, slots=True)
class Reliability:
    """How promises were kept in a span of time. Lateness is in seconds, of the delivery."""

    promised: int
    delivered: int
    on_time: int
    """Delivered within a minute."""
    worst: float
    undelivered: int


class RecallBook(Protocol):
    """The people's side. Raises as every store does."""

    async def add(self, plan: Plan, due: Occurrence) -> Recall | None:
        """Keep a plan; None when the person has as many as one may have."""
        ...

    async def active(
        self, person: PersonId | None = None, room: RoomId | None = None
    ) -> tuple[Recall, ...]:
        """Return those of a person, of a room, of both or of all; the next due first."""
        ...

    async def find(self, recall: RecallId) -> Recall | None: ...

    async def recall_of(self, occurrence: OccurrenceId) -> Recall | None: ...

    async def last_fired(self, recall: RecallId) -> OccurrenceId | None: ...

    async def cancel(self, recall: RecallId) -> bool:
        """End a recall; False when it has ended before."""
        ...

    async def skip(self, recall: RecallId, due: datetime, then: Occurrence | None) -> bool:
        """Leave the time `due` out; False when it is not waited for any more."""
        ...

    async def change(self, recall: RecallId, plan: Plan, due: Occurrence) -> bool:
        """Replace text and rule, and the time that is waited for."""
        ...

    async def snooze(self, occurrence: OccurrenceId, until: datetime) -> bool:
        """Have an occurrence's recall come again at a time; it counts as heard."""
        ...

    async def acknowledge(self, occurrence: OccurrenceId) -> bool: ...


class Receipts(Protocol):
    """What became of promises. Raises as every store does."""

    async def history(self, person: PersonId | None, limit: int) -> tuple[Receipt, ...]: ...

    async def reliability(self, person: PersonId | None, since: datetime) -> Reliability: ...


class Zones(Protocol):
    """Where people live. Raises as every store does."""

    async def zone(self, person: PersonId) -> str:
        """Return a person's IANA zone, "" when they were never asked."""
        ...

    async def set_zone(self, person: PersonId, zone: str) -> None: ...
