"""The gate lets in whom the host can serve: people first, rooms in turn, nobody lost."""

import asyncio
import random
from collections import Counter

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule
from scale import scaled, seeds

from navi_bot.messages import RoomId
from navi_bot.models.fair_queue import FairQueue
from navi_bot.models.gate import FairGate
from navi_bot.ports.model import Urgency

ROOMS = st.integers(min_value=1, max_value=4).map(RoomId)


class FairQueueMachine(RuleBasedStateMachine):
    """Joins, leaves and takes in any order, against the rules in plain words."""

    def __init__(self) -> None:
        super().__init__()
        self.queue: FairQueue[int] = FairQueue()
        self.waiting: dict[int, tuple[RoomId, Urgency]] = {}
        self.seen: dict[int, Counter[RoomId]] = {}
        """What each who waits has seen going in, of its own urgency."""
        self.serial = 0

    tickets = Bundle("tickets")

    @rule(target=tickets, room=ROOMS, urgency=st.sampled_from(Urgency))
    def join(self, room: RoomId, urgency: Urgency) -> int:
        self.serial += 1
        self.queue.join(self.serial, room, urgency)
        self.waiting[self.serial] = (room, urgency)
        self.seen[self.serial] = Counter()
        return self.serial

    @rule(ticket=consumes(tickets))
    def leave(self, ticket: int) -> None:
        self.queue.leave(ticket)
        self.waiting.pop(ticket, None)

    @rule()
    def take(self) -> None:
        places = self.queue.places()
        taken = self.queue.take()
        assert (taken is None) == (not self.waiting)
        if taken is None:
            return
        assert places[taken] == 1, "who was told to be next is next"
        room, urgency = self.waiting.pop(taken)
        for other, (its_room, its_urgency) in self.waiting.items():
            assert its_urgency >= urgency, "the more urgent go first"
            if its_urgency == urgency and its_room == room:
                assert other > taken, "a room's own keep their order"
            if its_urgency == urgency:
                seen = self.seen[other]
                seen[room] += 1
                assert seen[room] <= seen[its_room] + 1, "rooms take turns"

    @invariant()
    def places_are_those_who_wait(self) -> None:
        places = self.queue.places()
        assert set(places) == set(self.waiting)
        assert sorted(places.values()) == list(range(1, len(self.waiting) + 1))
        assert len(self.queue) == len(self.waiting)


FairQueueMachine.TestCase.settings = settings(
    max_examples=scaled(60, 2000), stateful_step_count=40, deadline=None
)
test_the_queue_is_fair = FairQueueMachine.TestCase


def test_rooms_take_turns() -> None:
    """One room's five questions do not keep another's first waiting for all of them."""
    queue: FairQueue[str] = FairQueue()
    for name in ("a1", "a2", "a3", "b1", "c1", "c2"):
        queue.join(name, RoomId(ord(name[0])), Urgency.PERSON)
    order = ["a1", "b1", "c1", "a2", "c2", "a3"]
    assert sorted(queue.places(), key=queue.places().__getitem__) == order
    assert [queue.take() for _ in order] == order


def test_people_go_before_recalls_before_chores() -> None:
    """Whoever came first."""
    queue: FairQueue[str] = FairQueue()
    queue.join("chore", RoomId(1), Urgency.CHORE)
    queue.join("recall", RoomId(1), Urgency.RECALL)
    queue.join("person", RoomId(1), Urgency.PERSON)
    assert [queue.take() for _ in range(4)] == ["person", "recall", "chore", None]


