"""What the core keeps: Protocols per aggregate, over PostgreSQL in `store/`.

Every method raises StoreUnavailable when the database does not answer and
StoreError when it refuses. Each is one transaction unless it says otherwise.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, Protocol

from navi_bot.messages import (
    Address,
    Allowed,
    Entry,
    Inbound,
    InboxId,
    Message,
    Origin,
    PersonId,
    Post,
    Role,
    RoomId,
    RoomSettings,
    SessionId,
    TurnId,
)
from navi_bot.ports.records import (
    Accepted,
    ActiveTurn,
    CallEnd,
    Facts,
    Identity,
    Interrupted,
    JournalledCall,
    Metrics,
    Pairing,
    Session,
    StoredFile,
    TurnRequest,
    TurnStart,
    TurnState,
    Unhandled,
)


class Inbox(Protocol):
    async def facts(self, inbound: Inbound) -> Facts: ...

    async def take(
        self,
        inbound: Inbound,
        person: PersonId | None,
        turn: TurnRequest | None,
        cursor: str,
        believed: Role | None = None,
    ) -> Accepted | None:
        """Store the event once; None if it was there already.

        Makes the room and its session when new (only called for people with
        rights), queues the turn and its wake-up job, advances the cursor: all
        in one commit. Without a turn the row waits to be `handled`.
        An album's later parts join its queued turn. A room that somebody
        speaks in is active again.

        `believed`: what was decided rests on memory. Nothing is stored (None)
        unless the sender is this person in this role, in a room that is known
        and has no turn waiting or running.
        """
        ...

    async def handled(
        self, inbox: InboxId, posts: Sequence[Post] = (), *, parked: bool = False
    ) -> None:
        """Mark an event as seen to, its replies stored with it.

        `parked`: it was poison, and is set aside.
        """
        ...

    async def begin_attempt(self, inbox: InboxId) -> int:
        """Count an attempt before processing, in its own commit; return it, 0 if it is handled."""
        ...

    async def between(
        self, room: RoomId, first: int, last: int, person: PersonId
    ) -> tuple[Inbound, ...]:
        """Return a person's events of a room by their inbox numbers, in order."""
        ...

    async def unhandled(self, platform: str, account: str) -> tuple[Unhandled, ...]: ...

    async def cursor(self, platform: str, account: str) -> str: ...

    async def keep_cursor(self, platform: str, account: str, cursor: str) -> None:
        """Advance the cursor past events that are not taken."""
        ...

    async def move_room(self, address: Address, new_chat: str) -> None:
        """Give the rooms of a chat its new id, everything else untouched."""
        ...

    async def mark_room(self, room: RoomId, state: Literal["active", "gone"]) -> None: ...


class Turns(Protocol):
    async def begin(
        self, room: RoomId, asker: PersonId, request: TurnRequest, origin: Origin
    ) -> TurnId:
        """Queue a turn for events that were taken in before, and wake the room."""
        ...

    async def claim(self, room: RoomId) -> TurnStart | None:
        """Take the room's next queued turn: running, attempt counted.

        None when there is nothing to do or a turn of the room is running or
        awaiting input.
        """
        ...

    async def record(
        self,
        turn: TurnId,
        entries: Sequence[Entry],
        steered: Sequence[TurnId] = (),
        ended: Sequence[CallEnd] = (),
    ) -> str:
        """Append entries in order; clears the pending batch.

        `steered`: turns whose messages are among the entries; they are done.
        `ended`: calls whose results are not journalled yet. Returns the
        session's profile as it is now. TurnLost, and nothing is written, when
        another daemon has taken the turn over.
        """
        ...

    async def begin_batch(
        self,
        turn: TurnId,
        step: int,
        assistant: Message,
        effects: Mapping[str, str],
        entries: Sequence[Entry] = (),
    ) -> None:
        """Journal the intent of a batch: call id → effect class.

        `entries` are appended first, in the same commit. TurnLost as for `record`.
        """
        ...

    async def end_calls(self, turn: TurnId, ended: Sequence[CallEnd]) -> None:
        """Journal the results of calls."""
        ...

    async def steering(self, turn: TurnId) -> tuple[tuple[TurnId, Message], ...]:
        """Return the messages that steer this turn, oldest first, with their own turns.

        They stay queued until they are recorded.
        """
        ...

    async def finish(
        self,
        turn: TurnId,
        state: TurnState,
        entries: Sequence[Entry],
        metrics: Metrics | None,
        posts: Sequence[Post],
        error: str = "",
    ) -> None:
        """End a turn exactly once: entries, state, final posts, one commit.

        A second call for an ended turn changes nothing. TurnLost as for `record`.
        """
        ...

    async def requeue(self, turn: TurnId, delay: float, *, crashed: bool = False) -> None:
        """Put a running turn back and wake its room after `delay` seconds.

        A polite requeue (a shutdown) does not count as an attempt, a crash does.
        """
        ...

    async def drop_queued(self, room: RoomId, asker: PersonId | None) -> tuple[ActiveTurn, ...]:
        """Stop queued turns (of one person, or all); return them."""
        ...

    async def replace_queued(self, turn: TurnId, text: str, allowed: Allowed = "all") -> bool:
        """Change the text of a queued turn, and narrow what it may do; False when it has begun."""
        ...

    async def drop_one(self, turn: TurnId) -> bool: ...

    async def interrupted(self, platform: str, account: str) -> tuple[Interrupted, ...]:
        """Take the account's running turns over from whoever had them; its lease must be ours."""
        ...

    async def again(
        self,
        room: RoomId,
        asker: PersonId,
        kind: Literal["retry", "continue"],
        last: TurnId | None = None,
        allowed: Allowed = "all",
    ) -> TurnId | None:
        """Queue a turn without a new question; None when there is nothing to redo.

        `last`: only if this is still the last turn that ended in the room.
        `allowed` narrows what it may do, and never widens it.
        "retry" takes the last question and its answer out of the context (not
        out of the history) and asks it again.
        """
        ...


