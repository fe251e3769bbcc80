"""Many rooms that stream at once through the real delivery, on virtual time.

A plan says who asks what and when, and which penalties come without cause; a
next question is asked when the answer before it stands there. `stream_all`
carries a plan out against a platform with given limits and returns every call
that was made; `limit_judge` says what people noticed. Times are seconds from
the start of the run.
"""

import asyncio
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from delivery.loopback import LoopbackAccount, LoopbackOutbound, Trip
from delivery.scene import Scene, head
from delivery.virtual_time import run
from strict_telegram.limits import Limits

from navi_bot.delivery.carrier import Counts
from navi_bot.delivery.reconciler import Reconciler
from navi_bot.messages import Page, Post, Prose

RATE = 50.0
"""Tokens a second of every answer."""
TOKENS_A_PAGE = 1000
"""Of about four characters: a Telegram message holds 4096 units."""
FEED_EVERY = 0.25
"""Seconds between two looks at a stream; a real one calls for each token."""
LONGEST = 1200.0
"""Seconds after the last talk in which everything must have been shown."""
END = " end"
"""What the settled content of a talk ends with."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A question, `pause` seconds after the answer before, and how the model answers it."""

    pause: float
    think: float
    tokens: int


@dataclass(frozen=True, slots=True)
class Room:
    """Who asks in a chat; several rooms of one chat are its topics."""

    number: int
    chat: str
    turns: Sequence[Turn]


@dataclass(frozen=True, slots=True)
class Talk:
    """An answer as the model gave it: `tokens`, evenly from `begins` on."""

    key: str
    room: int
    chat: str
    begins: float
    tokens: int

    @property
    def ends(self) -> float:
        return self.begins + self.tokens / RATE

    def produced(self, at: float) -> int:
        """Return how many tokens there are."""
        return min(self.tokens, max(0, int((at - self.begins) * RATE + 1e-6)))


@dataclass(frozen=True, slots=True)
class Penalty:
    """The first call to a chat (None: to any) from `at` on opens a penalty of `seconds`."""

    at: float
    chat: str | None
    seconds: float


@dataclass(frozen=True, slots=True)
class Run:
    talks: Sequence[Talk]
    penalties: Sequence[Penalty]
    trips: Sequence[Trip]
    limits: Limits
    counts: Counts


class TokenSource:
    """A live message that says how many tokens of a talk each page shows."""

    def __init__(self, talk: Talk, start: float) -> None:
        self._talk, self._start = talk, start
        self.final = False

    def pages(self, now: float) -> tuple[Page, ...]:
        talk = self._talk
        left = talk.tokens if self.final else talk.produced(now - self._start)
        pages: list[Page] = []
        while left > 0:
            shown = min(left, TOKENS_A_PAGE)
            left -= shown
            mark = END if self.final and left == 0 else ""
            pages.append(Page((Prose(f"{talk.key} {len(pages)} {shown}{mark}"),)))
        return tuple(pages)

    def wakes_at(self, now: float) -> float | None:
        return None


def evenly(
    chats: Sequence[str], seconds: float, *, spread: float = 2.0, late: int = 0
) -> list[Room]:
    """Plan one long answer in each chat: begun one by one in the first `spread` seconds,
    ended one by one in the last. The last `late` begin when half of it is over.
    """
    rooms = []
    for number, chat in enumerate(chats):
        begin = spread * number / len(chats)
        length = seconds - spread
        if number >= len(chats) - late:
            begin, length = begin + seconds / 2, length - seconds / 2
        rooms.append(Room(number, chat, [Turn(begin, 0.5, round(length * RATE))]))
    return rooms


def conversations(chats: Sequence[str], turns: int, seed: int) -> list[Room]:
    """Plan rooms, each in the chat named: answers of 40 to 600 tokens, pauses between."""
    dice = random.Random(seed)

    def turn() -> Turn:
        return Turn(dice.uniform(2.0, 10.0), dice.uniform(0.2, 1.5), dice.randint(40, 600))

    return [Room(n, chat, [turn() for _ in range(turns)]) for n, chat in enumerate(chats)]


def stream_all(
    rooms: Sequence[Room],
    limits: Limits,
    seed: int = 0,
    penalties: Sequence[Penalty] = (),
    account: Callable[[LoopbackOutbound], LoopbackAccount] = LoopbackAccount,
) -> Run:
    """Let everything happen; return the calls, their times counted from the start."""
    dice = random.Random(seed)
    outbound = LoopbackOutbound(limits=limits, travel=lambda: dice.uniform(0.015, 0.035))
    world = _World(Scene(outbound, account=account))
    counts = run(world.live(rooms, penalties))
    return Run(world.talks, penalties, outbound.trips, limits, counts)


@dataclass
class _World:
    scene: Scene
    talks: list[Talk] = field(default_factory=list)
    start: float = 0.0
    _whole: set[str] = field(default_factory=set)
    _looked_at: int = 0

    async def live(self, rooms: Sequence[Room], penalties: Sequence[Penalty]) -> Counts:
        self.start = asyncio.get_running_loop().time()
        async with self.scene.running() as reconciler:
            async with asyncio.TaskGroup() as tasks:
                for room in rooms:
                    tasks.create_task(self._converse(reconciler, room))
                for penalty in penalties:
                    tasks.create_task(self._punish(penalty))
            assert await reconciler.drain(LONGEST), "a final text was lost"
        assert self.scene.is_finished, "the store has open posts"
        for trip in self.scene.outbound.trips:
            trip.start_at(self.start)
        return reconciler.counts

    async def _converse(self, reconciler: Reconciler, room: Room) -> None:
        for number, turn in enumerate(room.turns):
            await asyncio.sleep(turn.pause)
            begins = self._now() + turn.think
            key = f"turn:{room.number}.{number}"
            talk = Talk(key, room.number, room.chat, begins, turn.tokens)
            self.talks.append(talk)
            await self._answer(reconciler, talk)
            while not self._stands_there(key):  # noqa: ASYNC110 - virtual time
                await asyncio.sleep(FEED_EVERY)

    def _stands_there(self, key: str) -> bool:
        """Whether people see the whole answer of a talk."""
        trips = self.scene.outbound.trips
        while self._looked_at < len(trips) and trips[self._looked_at].ended:
            trip = trips[self._looked_at]
            self._looked_at += 1
            if trip.made.text.endswith(END) and not trip.wait:
                self._whole.add(trip.made.text.partition(" ")[0])
        return key in self._whole

    async def _answer(self, reconciler: Reconciler, talk: Talk) -> None:
        where = head(talk.key, talk.chat, talk.room)
        source = TokenSource(talk, self.start)
        reconciler.follow(where, source)
        reconciler.working(where, True)
        for at in _feeds(talk):
            await self._until(at)
            reconciler.touch(talk.key)
        source.final = True
        reconciler.touch(talk.key)
        reconciler.working(where, False)
        post = Post(where, source.pages(self.start + talk.ends))
        self.scene.outbox.want(post)
        reconciler.show(post)

    async def _punish(self, penalty: Penalty) -> None:
        await self._until(penalty.at)
        outbound = self.scene.outbound
        number = None if penalty.chat is None else outbound.number(penalty.chat)
        outbound.gate.punish(number, penalty.seconds)

    def _now(self) -> float:
        return asyncio.get_running_loop().time() - self.start

    async def _until(self, at: float) -> None:
        await asyncio.sleep(max(0.0, at - self._now()))


def _feeds(talk: Talk) -> Iterator[float]:
    at = talk.begins + 1 / RATE
    while at < talk.ends:
        yield at
        at += FEED_EVERY
    yield talk.ends