class Visits:
    """Visitors of a gate who stay until they are told to go."""

    def __init__(self, gate: FairGate) -> None:
        self.gate = gate
        self.inside: list[str] = []
        self.places: dict[str, list[int]] = {}
        self.leave: dict[str, asyncio.Event] = {}

    async def visit(self, name: str, room: int = 1, urgency: Urgency = Urgency.PERSON) -> None:
        told = self.places.setdefault(name, [])
        leave = self.leave.setdefault(name, asyncio.Event())
        async with self.gate.enter(RoomId(room), urgency, told.append):
            self.inside.append(name)
            try:
                await leave.wait()
            finally:
                self.inside.remove(name)


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_an_open_gate_tells_no_place() -> None:
    """Who can go in at once hears nothing."""
    visits = Visits(FairGate(2))
    async with asyncio.TaskGroup() as group:
        for name in "ab":
            group.create_task(visits.visit(name))
        await settle()
        assert visits.inside == ["a", "b"]
        assert visits.places == {"a": [], "b": []}
        for event in visits.leave.values():
            event.set()


async def test_waiting_ones_hear_their_place_whenever_it_changes() -> None:
    """1 is next; a person who comes later stands before a chore."""
    visits = Visits(FairGate(1))
    async with asyncio.TaskGroup() as group:
        group.create_task(visits.visit("a"))
        await settle()
        group.create_task(visits.visit("chore", 2, Urgency.CHORE))
        await settle()
        group.create_task(visits.visit("b", 3))
        await settle()
        assert visits.places == {"a": [], "chore": [1, 2], "b": [1]}
        visits.leave["a"].set()
        await settle()
        assert visits.inside == ["b"]
        assert visits.places["chore"] == [1, 2, 1]
        visits.leave["b"].set()
        visits.leave["chore"].set()


async def test_who_leaves_while_waiting_frees_the_place() -> None:
    """A cancelled one is gone at once; those behind move up."""
    visits = Visits(FairGate(1))
    async with asyncio.TaskGroup() as group:
        group.create_task(visits.visit("a"))
        await settle()
        gone = group.create_task(visits.visit("b"))
        group.create_task(visits.visit("c"))
        await settle()
        gone.cancel()
        await settle()
        assert visits.gate.waiting == 1
        assert visits.places["c"] == [2, 1]
        visits.leave["a"].set()
        visits.leave["c"].set()


async def test_who_is_cancelled_when_just_let_in_gives_the_place_on() -> None:
    """The place is neither lost nor given twice."""
    visits = Visits(FairGate(1))
    async with asyncio.timeout(2), asyncio.TaskGroup() as group:
        first = group.create_task(visits.visit("a"))
        await settle()
        second = group.create_task(visits.visit("b"))
        await settle()
        group.create_task(visits.visit("c"))
        await settle()
        first.cancel()
        await asyncio.sleep(0)
        second.cancel()
        await settle()
        assert visits.inside == ["c"]
        visits.leave["c"].set()


async def test_no_storm_of_cancellations_loses_or_doubles_a_place() -> None:
    """Random visits, leaves and cancellations: never more inside than allowed, none stuck."""
    for seed in seeds(scaled(40, 400)):
        rng = random.Random(seed)
        parallel = rng.randint(1, 3)
        gate = FairGate(parallel)
        async with asyncio.timeout(5):
            most = await _storm(rng, gate)
        assert most <= parallel, seed
        async with asyncio.timeout(1), asyncio.TaskGroup() as group:
            for room in range(parallel):
                group.create_task(_pass(gate, room))


async def _pass(gate: FairGate, room: int) -> None:
    async with gate.enter(RoomId(room), Urgency.PERSON, _ignore):
        await asyncio.sleep(0)


async def _storm(rng: random.Random, gate: FairGate) -> int:
    inside, most = 0, 0

    async def visit(room: int, urgency: Urgency) -> None:
        nonlocal inside, most
        async with gate.enter(RoomId(room), urgency, _ignore):
            inside += 1
            most = max(most, inside)
            try:
                for _ in range(rng.randint(0, 4)):
                    await asyncio.sleep(0)
            finally:
                inside -= 1

    async with asyncio.TaskGroup() as group:
        tasks = []
        for _ in range(30):
            tasks.append(group.create_task(visit(rng.randint(1, 4), rng.choice(list(Urgency)))))
            if rng.random() < 0.5:
                rng.choice(tasks).cancel()
            if rng.random() < 0.5:
                await asyncio.sleep(0)
    return most


def _ignore(place: int) -> None:
    """Have no use for the place."""
