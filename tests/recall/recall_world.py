"""A world for recalls: a real PostgreSQL, a clock that jumps, a platform that fails.

Daemons see the world only through the store's ports; what they hold in memory
dies with them. Delivery is the post's own machine over the real outbox.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import asyncpg

from navi_bot.delivery.actions import Call, Delete, Edit, Outcome, Record, Send
from navi_bot.delivery.ledger import note_of
from navi_bot.delivery.post import PostMachine
from navi_bot.delivery.slot import REPEAT_MARK
from navi_bot.delivery.terms import Pace, Terms
from navi_bot.errors import Ambiguous, NaviError, NotSent, RoomGone
from navi_bot.messages import (
    Address,
    ChatKind,
    Head,
    Line,
    Origin,
    Page,
    PersonId,
    Post,
    Role,
    RoomId,
    Said,
    Sender,
)
from navi_bot.ports.delivery import LiveSource
from navi_bot.recall.engine import RecallEngine
from navi_bot.store.inbox import PostgresInbox
from navi_bot.store.outbox import PostgresOutbox
from navi_bot.store.people import PostgresPeople
from navi_bot.store.recall_book import PostgresRecallBook
from navi_bot.store.recall_receipts import PostgresReceipts, PostgresZones
from navi_bot.store.recall_work import PostgresRecallWork

PLATFORM, ACCOUNT = "telegram", "1"


class Killed(Exception):
    """kill -9: whatever the daemon was about to do, it does not."""


@dataclass
class Shelf:
    """Implements Delivery as far as recalls use it: notes what it was handed."""

    posts: list[Post] = field(default_factory=list)

    def show(self, post: Post) -> None:
        self.posts.append(post)

    def follow(self, head: Head, source: LiveSource, begun: str = "") -> None: ...
    def touch(self, key: str) -> None: ...
    def working(self, head: Head, on: bool) -> None: ...
    def react(self, address: Address, message_id: str, emoji: str) -> None: ...
    def acknowledge(self, address: Address, press: str, text: str) -> None: ...
    def remark(self, address: Address, text: str) -> None: ...


class NoAlarm:
    """Implements Alarm; nobody sleeps here."""

    def set(self, seconds: float) -> None: ...
    def ring(self) -> None: ...
    async def rung(self) -> None: ...


@dataclass(frozen=True)
class Message:
    """What the platform shows. `labelled`: it says that it may be a repeat."""

    key: str
    chat: str
    text: str
    labelled: bool
    at: datetime


class Platform:
    """Takes, loses, refuses; knows everything that people have seen."""

    def __init__(self, chance: random.Random) -> None:
        self.shown: list[Message] = []
        self.gone: set[str] = set()
        self.trouble = 0.0
        self._chance = chance

    def send(self, key: str, address: Address, page: Page, labelled: bool, at: datetime) -> str:
        if address.chat in self.gone:
            raise RoomGone("The bot was blocked.")
        drawn = self._chance.random()
        if drawn < self.trouble / 2:
            raise NotSent("reset")
        words = " | ".join(block.text for block in page.blocks if isinstance(block, Line))
        self.shown.append(Message(key, address.chat, words, labelled, at))
        if drawn < self.trouble:
            raise Ambiguous("the reply was lost")
        return str(len(self.shown))


class World:
    """One database, any number of daemons, one clock for all."""

    def __init__(self, pool: asyncpg.Pool, chance: random.Random) -> None:
        self.pool = pool
        self.chance = chance
        self.jumped = timedelta()
        self.platform = Platform(chance)
        self.outbox = PostgresOutbox(pool)
        self.inbox = PostgresInbox(pool, "secretary")
        self.people = PostgresPeople(pool)
        self.book = PostgresRecallBook(pool)
        self.receipts = PostgresReceipts(pool)
        self.zones = PostgresZones(pool)

    @property
    def now(self) -> datetime:
        return datetime.now(UTC) + self.jumped

    async def room(self, chat: str, role: Role = Role.OWNER) -> tuple[PersonId, RoomId]:
        """A person with a private room, named by the same number."""
        person = await self.people.ensure(PLATFORM, chat, f"P{chat}", role)
        address = Address(PLATFORM, ACCOUNT, chat)
        origin = Origin(f"hi:{chat}", address, ChatKind.PRIVATE, Sender(chat, ""), "1", self.now)
        taken = await self.inbox.take(Said(origin, "hi"), person, None, "")
        assert taken is not None
        await self.inbox.handled(taken.inbox)
        return person, taken.room

    def daemon(self) -> "RecallDaemon":
        return RecallDaemon(self)


class RecallDaemon:
    """One run of the engine with its own memory, over the shared store."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.shelf = Shelf()
        work = PostgresRecallWork(world.pool, lambda: world.jumped)
        self.engine = RecallEngine(work, self.shelf, NoAlarm(), PLATFORM, ACCOUNT)

    async def deliver(self, *, kill: float = 0.0, tries: int = 6) -> None:
        """Bring what is stored into the rooms; Killed, by chance, between any two steps."""
        for stored in await self._world.outbox.unfinished(PLATFORM, ACCOUNT):
            machine = PostMachine(Terms(Pace(0.0), idempotent=False, token=_token(self._world)))
            machine.adopt(stored)
            wanted = [page.desired for page in stored.pages if page.desired is not None]
            machine.want(wanted, final=True)
            for at in range(tries):
                action = machine.next_action(1e6 * (at + 1))
                if not isinstance(action, Send | Edit | Delete):
                    break
                await self._call(stored.head, machine, action, 1e6 * (at + 1), kill)

    async def _call(
        self, head: Head, machine: PostMachine, call: Call, at: float, kill: float
    ) -> None:
        world, outbox = self._world, self._world.outbox
        machine.begin(call)
        self._maybe_die(kill)
        if isinstance(call, Send) and not call.begun:
            await outbox.begin(head, call.number, call.transaction, call.desired)
        self._maybe_die(kill)
        try:
            message = ""
            if isinstance(call, Send):
                labelled = call.transaction.startswith(REPEAT_MARK)
                message = world.platform.send(
                    head.key, head.address, call.page, labelled, world.now
                )
        except NaviError as error:
            outcome = machine.refused(error, at)
            if isinstance(error, RoomGone):
                await outbox.abandon(head.room, str(error))
            assert outcome is not Outcome.GIVEN_UP
        else:
            self._maybe_die(kill)
            machine.accepted(at, message)
        await self._record(head.key, machine.take_records())

    async def _record(self, key: str, records: Sequence[Record]) -> None:
        for record in records:
            await self._world.outbox.note([note_of(key, record)])

    def _maybe_die(self, kill: float) -> None:
        if self._world.chance.random() < kill:
            raise Killed


def _token(world: World) -> Callable[[], str]:
    return lambda: f"{world.chance.getrandbits(64):x}"
