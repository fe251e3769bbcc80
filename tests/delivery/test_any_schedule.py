"""Any schedule of refusals, lost answers, deletions and crashes: promise 1."""

import random

import pytest
from delivery.delivery_world import World
from delivery.wild_platform import OUTCOMES
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from scale import FULL, scaled, seeds

STEPS = scaled(40_000, 1_000_000)
STEPS_A_LIFE = 250

KIND = ("accepted",) * 12 + OUTCOMES
RARE = {"gone": 0.2, "moved": 0.3, "refused": 0.5, "credentials": 0.3}


def step(world: World, dice: random.Random) -> None:
    """Do one thing at random."""
    live = [k for k, p in world.posts.items() if p.source and p.final_pages is None]
    live = [key for key in live if not world.posts[key].closed]
    match dice.choices(range(9), (4, 20, 4, 5, 18, 24, 24, 1, 1))[0]:
        case 0 if len(live) < 8:
            world.follow(dice.randrange(6), dice.randint(1, 5))
        case 1 if live:
            world.grow(dice.choice(live), dice.randint(1, 4))
        case 2 if live:
            world.finish(dice.choice(live))
        case 3 if len(world.traffic.posts) < 20:
            world.show(dice.randrange(6), dice.randint(1, 3), urgent=dice.random() < 0.5)
        case 4:
            world.now += dice.choice((0.01, 0.3, 1.2, 1.2, 4.0, 20.0))
        case 5:
            world.take()
        case 6:
            outcome = dice.choice(KIND)
            if dice.random() < RARE.get(outcome, 1.0):
                world.land(dice.randrange(16), outcome, dice.choice((0.5, 3.0, 30.0)))
        case 7:
            world.platform.delete_by_person(dice.randrange(1000))
        case 8 if dice.random() < 0.5:
            world.crash(dice.random() < 0.5, dice.randint(0, 3))
        case _:
            world.desk.outbox.down = dice.random() < 0.1


@pytest.mark.parametrize("idempotent", [False, True], ids=["telegram-like", "matrix-like"])
def test_no_schedule_loses_or_repeats_a_text(idempotent: bool) -> None:
    """Final texts stand there once, in order, whatever happened; limits hold throughout."""
    for seed in seeds(STEPS // STEPS_A_LIFE // 2):
        dice = random.Random(seed)
        world = World(idempotent=idempotent)
        try:
            for _ in range(STEPS_A_LIFE):
                step(world, dice)
            world.settle_everything()
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error


class AnySchedule(RuleBasedStateMachine):
    """The same world, with hypothesis choosing and shrinking."""

    @initialize(idempotent=st.booleans())
    def begin(self, idempotent: bool) -> None:
        self.world = World(idempotent=idempotent)

    def live(self) -> list[str]:
        posts = self.world.posts.items()
        return [k for k, p in posts if p.source and p.final_pages is None and not p.closed]

    @rule(room=st.integers(0, 5), per_page=st.integers(1, 4))
    def follow(self, room: int, per_page: int) -> None:
        self.world.follow(room, per_page)

    @precondition(lambda self: self.live())
    @rule(choice=st.integers(0, 9), words=st.integers(1, 4))
    def grow(self, choice: int, words: int) -> None:
        live = self.live()
        self.world.grow(live[choice % len(live)], words)

    @precondition(lambda self: self.live())
    @rule(choice=st.integers(0, 9))
    def finish(self, choice: int) -> None:
        live = self.live()
        self.world.finish(live[choice % len(live)])

    @rule(room=st.integers(0, 5), pages=st.integers(1, 3), urgent=st.booleans())
    def show(self, room: int, pages: int, urgent: bool) -> None:
        self.world.show(room, pages, urgent=urgent)

    @rule(seconds=st.sampled_from([0.01, 1.2, 4.0, 30.0]))
    def advance(self, seconds: float) -> None:
        self.world.now += seconds

    @rule()
    def take(self) -> None:
        self.world.take()

    @rule(
        choice=st.integers(0, 15),
        outcome=st.sampled_from(OUTCOMES),
        seconds=st.sampled_from([0.5, 30.0]),
    )
    def land(self, choice: int, outcome: str, seconds: float) -> None:
        self.world.land(choice, outcome, seconds)

    @rule(choice=st.integers(0, 99))
    def delete_by_person(self, choice: int) -> None:
        self.world.platform.delete_by_person(choice)

    @rule(down=st.booleans())
    def break_store(self, down: bool) -> None:
        self.world.desk.outbox.down = down

    @rule(had_effect=st.booleans(), words=st.integers(0, 3))
    def crash(self, had_effect: bool, words: int) -> None:
        self.world.crash(had_effect, words)

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.settle_everything()


TestAnySchedule = AnySchedule.TestCase
TestAnySchedule.settings = settings(
    max_examples=scaled(60, 2000),
    stateful_step_count=60,
    deadline=None,
    derandomize=not FULL,
    suppress_health_check=list(HealthCheck),
)