class Sessions(Protocol):
    async def current(self, room: RoomId) -> Session: ...
    async def new(self, room: RoomId, owner: PersonId, profile_id: str) -> Session: ...
    async def recent(self, room: RoomId, limit: int) -> tuple[Session, ...]: ...
    async def history(self, session: SessionId, limit: int) -> tuple[Message, ...]: ...
    async def profile_id(self, session: SessionId) -> str: ...
    async def set_profile(self, session: SessionId, profile_id: str) -> None: ...
    async def room_settings(self, room: RoomId) -> RoomSettings: ...
    async def change_settings(self, room: RoomId, settings: RoomSettings) -> None: ...
    async def usage(
        self, room: RoomId, since: datetime, person: PersonId | None = None
    ) -> tuple[int, int]:
        """Return (turns, tokens) of a room since a moment, of one person if given."""
        ...

    async def last_calls(self, room: RoomId) -> tuple[JournalledCall, ...]:
        """Return the tool calls of the room's newest turn that made any, in order."""
        ...


class People(Protocol):
    async def ensure(self, platform: str, platform_id: str, name: str, role: Role) -> PersonId:
        """Find or make a person; an existing role is only ever raised by this."""
        ...

    async def identities(self) -> tuple[Identity, ...]: ...
    async def set_role(self, platform: str, platform_id: str, role: Role) -> bool: ...
    async def owner_exists(self) -> bool:
        """Whether anybody owns the bot in a chat; the console's person does not count."""
        ...

    async def offer(self, role: Role, platform: str, platform_id: str, name: str) -> Pairing | None:
        """Make a pairing code; None when the limits are reached
        (3 pending a platform, 1 per identity and 10 minutes)."""
        ...

    async def pending(self) -> tuple[Pairing, ...]: ...
    async def redeem(self, code: str, platform: str, platform_id: str, name: str) -> Role | None:
        """Use up an owner's link; None when unknown, used, expired or locked out."""
        ...

    async def approve(self, code: str) -> Identity | None: ...
    async def revoke(self, platform: str, platform_id: str) -> bool: ...


class Files(Protocol):
    async def keep(self, session: SessionId, name: str, mime: str, content: bytes) -> StoredFile:
        """Write a file into the room's workspace; the name is made safe and unique."""
        ...

    async def of(self, session: SessionId) -> tuple[StoredFile, ...]: ...


class Choices(Protocol):
    """What an owner chose in a chat for the whole daemon, by name; "" is no choice."""

    async def load(self, name: str) -> str: ...
    async def save(self, name: str, value: str) -> None: ...


class Calibration(Protocol):
    """Characters per token of a model, learned from prompt_eval_count."""

    async def load(self) -> Mapping[str, float]: ...
    async def save(self, model: str, characters_per_token: float) -> None: ...
