"""What is done at each stage, on a real PostgreSQL with a clock that jumps."""

from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import asyncpg
import pytest
from recall.recall_world import RecallDaemon, World

from navi_bot.messages import Line, PersonId, Role, RoomId
from navi_bot.ports.recall import Kind, Notify, Plan, Recall
from navi_bot.ports.records import CalledBack
from navi_bot.recall import plan
from navi_bot.recall.live import is_news
from navi_bot.schedule.occurrence import Occurrence
from navi_bot.schedule.rule import Immediate, Once, Rule, interval
from navi_bot.store.turns import PostgresTurns
from navi_bot.texts import recall as texts

UTC_ZONE = ZoneInfo("UTC")
OWNERS_SHARE = texts.FOR_OWNER.english.partition("{")[0]
"""How a message to the owner begins."""


class Scene:
    """Ann, who owns the bot, and Bob, who has a second room."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self.world = World(pool, Random(0))
        self.turns = PostgresTurns(pool)
        self.daemon: RecallDaemon = self.world.daemon()
        self.ann, self.bob = PersonId(0), PersonId(0)
        self.anns, self.bobs = RoomId(0), RoomId(0)

    async def open(self) -> None:
        self.ann, self.anns = await self.world.room("11")
        self.bob, self.bobs = await self.world.room("22", Role.MEMBER)

    async def keeps(
        self,
        text: str,
        kind: Kind = "reminder",
        *,
        rule: Rule | None = None,
        important: bool = False,
        notify: Notify = "always",
    ) -> Recall:
        """Have Bob's room promised something that is due now."""
        plan = Plan(self.bob, self.bobs, kind, text, rule or Immediate(), important, notify)
        recall = await self.world.book.add(plan, Occurrence(self.world.now))
        assert recall is not None
        return recall

    async def another_room(self, chat: str) -> None:
        """Give Bob a second private room."""
        room = await self.world.pool.fetchval(
            "INSERT INTO rooms (platform, account, chat, kind) "
            "VALUES ('telegram', '1', $1, 'private') RETURNING id",
            chat,
        )
        session = await self.world.pool.fetchval(
            "INSERT INTO sessions (room_id, owner_id, profile_id) VALUES ($1, $2, 'x') "
            "RETURNING id",
            room, self.bob,
        )  # fmt: skip
        await self.world.pool.execute(
            "UPDATE rooms SET session_id = $2 WHERE id = $1", room, session
        )

    async def look(self, **later: float) -> list[str]:
        """Let time pass and look; return what was handed to delivery."""
        self.world.jumped += timedelta(**later)
        self.daemon.shelf.posts.clear()
        await self.daemon.engine.look()
        return [
            " | ".join(
                block.text
                for page in post.pages
                for block in page.blocks
                if isinstance(block, Line)
            )
            for post in self.daemon.shelf.posts
        ]

    async def state(self) -> tuple[str, int]:
        row = await self.world.pool.fetchrow(
            "SELECT state, tries FROM occurrences ORDER BY id LIMIT 1"
        )
        assert row is not None
        return row["state"], row["tries"]


@pytest.fixture
async def scene(database: asyncpg.Pool) -> Scene:
    scene = Scene(database)
    await scene.open()
    return scene


async def test_a_task_waits_ten_minutes_for_its_room_and_is_then_pushed(scene: Scene) -> None:
    """As plain text, once; its turn will not run."""
    await scene.keeps("look at the server", "task")
    assert await scene.look() == []
    assert await scene.look(minutes=9) == []
    (told,) = await scene.look(minutes=2)
    assert "busy for 10 minutes" in told
    assert "look at the server" in told
    assert await scene.turns.claim(scene.bobs) is None
    assert await scene.look(minutes=11) == []
    await scene.daemon.deliver()
    await scene.look()
    assert await scene.state() == ("sent", 1)


