"""The way in stays open while the database is away; what is said then comes from memory."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from navi_bot.decide import Policy
from navi_bot.errors import StoreError, StoreUnavailable
from navi_bot.intake import Intake
from navi_bot.meanwhile import Meanwhile
from navi_bot.messages import (
    Address,
    ChatKind,
    Head,
    Inbound,
    Origin,
    Post,
    Pressed,
    Role,
    RoomId,
    Said,
    Sender,
    TurnId,
)
from navi_bot.ports.delivery import LiveSource
from navi_bot.ports.records import Facts
from navi_bot.running import Running, RunningTurn

AWAY = StoreUnavailable("The database does not answer now.")
FULL = StoreError("The database's disk is full.")
ANN, BOB, EVE = Sender("5", "Ann"), Sender("7", "Bob"), Sender("9", "Eve")
ROOM = Address("telegram", "1", "5")
TEAM = Address("telegram", "1", "-100")
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def said(
    text: str,
    key: str = "1",
    who: Sender = ANN,
    address: Address = ROOM,
    *,
    addressed: bool = True,
) -> Said:
    kind = ChatKind.PRIVATE if address == ROOM else ChatKind.GROUP
    return Said(Origin(key, address, kind, who, key, NOW), text, addressed=addressed)


def facts(role: Role) -> Facts:
    return Facts(RoomId(1), None, role, owner_exists=True)


class Store:
    """Rooms whose database does as it is told: each call of `accept` takes the next outcome."""

    def __init__(self, *outcomes: Exception | asyncio.Event | None) -> None:
        self.outcomes = list(outcomes)
        self.accepted: list[str] = []
        self.heeded: list[str] = []

    async def accept(self, batch: Sequence[Inbound], cursor: str) -> None:
        outcome = self.outcomes.pop(0) if self.outcomes else None
        if isinstance(outcome, asyncio.Event):
            await outcome.wait()
        elif outcome is not None:
            raise outcome
        self.accepted += [one.origin.key for one in batch]

    async def heed(self, batch: Sequence[Inbound]) -> None:
        self.heeded += [one.origin.key for one in batch]


class Remarks:
    """A Delivery of which only remarks are used."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str]] = []

    def remark(self, address: Address, text: str) -> None:
        self.said.append((address.chat, text))

    def follow(self, head: Head, source: LiveSource, begun: str = "") -> None:
        raise AssertionError

    def touch(self, key: str) -> None:
        raise AssertionError

    def show(self, post: Post) -> None:
        raise AssertionError

    def working(self, head: Head, on: bool) -> None:
        raise AssertionError

    def react(self, address: Address, message_id: str, emoji: str) -> None:
        raise AssertionError

    def acknowledge(self, address: Address, press: str, text: str) -> None:
        raise AssertionError


class Scene:
    def __init__(self, *outcomes: Exception | asyncio.Event | None) -> None:
        self.store = Store(*outcomes)
        self.remarks = Remarks()
        self.running = Running()
        self.believed: dict[str, Facts] = {}
        self.meanwhile = Meanwhile(
            self.remarks,
            self.running,
            lambda _: Policy(commands={"status", "stop", "help"}, bot_name="navi_bot"),
            frozenset({("telegram", ANN.id)}),
            lambda inbound: self.believed.get(inbound.origin.sender.id),
            lambda: ["Database: embedded PostgreSQL"],
        )
        self.intake = Intake(self.store.accept, self.store.heed, self.meanwhile, longest=0.02)

    async def refused(self, *batch: Inbound) -> None:
        with pytest.raises((StoreUnavailable, StoreError)):
            await self.intake.accept(batch, "")

    @property
    def texts(self) -> list[str]:
        return [text for _, text in self.remarks.said]


async def test_what_is_stored_is_accepted() -> None:
    scene = Scene()
    async with scene.intake:
        await scene.intake.accept((said("hello"),), "")
    assert scene.store.accepted == ["1"]
    assert scene.texts == []


@pytest.mark.parametrize("fault", [AWAY, FULL], ids=["away", "full"])
async def test_each_room_is_told_once_that_its_messages_wait(fault: Exception) -> None:
    """However often the batch comes again; and anew in the next outage."""
    scene = Scene(*[fault] * 4, None, fault)
    async with scene.intake:
        for _ in range(3):
            await scene.refused(said("hello"), said("are you there?", "2"))
        scene.believed[BOB.id] = facts(Role.MEMBER)
        await scene.refused(said("hi all", "3", BOB, TEAM))
        assert scene.remarks.said == [
            (chat, f"{fault} Until then I can take nothing new in; what you write waits, "
                   "and is answered after it.")
            for chat in (ROOM.chat, TEAM.chat)
        ]  # fmt: skip
        await scene.intake.accept((said("hello"),), "")
        await scene.refused(said("again", "4"))
    assert len(scene.texts) == 3


