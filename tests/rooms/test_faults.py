"""What breaks while events are seen to, and what people hear of it; safe mode."""

import asyncio
from dataclasses import replace

import asyncpg
import pytest
from faults.here import failing_at
from rooms.stage import ACCOUNT, ANN, EVE, PLATFORM, FlakyInbox, Stage, origin, said
from structlog.testing import capture_logs

from navi_bot.errors import StoreUnavailable
from navi_bot.fault_points import Point
from navi_bot.messages import InboxId, Pressed, Role
from navi_bot.store.inbox import PostgresInbox
from navi_bot.texts import rooms as texts
from navi_bot.texts import safe_mode as safe_texts

AWAY = StoreUnavailable("The database does not answer now.")


@pytest.fixture
async def stage(database: asyncpg.Pool) -> Stage:
    stage = Stage(database)
    await stage.let_in(ANN, Role.OWNER)
    return stage


async def unhandled(stage: Stage) -> int:
    return len(await stage.inbox.unhandled(PLATFORM, ACCOUNT))


@pytest.mark.parametrize("point", ["event_decided", "event_stored", "attempt_counted"])
async def test_whoever_breaks_us_is_told_at_once(stage: Stage, point: Point) -> None:
    """Nobody waits in vain for the next start."""
    with capture_logs(), failing_at(point, KeyError("a bug")):
        await stage.hear(said("/whoami"))
    assert stage.delivery.texts() == [texts.BROKE()]
    assert await unhandled(stage) == 0


async def test_a_question_that_is_stored_is_answered_whatever_breaks_after_it(
    stage: Stage,
) -> None:
    with capture_logs(), failing_at("event_stored", KeyError("a bug")):
        await stage.hear(said("hello"))
    assert await stage.questions("queued") == ["hello"]
    assert stage.delivery.texts() == []


async def test_a_stranger_who_breaks_us_hears_nothing(stage: Stage) -> None:
    stage.inbox = FlakyInbox(stage.pool, lambda _: KeyError("a bug"))
    stage.policy = replace(stage.policy, pairing=True)
    with capture_logs():
        await stage.hear(said("hello", EVE))
    assert stage.delivery.texts() == []


class AwayOnce(PostgresInbox):
    """A connection that breaks under the first attempt and the first end of an event."""

    failures = 2

    async def begin_attempt(self, inbox: InboxId) -> int:
        self._fail()
        return await super().begin_attempt(inbox)

    async def handled(self, *arguments: object, **named: object) -> None:
        self._fail()
        await super().handled(*arguments, **named)  # type: ignore[arg-type]  # passed through

    def _fail(self) -> None:
        if self.failures and self.failures % 2 == 0:
            self.failures -= 1
            raise AWAY
        self.failures -= self.failures % 2


async def test_a_reply_waits_for_a_database_that_is_away_for_a_moment(stage: Stage) -> None:
    stage.inbox = AwayOnce(stage.pool, "secretary")
    with capture_logs() as logs:
        await stage.hear(said("/whoami"))
    assert stage.delivery.texts() == ["You are telegram:5, my owner."]
    assert [line["event"] for line in logs].count("database_awaited") == 1


class Held(PostgresInbox):
    """Takes its time with the end of an event."""

    held = asyncio.Event()

    async def handled(self, *arguments: object, **named: object) -> None:
        await self.held.wait()
        await super().handled(*arguments, **named)  # type: ignore[arg-type]  # passed through


async def test_what_is_in_hand_is_not_begun_again_beside_it(stage: Stage) -> None:
    """It waits for the database; what looks for things left behind finds it not handled."""
    inbox = stage.inbox = Held(stage.pool, "secretary")
    async with stage.rooms() as rooms:
        await rooms.accept([said("/whoami")], "")
        await rooms.recover(PLATFORM, ACCOUNT)
        await asyncio.sleep(0.05)
        inbox.held.set()
    assert stage.delivery.texts() == ["You are telegram:5, my owner."]


async def test_what_is_handled_is_not_begun_again(stage: Stage) -> None:
    taken = await stage.inbox.take(said("/whoami"), stage.ids[ANN.id], None, "")
    assert taken is not None
    await stage.inbox.handled(taken.inbox)
    assert await stage.inbox.begin_attempt(taken.inbox) == 0


# Safe mode -------------------------------------------------------------------------


@pytest.fixture
def safe(stage: Stage) -> Stage:
    stage.policy = replace(stage.policy, safe=True)
    return stage


async def test_in_safe_mode_questions_are_kept_and_that_is_said_once(safe: Stage) -> None:
    async with safe.rooms() as rooms:
        await rooms.accept([said("one")], "")
        await rooms.accept([said("two"), said("three")], "")
    assert await safe.questions("queued") == ["one", "two", "three"]
    assert safe.delivery.texts() == [safe_texts.KEPT()]


async def test_in_safe_mode_status_and_stop_work_and_the_rest_rests(safe: Stage) -> None:
    await safe.hear(said("one"))
    await safe.hear(said("/new"))
    assert safe.delivery.texts()[-1] == safe_texts.COMMAND()
    await safe.hear(said("/status"))
    assert "All is well." in safe.delivery.texts()[-1]
    await safe.hear(said("/stop"))
    assert await safe.questions("queued") == []


async def test_in_safe_mode_a_button_is_answered_with_a_toast(stage: Stage) -> None:
    await stage.hear(said("/profile"))
    post = stage.delivery.last
    stage.policy = replace(stage.policy, safe=True)
    assert await stage.press(post, "profile:developer") == safe_texts.PRESS()


async def test_a_stranger_learns_nothing_of_safe_mode(safe: Stage) -> None:
    await safe.hear(said("hello", EVE), Pressed(origin(EVE), "profile:developer", "p1"))
    assert safe.delivery.texts() == []


async def test_what_crashed_us_three_times_is_found_and_set_aside(stage: Stage) -> None:
    """Safe mode looks for it alone; nothing else that was left is begun."""
    poison = await stage.inbox.take(said("/whoami"), stage.ids[ANN.id], None, "")
    other = await stage.inbox.take(said("/status"), stage.ids[ANN.id], None, "")
    assert poison is not None
    assert other is not None
    for _ in range(3):
        await stage.inbox.begin_attempt(poison.inbox)
    await stage.inbox.begin_attempt(other.inbox)
    async with stage.rooms() as rooms:
        assert await rooms.set_aside(PLATFORM, ACCOUNT) == 1
        assert await rooms.set_aside(PLATFORM, ACCOUNT) == 0
    assert stage.delivery.texts() == [texts.POISON(attempts=3, number=poison.inbox)]
    assert await unhandled(stage) == 1
