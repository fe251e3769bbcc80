"""Rooms on a real PostgreSQL, with people in them; what is shown is recorded.

stage = Stage(pool); await stage.let_in(ANN, Role.OWNER)
await stage.hear(said("hello"))
assert stage.delivery.texts() == [...]
"""

import itertools
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import asyncpg

from navi_bot.app.catalogue import all_commands
from navi_bot.app.persona import Persona
from navi_bot.commands.table import Desk
from navi_bot.decide import Policy
from navi_bot.errors import NaviError
from navi_bot.messages import (
    Address,
    Button,
    ChatKind,
    Fold,
    Head,
    Inbound,
    Line,
    Origin,
    Page,
    PersonId,
    Post,
    Pressed,
    Prose,
    Role,
    RoomId,
    Said,
    Sender,
    TurnId,
)
from navi_bot.pagehash import page_hash
from navi_bot.ports.delivery import LiveSource, PageNote
from navi_bot.ports.model import Chunk, ModelInfo, ModelRequest
from navi_bot.ports.records import Accepted, TurnRequest
from navi_bot.ports.store import Inbox
from navi_bot.ports.tools import ProfileSummary, Tool
from navi_bot.replies import Replies
from navi_bot.rooms import Rooms, Stores
from navi_bot.running import Running, RunningTurn
from navi_bot.store.choices import PostgresChoices
from navi_bot.store.inbox import PostgresInbox
from navi_bot.store.outbox import PostgresOutbox
from navi_bot.store.people import PostgresPeople
from navi_bot.store.sessions import PostgresSessions
from navi_bot.store.state import PostgresSessionState
from navi_bot.store.turns import PostgresTurns

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
PLATFORM, ACCOUNT, BOT = "telegram", "1", "navi_bot"

ANN, BOB, EVE = Sender("5", "Ann"), Sender("6", "Bob"), Sender("66", "Eve")
TEAM = Address(PLATFORM, ACCOUNT, "-100")
TOPIC = Address(PLATFORM, ACCOUNT, "-100", "9")

_numbers = itertools.count(100)


def private(who: Sender) -> Address:
    """Return a person's own chat with the bot."""
    return Address(PLATFORM, ACCOUNT, who.id)


def origin(
    who: Sender = ANN, room: Address | None = None, *, message: str = "", minutes_old: float = 0
) -> Origin:
    """Return the origin of something that has just happened; every one has a new key."""
    number = next(_numbers)
    address = room or private(who)
    group = address.chat.startswith("-")
    return Origin(
        key=f"event:{number}",
        address=address,
        chat_kind=ChatKind.GROUP if group else ChatKind.PRIVATE,
        sender=who,
        message_id=message or str(number),
        sent_at=NOW - timedelta(minutes=minutes_old),
        title="Team" if group else "",
    )


def said(
    text: str, who: Sender = ANN, room: Address | None = None, *, minutes_old: float = 0
) -> Said:
    """Return a message to the bot; in a group it mentions it."""
    return Said(origin(who, room, minutes_old=minutes_old), text, addressed=True)


class Screen:
    """What people see; a strict Delivery: it takes only what a platform would."""

    ALLOWED_REACTIONS = frozenset("👀👍👎🔥🎉🤔🤷")

    def __init__(self) -> None:
        self.posts: dict[str, Post] = {}
        self.order: list[str] = []
        self.reactions: list[tuple[str, str]] = []
        self.toasts: dict[str, str] = {}
        self.remarks: list[str] = []

    def show(self, post: Post) -> None:
        assert post.pages, "a post has a page"
        for page in post.pages:
            assert 0 < len(words(page).encode("utf-16-le")) // 2 <= 4096, "a page that fits"
            for button in itertools.chain.from_iterable(page.buttons):
                assert 0 < len(button.data.encode()) <= 64
                assert button.label
        self.posts[post.head.key] = post
        self.order.append(post.head.key)

    def react(self, address: Address, message_id: str, emoji: str) -> None:
        assert emoji in self.ALLOWED_REACTIONS
        assert message_id
        self.reactions.append((message_id, emoji))

    def remark(self, address: Address, text: str) -> None:
        self.remarks.append(text)

    def acknowledge(self, address: Address, press: str, text: str) -> None:
        assert press not in self.toasts, "a press is answered once"
        assert len(text) <= 200
        self.toasts[press] = text

    def follow(self, head: Head, source: LiveSource, begun: str = "") -> None:
        raise AssertionError("rooms follow nothing")

    def touch(self, key: str) -> None:
        raise AssertionError("rooms touch nothing")

    def working(self, head: Head, on: bool) -> None:
        raise AssertionError("rooms do no work that is shown")

    def texts(self, room: Address | None = None) -> list[str]:
        """Return what is shown, in the order in which it first was."""
        shown = [self.posts[key] for key in dict.fromkeys(self.order)]
        return [
            "\n".join(words(page) for page in post.pages)
            for post in shown
            if room is None or post.head.address == room
        ]

    @property
    def last(self) -> Post:
        return self.posts[self.order[-1]]