async def test_status_is_answered_from_memory_once() -> None:
    """Each time it is asked, not each time the platform delivers it."""
    scene = Scene(*[AWAY] * 3)
    turn = RunningTurn(TurnId(1), RoomId(1), ROOM, ANN.id, 0.0, doing="step 1 of 40 with tiny")
    async with scene.intake:
        with scene.running.entered(turn):
            for _ in range(2):
                await scene.refused(said("/status"))
        await scene.refused(said("/status", "2"))
    with_turn, without = scene.texts
    assert with_turn.splitlines() == [
        str(AWAY), "Now: step 1 of 40 with tiny.", "Database: embedded PostgreSQL",
    ]  # fmt: skip
    assert "Now:" not in without


NOBODYS_BUSINESS = {
    "a stranger": said("hello", who=EVE),
    "a stranger's status": said("/status", who=EVE),
    "an owner without a name": said("/status", who=Sender(ANN.id, "Team", rightless=True)),
    "words not for us": said("hello", address=TEAM, addressed=False),
    "another bot's command": said("/status@other", address=TEAM, addressed=False),
    "a stop, which the live message shows": said("/stop"),
    "a press": Pressed(said("x").origin, "stop:1", "p"),
}


@pytest.mark.parametrize("inbound", NOBODYS_BUSINESS.values(), ids=NOBODYS_BUSINESS.keys())
async def test_others_get_nothing(inbound: Inbound) -> None:
    scene = Scene(AWAY)
    async with scene.intake:
        await scene.refused(inbound)
    assert scene.texts == []


async def test_whoever_lost_their_rights_gets_nothing() -> None:
    scene = Scene(AWAY)
    scene.believed[ANN.id] = facts(Role.BLOCKED)
    async with scene.intake:
        await scene.refused(said("hello"))
    assert scene.texts == []


async def test_a_database_that_hangs_does_not_deafen_us() -> None:
    """The adapter hears on after a moment, stops are heeded, and the batch is stored once."""
    hang = asyncio.Event()
    scene = Scene(hang)
    async with scene.intake:
        await scene.refused(said("hello"))
        await scene.refused(said("hello"), said("/stop", "2"))
        assert scene.store.heeded == ["1", "2"]
        assert scene.store.accepted == []
        hang.set()
        await scene.intake.accept((said("hello"), said("/stop", "2")), "")
    assert scene.store.accepted == ["1", "1", "2"]


async def test_a_fault_of_ours_is_not_taken_for_an_outage() -> None:
    scene = Scene(RuntimeError("a bug"))
    with pytest.raises(BaseExceptionGroup) as caught:
        async with scene.intake:
            await scene.intake.accept((said("hello"),), "")
    assert caught.group_contains(RuntimeError, match="a bug")
    assert scene.texts == []


async def test_while_it_overhears_nothing_is_taken_in() -> None:
    scene = Scene()
    async with scene.intake:
        with pytest.raises(StoreUnavailable):
            await scene.intake.overhear((said("hello"), said("/stop", "2")), "")
    assert scene.store.heeded == ["1", "2"]
    assert scene.store.accepted == []
    assert len(scene.texts) == 1


async def test_what_is_looked_at_early_is_answered_from_memory_while_nothing_is_stored() -> None:
    """A message that comes behind one that the database hangs on."""
    scene = Scene(asyncio.Event())
    async with scene.intake:
        await scene.intake.heed((said("/status"),))
        assert scene.texts == []
        await scene.refused(said("hello", "2"))
        await scene.intake.heed((said("/status", "3"),))
        assert len(scene.texts) == 2
    assert scene.store.heeded == ["1", "3"]


async def test_a_lost_lease_is_told_to_those_who_wait_already() -> None:
    scene = Scene(asyncio.Event())
    async with scene.intake:
        storing = asyncio.ensure_future(scene.intake.accept((said("/status"),), ""))
        await asyncio.sleep(0)
        scene.intake.lose()
        assert len(scene.texts) == 1
        storing.cancel()
        await asyncio.gather(storing, return_exceptions=True)


async def test_leaving_does_not_wait_for_a_hanging_database() -> None:
    scene = Scene(asyncio.Event())
    async with asyncio.timeout(1), scene.intake:
        await scene.refused(said("hello"))
