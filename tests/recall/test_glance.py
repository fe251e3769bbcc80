"""Idle costs one statement a look, and a look misses nothing that calls for more."""

from datetime import timedelta
from random import Random
from zoneinfo import ZoneInfo

import asyncpg
import pytest
from postgres_meter import PostgresMeter
from recall.recall_world import ACCOUNT, PLATFORM, NoAlarm, Shelf, World

from navi_bot.ports.recall import Glance, Plan
from navi_bot.recall.engine import RecallEngine
from navi_bot.schedule.occurrence import Occurrence
from navi_bot.schedule.rule import Once, Rule, interval
from navi_bot.store.pool import open_pool
from navi_bot.store.recall_work import PostgresRecallWork

ZONE = ZoneInfo("UTC")


class Scene:
    """A person whom one important reminder was due to at the beginning, told and not heard."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self.world = World(pool, Random(0))
        self.daemon = self.world.daemon()
        self.work = PostgresRecallWork(pool, lambda: self.world.jumped)

    async def open(self) -> None:
        self.person, self.room = await self.world.room("11")
        wall = self.world.now.replace(tzinfo=None)
        await self.promised(Once(wall, ZONE), timedelta(), important=True)
        await self.promised(interval(86_400, self.world.now, ZONE), timedelta(days=1))
        await self.looked()
        await self.looked()

    async def promised(self, rule: Rule, ahead: timedelta, *, important: bool = False) -> None:
        plan = Plan(self.person, self.room, "reminder", "tea", rule, important)
        assert await self.world.book.add(plan, Occurrence(self.world.now + ahead)) is not None

    async def looked(self) -> None:
        await self.daemon.engine.look()
        await self.daemon.deliver()

    async def glanced(self, **later: float) -> Glance:
        self.world.jumped += timedelta(**later)
        return await self.work.glance(PLATFORM, ACCOUNT)

    async def marked(self, state: str) -> None:
        await self.world.pool.execute("UPDATE rooms SET state = $1", state)


@pytest.fixture
async def scene(database: asyncpg.Pool) -> Scene:
    scene = Scene(database)
    await scene.open()
    return scene


async def test_an_idle_look_is_one_statement(scene: Scene, dsn: str) -> None:
    """What waits, what was told and what is over make no difference."""
    async with PostgresMeter(dsn) as meter, open_pool(meter.dsn) as pool:
        engine = RecallEngine(
            PostgresRecallWork(pool), Shelf(), NoAlarm(), PLATFORM, ACCOUNT
        )  # fmt: skip
        await engine.look()
        since = len(meter.log)
        for _ in range(10):
            await engine.look()
    assert len(meter.transactions("navi-bot", since)) == 10


async def test_what_waits_is_told_with_its_distance(scene: Scene) -> None:
    glance = await scene.glanced()
    assert not glance.calls
    assert glance.seconds == pytest.approx(86_400, abs=60)


async def test_a_clock_that_is_stepped_is_noticed(scene: Scene) -> None:
    """It is the database's clock that counts, at each look anew."""
    assert (await scene.glanced(days=1)).calls
    assert not (await scene.glanced(days=-1)).calls


async def test_what_nobody_heard_calls_again(scene: Scene) -> None:
    assert not (await scene.glanced(minutes=9)).calls
    assert (await scene.glanced(minutes=2)).unsettled


async def test_what_was_taken_calls_until_it_is_settled(scene: Scene) -> None:
    await scene.promised(Once(scene.world.now.replace(tzinfo=None), ZONE), timedelta())
    await scene.daemon.engine.look()
    assert (await scene.glanced()).unsettled
    await scene.daemon.deliver()
    await scene.daemon.engine.look()
    assert not (await scene.glanced()).calls


async def test_a_room_that_goes_or_comes_back_calls_once(scene: Scene) -> None:
    for state in ("gone", "active"):
        await scene.marked(state)
        assert (await scene.glanced()).unsettled
        await scene.daemon.engine.look()
        assert not (await scene.glanced()).calls
