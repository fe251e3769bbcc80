"""What an unconfigured homeserver allows an account: how it is learnt, and how edits thin out."""

import random
from functools import partial
from itertools import pairwise

import pytest
from delivery.crowd import Room, Run, Turn, stream_all
from delivery.limit_judge import finals, percentile, refused_share
from delivery.loopback import LoopbackAccount
from delivery.scene import Scene, now, stream
from delivery.virtual_time import run
from scale import scaled, seeds
from strict_telegram.limits import Limits, Rate

STOCK = Limits(chat=None, group=None, overall=Rate(1, 5.0, 10), penalty=0.0)
"""Synapse's rc_message: ten at once, then one in five seconds, all rooms together."""


matrix = partial(
    LoopbackAccount, private_interval=2.0, group_interval=2.0, late_interval=5.0, one_limit=True
)


def talked(rooms: int, seed: int) -> Run:
    """Answers of 4 to 30 seconds, pauses of 10 to 60 between."""
    dice = random.Random(seed)

    def turn() -> Turn:
        return Turn(dice.uniform(10, 60), dice.uniform(0.5, 2), dice.randint(200, 1500))

    plan = [Room(n, f"private{n}", [turn() for _ in range(20)]) for n in range(rooms)]
    return stream_all(plan, STOCK, seed, account=matrix)


@pytest.mark.parametrize("seed", seeds(scaled(3, 30)))
@pytest.mark.parametrize(("rooms", "refused", "late"), [(1, 3, 0.2), (3, 10, 2.5)])
def test_stock_limits_are_learnt_from_few_refusals(
    seed: int, rooms: int, refused: int, late: float
) -> None:
    """Then none is drawn any more, and finals find the homeserver's bucket filled."""
    made = talked(rooms, seed)
    assert made.counts.throttled <= refused
    middle = sorted(trip.arrived for trip in made.trips)[len(made.trips) // 2]
    assert refused_share(made, middle) <= 0.03
    latencies = [final.latency for final in finals(made)]
    assert percentile(latencies, 0.5) <= 0.2
    assert percentile(latencies, 0.9) <= late


def test_edits_thin_out_from_two_to_five_seconds_and_end_at_forty() -> None:
    """Every edit is an event that the homeserver keeps; the final one always goes."""

    async def main() -> None:
        scene = Scene(account=matrix)
        async with scene.running() as reconciler:
            source = scene.live(reconciler, "turn:1")
            await stream(reconciler, "turn:1", source, 4000.0, every=0.5)
            edits = [call.at for call in scene.outbound.of("edit")]
            gaps = [later - earlier for earlier, later in pairwise(edits)]
            assert gaps[:9] == pytest.approx([2.0] * 9, abs=0.6)
            assert gaps[9:19] == pytest.approx([5.0] * 10, abs=0.6)
            assert gaps == sorted(gaps, key=round)
            assert len(edits) == 40
            began = now()
            scene.finish(reconciler, "turn:1", source, "a")
            assert await reconciler.drain(5)
            assert now() - began <= 0.1
            assert scene.outbound.of("edit")[-1].final
            assert len(scene.outbound.of("edit")) == 41

    run(main())
