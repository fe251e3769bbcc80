"""Random histories: clocks jump, daemons die, two run at once, the database and rooms go away.

Whatever happened, in the end nothing is lost, and nothing came twice without
saying so.
"""

import asyncio
import itertools
import random
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import asyncpg
from recall.recall_world import Killed, RecallDaemon, World
from scale import scaled, seeds

from navi_bot.errors import StoreUnavailable
from navi_bot.messages import PersonId, RoomId
from navi_bot.ports.recall import Case, Outcome, Plan, Recall
from navi_bot.recall import engine as engines
from navi_bot.recall import plan as plans
from navi_bot.schedule.occurrence import first, times
from navi_bot.schedule.rule import Once, Rule, cron, interval, recurs
from navi_bot.schedule.zone import wall_of

KYIV = ZoneInfo("Europe/Kyiv")
HISTORIES = scaled(150, 50_000)
STEPS = 16

JUMPS = (
    timedelta(seconds=40),
    timedelta(minutes=11),
    timedelta(hours=1),
    timedelta(hours=7),
    timedelta(days=1),
    timedelta(hours=-1),
    timedelta(days=-1),
)


@dataclass
class Promise:
    recall: Recall
    text: str
    rule: Rule
    first: datetime
    ended: bool = False


class History:
    """One person with two chats, two daemons, and what befalls them."""

    def __init__(self, world: World, number: int, chance: random.Random) -> None:
        self.world = world
        self.chance = chance
        self.number = number
        self.promises: list[Promise] = []
        self.daemons: list[RecallDaemon] = []
        self.rooms: list[tuple[PersonId, RoomId]] = []
        self.chats = [f"{number}1", f"{number}2"]

    async def live(self) -> None:
        self.rooms = [await self.world.room(chat) for chat in self.chats]
        self.daemons = [self.world.daemon() for _ in range(2)]
        for _ in range(STEPS):
            await self._step()
        await self._heal()

    async def _step(self) -> None:
        chance = self.chance
        match chance.choice(
            ["promise", "promise", "jump", "jump", "look", "look", "both", "die", "away", "trouble",
             "gone", "cancel"]
        ):  # fmt: skip
            case "promise":
                await self._promise()
            case "jump":
                self.world.jumped += chance.choice(JUMPS)
            case "look":
                await self._look(chance.choice(self.daemons))
            case "both":
                await asyncio.gather(*(daemon.engine.look() for daemon in self.daemons))
                await self._look(self.daemons[0])
            case "die":
                await self._die()
            case "away":  # nothing is looked at while the database is down
                self.world.jumped += timedelta(hours=chance.randrange(1, 5))
            case "trouble":
                self.world.platform.trouble = chance.choice((0.0, 0.3, 0.7))
            case "gone":
                await self._leave_or_return(chance.choice((0, 1)))
            case "cancel" if self.promises:
                await self._cancel(chance.choice(self.promises))

    async def _promise(self) -> None:
        chance, now = self.chance, self.world.now
        soon = wall_of(now, KYIV).replace(microsecond=0) + timedelta(
            minutes=chance.randrange(1, 300)
        )
        rule: Rule = chance.choice(
            (
                Once(soon, KYIV),
                Once(soon, KYIV),
                interval(60 * chance.randrange(20, 200), now.replace(microsecond=0), KYIV),
                cron(f"{soon.minute} {soon.hour} * * *", KYIV),
            )
        )
        text = f"promise {self.number}-{len(self.promises)}."
        person, room = chance.choice(self.rooms)
        due = first(rule, now)
        assert due is not None
        plan = Plan(person, room, "reminder", text, rule, important=chance.random() < 0.2)
        recall = await self.world.book.add(plan, due)
        assert recall is not None
        self.promises.append(Promise(recall, text, rule, due.instant))

    async def _look(self, daemon: RecallDaemon, kill: float = 0.0) -> None:
        await daemon.engine.look()
        await daemon.deliver(kill=kill)

    async def _die(self) -> None:
        """A daemon dies at any step of a look or of a delivery; another one starts."""
        number = self.chance.randrange(2)
        daemon = self.daemons[number]
        try:
            if self.chance.random() < 0.3:
                work = _DyingWork(daemon.engine, self.chance)
                await work.look()
            else:
                await daemon.engine.look()
            await daemon.deliver(kill=0.25)
        except Killed:
            pass
        self.daemons[number] = self.world.daemon()

    async def _leave_or_return(self, which: int) -> None:
        chat, (_, room) = self.chats[which], self.rooms[which]
        gone = self.world.platform.gone
        if chat in gone:
            gone.discard(chat)
            await self.world.inbox.mark_room(room, "active")
        elif len(gone & set(self.chats)) == 0 or self.chance.random() < 0.3:
            gone.add(chat)
            if self.chance.random() < 0.5:  # else the next send finds out
                await self.world.inbox.mark_room(room, "gone")

    async def _cancel(self, promise: Promise) -> None:
        promise.ended = True
        await self.world.book.cancel(promise.recall.id)

    async def _heal(self) -> None:
        """All is well again, a day passes, and everything settles."""
        self.world.platform.trouble = 0.0
        self.world.platform.gone.difference_update(self.chats)
        for _, room in self.rooms:
            await self.world.inbox.mark_room(room, "active")
        late = [promise.first for promise in self.promises if not promise.ended]
        ahead = max(late, default=self.world.now) - self.world.now
        self.world.jumped += max(ahead, timedelta()) + timedelta(hours=1)
        daemon = self.world.daemon()
        for minutes in (16, 16, 16, 16, 0, 0):
            await self._look(daemon)
            self.world.jumped += timedelta(minutes=minutes)


