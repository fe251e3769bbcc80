"""What is remembered of people saves a question, and never lets anybody in."""

import asyncpg
import pytest
from rooms.stage import ANN, BOB, TEAM, Stage, private, said

from navi_bot.messages import Inbound, PersonId, Pressed, Role, Said
from navi_bot.ports.records import Accepted, Facts, TurnRequest
from navi_bot.store.inbox import PostgresInbox


class Asked(PostgresInbox):
    """The real store, which keeps the names of what it is asked."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        super().__init__(pool, "secretary")
        self.asked: list[str] = []

    async def facts(self, inbound: Inbound) -> Facts:
        self.asked.append("facts")
        return await super().facts(inbound)

    async def take(
        self,
        inbound: Inbound,
        person: PersonId | None,
        turn: TurnRequest | None,
        cursor: str,
        believed: Role | None = None,
    ) -> Accepted | None:
        self.asked.append("take" if believed is None else f"take as {believed}")
        return await super().take(inbound, person, turn, cursor, believed)


@pytest.fixture
async def stage(database: asyncpg.Pool) -> Stage:
    stage = Stage(database)
    stage.inbox = Asked(database)
    await stage.let_in(ANN, Role.OWNER)
    return stage


def asked(stage: Stage) -> list[str]:
    """Return what the store was asked since the last time."""
    assert isinstance(stage.inbox, Asked)
    found, stage.inbox.asked = stage.inbox.asked, []
    return found


async def end_all(stage: Stage) -> None:
    await stage.pool.execute("UPDATE turns SET state = 'done'")


async def test_who_spoke_here_before_is_not_looked_up_again(stage: Stage) -> None:
    """From the second message in a known room on: one statement."""
    async with stage.rooms() as rooms:
        for text, expected in (
            ("one", ["facts", "take"]),  # the room is new
            ("two", ["facts", "take"]),
            ("three", ["take as owner"]),
        ):
            await rooms.accept([said(text)], "")
            assert asked(stage) == expected
            await end_all(stage)
    assert await stage.questions() == ["one", "two", "three"]


async def test_every_room_is_known_for_itself(stage: Stage) -> None:
    async with stage.rooms() as rooms:
        for _ in range(2):
            await rooms.accept([said("hi")], "")
            await end_all(stage)
        asked(stage)
        await rooms.accept([said("hi", room=TEAM)], "")
        assert asked(stage) == ["facts", "take"]


async def test_whoever_lost_their_rights_meanwhile_is_not_answered(stage: Stage) -> None:
    """The memory says owner, the store says blocked: nothing is taken in."""
    async with stage.rooms() as rooms:
        for text in ("one", "two"):
            await rooms.accept([said(text)], "")
            await end_all(stage)
        await stage.people.set_role("telegram", ANN.id, Role.BLOCKED)
        asked(stage)
        await rooms.accept([said("three")], "")
        assert asked(stage) == ["take as owner", "facts"]
        await rooms.accept([said("four")], "")
    assert await stage.questions() == ["one", "two"]


async def test_a_message_behind_another_is_decided_on_what_is_so(stage: Stage) -> None:
    """It is marked as waiting, and steers if that is wished: memory does not know."""
    async with stage.rooms() as rooms:
        for text in ("one", "two"):
            await rooms.accept([said(text)], "")
            await end_all(stage)
        await rooms.accept([said("three")], "")
        asked(stage)
        await rooms.accept([said("four")], "")
        assert asked(stage) == ["take as owner", "facts", "take"]
    assert len(stage.delivery.reactions) == 1


async def test_commands_strangers_and_presses_are_always_looked_up(stage: Stage) -> None:
    async with stage.rooms() as rooms:
        for text in ("one", "two"):
            await rooms.accept([said(text)], "")
            await end_all(stage)
        asked(stage)
        press = Pressed(said("").origin, "stop:1", "p1")
        for event in (said("/help"), said("hi", BOB), press):
            await rooms.accept([event], "")
            assert asked(stage)[0] == "facts"


async def test_a_redelivery_is_known_however_well_its_sender_is(stage: Stage) -> None:
    async with stage.rooms() as rooms:
        for text in ("one", "two"):
            await rooms.accept([said(text)], "")
            await end_all(stage)
        again: Said = said("three")
        await rooms.accept([again], "")
        await end_all(stage)
        await rooms.accept([again], "c")
    assert await stage.questions() == ["one", "two", "three"]
    assert await stage.inbox.cursor("telegram", "1") == "c"
    assert await stage.room(private(ANN))