def words(page: Page) -> str:
    """Return a page's text, as plain as it can be."""
    lines: list[str] = []
    for block in page.blocks:
        match block:
            case Prose(markdown):
                lines.append(markdown)
            case Line(text):
                lines.append(text)
            case Fold(title, text):
                lines += [title, text]
    return "\n".join(lines)


def buttons(post: Post) -> dict[str, Button]:
    """Return a post's buttons by their data."""
    rows = itertools.chain.from_iterable(page.buttons for page in post.pages)
    return {button.data: button for button in itertools.chain.from_iterable(rows)}


class Choices:
    """Three profiles; implements the commands' Profiles port."""

    def __init__(self) -> None:
        self.reloads = 0

    def reload(self) -> tuple[str, ...]:
        self.reloads += 1
        return ("Profile 'mine' was skipped: config.json is no JSON.",)

    def summaries(self) -> Sequence[ProfileSummary]:
        names = ("secretary", "developer", "server_admin")
        return [ProfileSummary(one, one.title(), f"The {one}.", "", ()) for one in names]

    def model_of(self, profile_id: str) -> str:
        return "tiny:latest"


class Host:
    """A model host that only says what is installed; implements the Model port."""

    def __init__(self) -> None:
        self.models: tuple[str, ...] = ("tiny:latest", "large:27b")
        self.fault: NaviError | None = None

    async def installed(self) -> tuple[str, ...]:
        if self.fault is not None:
            raise self.fault
        return self.models

    def stream_complete(self, request: ModelRequest) -> AsyncGenerator[Chunk]:
        raise AssertionError("commands ask no model")

    async def complete(self, request: ModelRequest) -> Chunk:
        raise AssertionError("commands ask no model")

    async def describe(self, model: str) -> ModelInfo:
        raise AssertionError("commands ask no model")

    async def close(self) -> None:
        raise AssertionError("the host is not the commands' to close")