async def test_a_task_that_has_begun_is_not_pushed_as_text(scene: Scene) -> None:
    await scene.keeps("look", "task")
    await scene.look()
    assert await scene.turns.claim(scene.bobs) is not None
    assert await scene.look(minutes=30) == []


async def test_a_task_that_fails_climbs_a_ladder_and_ends_in_a_notice(scene: Scene) -> None:
    """Tries at 0, 30, 60, 120 and 240 s; then the instruction, once, and nothing more."""
    await scene.keeps("look at the server", "task")
    shown = await scene.look()
    waits = []
    for number in range(1, 6):
        start = await scene.turns.claim(scene.bobs)
        assert start is not None, f"try {number}"
        assert start.request.called_back is not None
        await scene.turns.finish(start.id, "failed", (), None, (), "the model host is away")
        shown = await scene.look()
        if number < 5:
            assert shown == []
            wait = await scene.world.pool.fetchval("SELECT fire_at FROM occurrences")
            waits.append(round((wait - scene.world.now).total_seconds()))
            await scene.look(seconds=waits[-1] + 1)
    assert waits == [30, 60, 120, 240]
    (told,) = shown
    assert "I tried 5 times and could not do it: look at the server" in told
    assert "the model host is away" in told
    assert await scene.look(hours=2) == []


async def test_an_important_one_comes_again_until_it_is_heard(scene: Scene) -> None:
    """Every ten minutes, five times at most."""
    await scene.keeps("take the pill", important=True)
    assert len(await scene.look()) == 1
    await scene.daemon.deliver()
    await scene.look()
    (again,) = await scene.look(minutes=11)
    assert again.startswith("⏰ Again (1 of 5)")
    occurrence = await scene.world.pool.fetchval("SELECT id FROM occurrences")
    assert await scene.world.book.acknowledge(occurrence)
    assert await scene.look(minutes=11) == []
    await scene.world.pool.execute("UPDATE occurrences SET state = 'sent'")
    told = [text for _ in range(9) for text in await scene.look(minutes=11)]
    assert len(told) == 4


async def test_a_room_that_is_gone_is_told_elsewhere(scene: Scene) -> None:
    """The person's other room gets it; the rest of the gone room's waits and goes on later."""
    await scene.another_room("33")
    await scene.keeps("water the plants")
    scene.world.platform.gone.add("22")
    await scene.look()
    await scene.daemon.deliver()
    (told,) = await scene.look()
    assert "water the plants" in told
    assert "I could not write to" in told
    await scene.daemon.deliver()
    assert [message.chat for message in scene.world.platform.shown] == ["33"]
    await scene.keeps("next one")
    assert await scene.look(hours=1) == []
    scene.world.platform.gone.clear()
    await scene.world.inbox.mark_room(scene.bobs, "active")
    told_on_return = await scene.look()
    assert "I can write here again; 1 reminder goes on." in told_on_return[0]
    assert "next one" in told_on_return[1]


async def test_what_was_told_elsewhere_does_not_come_again_on_return(scene: Scene) -> None:
    """The room was left before anything was sent; its stored message is given up."""
    await scene.another_room("33")
    await scene.keeps("water the plants")
    await scene.look()
    await scene.world.inbox.mark_room(scene.bobs, "gone")
    await scene.look()
    await scene.daemon.deliver()
    await scene.world.inbox.mark_room(scene.bobs, "active")
    await scene.look()
    await scene.daemon.deliver()
    assert [message.chat for message in scene.world.platform.shown] == ["33"]


async def test_without_another_room_an_owner_is_told_and_it_waits(scene: Scene) -> None:
    """The owner learns that there was one, not what it says; the person gets it on return."""
    await scene.keeps("my own business")
    scene.world.platform.gone.add("22")
    await scene.look()
    await scene.daemon.deliver()
    (told,) = await scene.look()
    assert "I could not reach P22" in told
    assert "my own business" not in told
    assert await scene.look(hours=5) == []
    scene.world.platform.gone.clear()
    await scene.world.inbox.mark_room(scene.bobs, "active")
    assert any("my own business" in text for text in await scene.look())