class _DyingWork:
    """Dies inside of the transaction, after everything was decided."""

    def __init__(self, engine: engines.RecallEngine, chance: random.Random) -> None:
        self._engine = engine
        self._chance = chance

    async def look(self) -> None:
        def decide(cases: Sequence[Case]) -> Sequence[Outcome]:
            plans.decide("due", cases)
            raise Killed

        work = self._engine._work
        await work.decide("due", "telegram", "1", decide)


async def judged(world: World, history: History) -> None:
    """0 lost, 0 unlabelled repeats, every time of a rule told or counted."""
    shown = [one for one in world.platform.shown if one.chat in history.chats]
    plain = Counter((one.key, one.text) for one in shown if not one.labelled)
    doubled = [what for what, count in plain.items() if count > 1]
    assert doubled == [], f"came twice without a label: {doubled}"
    for promise in history.promises:
        rows = await world.pool.fetch(
            "SELECT id, due_at, state, missed, fired_at FROM occurrences WHERE recall_id = $1 "
            "ORDER BY due_at",
            promise.recall.id,
        )
        if not promise.ended:
            assert any(promise.text in one.text for one in shown), f"lost: {promise}"
            assert all(row["state"] in ("due", "sent") for row in rows), rows
        _told_once(promise, [one.text for one in shown if not one.labelled])
        fired = [row for row in rows if row["fired_at"] is not None]
        if recurs(promise.rule) and fired:
            assert fired[0]["due_at"] == promise.first
            assert promise.ended or rows[-1]["state"] == "due", f"it ends here: {rows[-1]}"
            _unbroken(promise, rows)


def _told_once(promise: Promise, texts: list[str]) -> None:
    """A promise is told once for each time, unless a message says why it is told again."""
    if recurs(promise.rule):
        return
    again = re.compile("Again \\(|could not write|could not reach|while I could not")
    first_told = [text for text in texts if promise.text in text and not again.search(text)]
    assert len(first_told) <= 1, first_told


def _unbroken(promise: Promise, rows: Sequence[asyncpg.Record]) -> None:
    """Between two times that were told lie as many as the first one says were missed."""
    for earlier, later in itertools.pairwise(rows):
        if later["state"] == "cancelled":
            continue
        between = itertools.takewhile(
            lambda one, end=later["due_at"]: one.instant <= end,  # type: ignore[misc]  # bound now
            times(promise.rule, earlier["due_at"]),
        )
        assert len(list(between)) == 1 + earlier["missed"], (promise, rows)


async def test_no_history_loses_or_doubles_a_promise(database: asyncpg.Pool) -> None:
    """Histories share the database; each has a clock, a platform and rooms of its own."""
    for seed in seeds(HISTORIES):
        chance = random.Random(seed)
        world = World(database, chance)
        history = History(world, 1_000_000 + seed, chance)
        try:
            await history.live()
            await judged(world, history)
        except StoreUnavailable as error:
            raise AssertionError(f"seed {seed}") from error
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error
        await database.execute("UPDATE recalls SET state = 'cancelled'")
        await database.execute("UPDATE occurrences SET state = 'cancelled' WHERE state <> 'sent'")
        await database.execute("UPDATE rooms SET state = 'gone'")