@dataclass
class Stage:
    """The rooms of one bot account and all that they work with."""

    pool: asyncpg.Pool
    policy: Policy = field(default_factory=lambda: Policy(all_commands(), BOT))
    owners: frozenset[tuple[str, str]] = frozenset()
    now: datetime = NOW

    def __post_init__(self) -> None:
        self.inbox: Inbox = PostgresInbox(self.pool, "secretary")
        self.turns = PostgresTurns(self.pool)
        self.sessions = PostgresSessions(self.pool)
        self.people = PostgresPeople(self.pool)
        self.outbox = PostgresOutbox(self.pool)
        self.running = Running()
        self.delivery = Screen()
        self.host = Host()
        self.profiles = Choices()
        self.persona = Persona("I am Navi.", "", PostgresChoices(self.pool))
        self.tools: tuple[Tool, ...] = ()
        self.problems: tuple[str, ...] = ()
        self.commands = all_commands()
        self.ids: dict[str, PersonId] = {}

    async def let_in(self, who: Sender, role: Role) -> None:
        self.ids[who.id] = await self.people.ensure(PLATFORM, who.id, who.name, role)

    def desk(self) -> Desk:
        return Desk(
            inbox=self.inbox,
            turns=self.turns,
            sessions=self.sessions,
            running=self.running,
            profiles=self.profiles,
            model=self.host,
            tools=lambda: self.tools,
            problems=lambda: self.problems,
            notes=self._notes,
            status=lambda: ("All is well.",),
            now=lambda: self.now,
            num_ctx=10_000,
            persona=self.persona,
            commands=lambda: self.commands,
        )

    async def _notes(self, _person: PersonId, head: Head) -> Mapping[str, str]:
        session = await self.sessions.current(head.room)
        return await PostgresSessionState(self.pool, session.id).notes()

    @asynccontextmanager
    async def rooms(self) -> AsyncGenerator[Rooms]:
        """Open the rooms; leaving them waits until all that they began is done."""
        rooms = Rooms(
            Stores(self.inbox, self.turns, self.people),
            self.running,
            self.delivery,
            Replies(self.desk(), self.people, self.delivery),
            lambda _address: self.policy,
            self.owners,
            lambda: self.now,
        )
        async with rooms:
            yield rooms

    async def hear(self, *batch: Inbound, cursor: str = "") -> None:
        """Hand a batch over, and wait until everything it led to is done."""
        async with self.rooms() as rooms:
            await rooms.accept(batch, cursor)

    async def restart(self) -> None:
        """Begin again after a crash: see to what is left."""
        async with self.rooms() as rooms:
            await rooms.recover(PLATFORM, ACCOUNT)

    async def sent(self, post: Post, message: str) -> None:
        """Have the platform take a post's last page, under a message id."""
        number = len(post.pages) - 1
        page = post.pages[number]
        await self.outbox.begin(post.head, number, f"t{message}", page)
        key, shown = post.head.key, page_hash(page)
        await self.outbox.note([PageNote(key, number, message, shown, uncertain=False)])

    async def press(self, post: Post, data: str, who: Sender = ANN) -> str:
        """Press a button below a post that is shown; return what the presser is told."""
        message = f"m:{post.head.key}"
        await self.sent(post, message)
        pressed = Pressed(
            origin(who, post.head.address, message=message), data, f"p{next(_numbers)}"
        )
        await self.hear(pressed)
        return self.delivery.toasts[pressed.press]

    async def room(self, address: Address) -> RoomId:
        number = await self.pool.fetchval(
            "SELECT id FROM rooms WHERE platform = $1 AND account = $2 AND chat = $3 "
            "AND thread = $4",
            address.platform, address.account, address.chat, address.thread,
        )  # fmt: skip
        return RoomId(number)

    async def questions(self, *states: str) -> list[str]:
        """Return what the turns in some states (all, if none is named) ask, in order."""
        rows = await self.pool.fetch("SELECT request, state FROM turns ORDER BY id")
        return [row["request"]["text"] for row in rows if not states or row["state"] in states]

    async def count(self, table: str) -> int:
        counts: Mapping[str, str] = {
            name: f"SELECT count(*) FROM {name}"  # names of ours
            for name in ("rooms", "people", "identities", "inbox", "turns", "outbox", "sessions")
        }
        number: int = await self.pool.fetchval(counts[table])
        return number

    async def begun(self, room: RoomId) -> TurnId:
        """Take the room's next turn from its queue, as a worker does; it does not run yet."""
        start = await self.turns.claim(room)
        assert start is not None
        return start.id

    def runs(self, turn: TurnId, room: RoomId, address: Address, asker: Sender) -> RunningTurn:
        return RunningTurn(turn, room, address, asker_id=asker.id, started=0.0)


Fault = Callable[[Inbound], Exception | None]


class FlakyInbox(PostgresInbox):
    """The real store behind a connection that fails for some events when told to."""

    def __init__(self, pool: asyncpg.Pool, fault: Fault) -> None:
        super().__init__(pool, "secretary")
        self.fault = fault

    async def take(
        self,
        inbound: Inbound,
        person: PersonId | None,
        turn: TurnRequest | None,
        cursor: str,
        believed: Role | None = None,
    ) -> Accepted | None:
        error = self.fault(inbound)
        if error is not None:
            raise error
        return await super().take(inbound, person, turn, cursor, believed)


def at(inbound: Said, address: Address) -> Said:
    """Return the message as said at another address."""
    return replace(inbound, origin=replace(inbound.origin, address=address))