async def test_what_the_platform_never_takes_is_given_up_at_last(scene: Scene) -> None:
    """The room is there, but every send is refused: it is tried some times, and not for ever.

    The owner hears of it when it fails first and when it is given up.
    """
    await scene.keeps("x")
    told: list[str] = []
    for _ in range(3 * plan.TRIES):
        told += [text for text in await scene.look(minutes=16) if OWNERS_SHARE in text]
        await scene.world.pool.execute("UPDATE outbox SET abandoned = 'refused'")
    assert await scene.state() == ("failed", plan.TRIES + 1)
    assert await scene.look(hours=5) == []
    assert len(told) == 2


async def test_who_lost_their_rights_hears_nothing(scene: Scene) -> None:
    await scene.keeps("x")
    await scene.world.people.set_role("telegram", "22", Role.BLOCKED)
    assert await scene.look(hours=1) == []


async def test_an_unreadable_row_does_not_dam_up_the_others(scene: Scene) -> None:
    """A zone that the machine does not know any more, a rule of another version."""
    broken = await scene.keeps("broken")
    await scene.keeps("whole")
    await scene.world.pool.execute(
        """UPDATE recalls SET rule = '{"kind": "cron", "cron": "x", "zone": "Mars/Base"}'
        WHERE id = $1""",
        broken.id,
    )
    assert [text.partition(" | ")[0] for text in await scene.look()] == ["⏰ whole"]
    assert await scene.look() == []


async def test_a_skipped_time_is_not_told_and_the_next_one_is(scene: Scene) -> None:
    now = scene.world.now.replace(microsecond=0)
    rule = interval(3600, now, UTC_ZONE)
    plan = Plan(scene.bob, scene.bobs, "reminder", "hourly", rule)
    due = Occurrence(now + timedelta(hours=1))
    recall = await scene.world.book.add(plan, due)
    assert recall is not None
    then = Occurrence(now + timedelta(hours=2))
    assert await scene.world.book.skip(recall.id, due.instant, then)
    assert not await scene.world.book.skip(recall.id, due.instant, then)
    assert await scene.look(minutes=70) == []
    assert len(await scene.look(minutes=60)) == 1


async def test_the_same_time_is_waited_for_once(scene: Scene) -> None:
    """An occurrence is unique: whoever writes it twice has one."""
    recall = await scene.keeps("x", rule=Once(datetime(2030, 1, 1), UTC_ZONE))
    due = datetime(2030, 1, 1, tzinfo=UTC)
    for _ in range(2):
        await scene.world.pool.execute(
            "INSERT INTO occurrences (recall_id, due_at, fire_at) VALUES ($1, $2, $2) "
            "ON CONFLICT DO NOTHING",
            recall.id, due,
        )  # fmt: skip
    count = await scene.world.pool.fetchval(
        "SELECT count(*) FROM occurrences WHERE due_at = $1", due
    )
    assert count == 1


NEWS: dict[str, tuple[Notify, str, str, str, bool]] = {
    "always": ("always", "", "up", "up", True),
    "nothing has changed": ("change", "", "The server is up.", "the server is up", False),
    "it says so": ("change", "", "The server is up.", "NO CHANGE.", False),
    "it has changed": ("change", "", "The server is up.", "The server is down.", True),
    "the first time": ("change", "", "", "The server is up.", True),
    "no match": ("match", "DOWN", "", "All is up.", False),
    "a match": ("match", "DOWN", "", "It is down!", True),
}


@pytest.mark.parametrize(("notify", "match", "last", "answer", "news"), NEWS.values(), ids=NEWS)
def test_what_is_no_news_is_not_pushed(
    notify: Notify, match: str, last: str, answer: str, news: bool
) -> None:
    note = CalledBack(1, 1, "t", "d", notify=notify, match=match, last=last)
    assert is_news(note, answer) is news
