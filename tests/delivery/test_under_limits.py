"""What the governor keeps under each kind of limit, on virtual time, judged by `limit_judge`.

Every run also compares two models of the platform call by call: the strict
server's and the judge's.
"""

import random
from collections.abc import Sequence

import pytest
from delivery.crowd import Penalty, Run, conversations, evenly, stream_all
from delivery.limit_judge import (
    Final,
    calls_into_ban,
    finals,
    ignored_penalties,
    percentile,
    refused_share,
    served,
    staleness,
)
from delivery.limit_models import HIDDEN, HIDDEN_OVERALL, KNOWN
from delivery.limit_platform import counted
from scale import scaled, seeds
from strict_telegram.limits import HARSH, SLIDING, Limits

SEEDS = seeds(scaled(1, 4))

REFUSED = 0.01
"""The share of calls that may be refused once a limit is learnt."""
LATE = 1.1
"""Seconds after the platform would have taken a final state, at most."""
INTERVALS = {"private": 1.2, "group": 3.5}


def chats(kind: str, count: int) -> list[str]:
    return [f"{kind}{number}" for number in range(count)]


def latest(found: Sequence[Final]) -> float:
    return max(final.late for final in found)


def second_half(run: Run) -> float:
    """Return when half of the calls had been made: what is to be learnt is learnt by then."""
    calls = counted(run)
    return calls[len(calls) // 2].arrived


@pytest.mark.parametrize("kind", INTERVALS)
@pytest.mark.parametrize("limits", KNOWN.values(), ids=KNOWN)
def test_published_limits_are_never_overrun(limits: Limits, kind: str) -> None:
    """Not one refusal, and every final is shown as soon as the platform takes it.

    Where typing counts as well, which is not published, one call in a hundred is refused.
    """
    rooms, turns = scaled((6, 5), (10, 40))
    for seed in SEEDS:
        run = stream_all(conversations(chats(kind, rooms), turns, seed), limits, seed)
        assert refused_share(run) <= (REFUSED if limits.typing else 0.0)
        assert limits.typing or latest(finals(run)) <= LATE


def test_many_rooms_are_never_refused_and_end_in_time() -> None:
    """Sixty conversations, private and in groups: finals pass all the progress that waits."""
    mixed = chats("private", 50) + chats("group", 10)
    for seed in SEEDS:
        run = stream_all(conversations(mixed, scaled(3, 20), seed), SLIDING, seed)
        assert refused_share(run) == 0.0
        assert latest(finals(run)) <= LATE


@pytest.mark.parametrize("kind", INTERVALS)
@pytest.mark.parametrize("limits", HIDDEN.values(), ids=HIDDEN)
def test_a_hidden_limit_of_chats_is_learnt(limits: Limits, kind: str) -> None:
    """Ten refusals a chat at most; then one call in a hundred, and finals wait one interval."""
    rules = [limits.chat, limits.group if kind == "group" else None]
    slowest = max(rule.seconds / rule.count for rule in rules if rule is not None)
    interval = max(INTERVALS[kind], 2 * slowest)
    for seed in SEEDS:
        run = stream_all(conversations(chats(kind, 2), scaled(200, 400), seed), limits, seed)
        learnt = second_half(run)
        before = sum(trip.wait > 0 for trip in counted(run) if trip.arrived < learnt)
        assert before <= 2 * 10
        assert refused_share(run, learnt) <= REFUSED
        assert not ignored_penalties(run)
        late = [final.late for final in finals(run) if final.talk.ends > learnt]
        assert percentile(late, 0.9) <= interval


@pytest.mark.parametrize("limits", HIDDEN_OVERALL.values(), ids=HIDDEN_OVERALL)
def test_a_hidden_limit_of_the_account_is_learnt(limits: Limits) -> None:
    """Forty rooms under a limit that none of them reaches alone."""
    for seed in SEEDS:
        rooms = conversations(chats("private", 40), scaled(8, 60), seed)
        run = stream_all(rooms, limits, seed)
        assert refused_share(run) <= 2 * REFUSED
        assert refused_share(run, second_half(run)) <= REFUSED
        assert finals(run)


@pytest.mark.parametrize("seconds", [1.0, 30.0, 130.0])
@pytest.mark.parametrize("kind", INTERVALS)
def test_a_penalty_of_a_chat_is_waited_out_and_delays_no_other(kind: str, seconds: float) -> None:
    """Nothing goes to the chat before its end, the final goes then, others notice nothing."""
    rooms = conversations(chats(kind, 8), 6, 3)
    penalty = Penalty(20.0, f"{kind}0", seconds)
    run = stream_all(rooms, HARSH, 3, [penalty])
    alone = stream_all(rooms[1:], HARSH, 3)
    assert sum(trip.wait > 0 for trip in run.trips) == 1, "the penalty was never lengthened"
    assert not ignored_penalties(run)
    assert latest(finals(run)) <= LATE
    with_it = [final.latency for final in finals(run) if final.talk.room]
    without = [final.latency for final in finals(alone)]
    assert max(with_it) <= max(without) + 0.05
    ours, theirs = staleness(run, rooms=range(1, 8)), staleness(alone)
    # One talk of the forty that just misses a token waits for the next: which one is luck.
    for share, luck in ((0.5, 0.0), (0.95, 0.0), (0.99, INTERVALS[kind])):
        assert percentile(ours, share) <= 1.05 * percentile(theirs, share) + luck


def test_a_penalty_of_a_chat_delays_no_other_when_calls_are_scarce() -> None:
    """Seventy rooms that wait for the account's calls all the time, one of them refused."""
    rooms = evenly(chats("private", 70), 30.0)
    run = stream_all(rooms, HARSH, 5, [Penalty(8.0, "private0", 130.0)])
    alone = stream_all(rooms[1:], HARSH, 5)
    assert not ignored_penalties(run)
    ours, theirs = staleness(run, rooms=range(1, 70)), staleness(alone)
    for share in (0.5, 0.99):
        assert percentile(ours, share) <= 1.05 * percentile(theirs, share)


@pytest.mark.parametrize("seconds", [5.0, 130.0])
@pytest.mark.parametrize("count", [1, 2, 10])
def test_a_penalty_of_the_whole_account_is_found_out_by_one_call(
    count: int, seconds: float
) -> None:
    """Two refusals in a row stop everything until the last end that was told."""
    rooms = conversations(chats("private", count), 6, 4)
    run = stream_all(rooms, HARSH, 4, [Penalty(20.0, None, seconds)])
    calls = calls_into_ban(run)
    assert len(calls) <= 2 + sum(trip.made.at < calls[1].ended for trip in calls[2:])
    assert not ignored_penalties(run)
    # The platform tells whole seconds; after them all finals go, one each 80 ms.
    assert latest(finals(run)) <= LATE + count * 0.08


def test_rooms_share_the_accounts_calls_evenly_and_late_ones_at_once() -> None:
    """Sixty rooms stream all the time; ten of them begin when the others are long under way."""
    run = stream_all(evenly(chats("private", 60), 60.0, spread=4.0, late=10), SLIDING)
    early = [calls for room, calls in served(run, 4.0, 30.0).items() if room < 50]
    everyone = served(run, 35.0, 55.0).values()
    assert max(early) / min(early) <= 1.5
    assert max(everyone) / min(everyone) <= 1.5
    assert refused_share(run) == 0.0
    assert latest(finals(run)) <= LATE


@pytest.mark.parametrize("kind", INTERVALS)
def test_topics_of_one_chat_share_its_calls(kind: str) -> None:
    """Two rooms in one chat: equal service, finals at once though both end together."""
    run = stream_all(evenly([f"{kind}0"] * 2, 60.0, spread=0.0), SLIDING)
    shares = served(run, 5.0, 55.0).values()
    assert max(shares) / min(shares) <= 1.5
    assert refused_share(run) == 0.0
    assert latest(finals(run)) <= LATE


def test_sixty_rooms_that_stream_all_the_time_stay_fresh() -> None:
    """At 25 calls a second, new pages of long answers included."""
    run = stream_all(evenly(chats("private", 60), 60.0, spread=20.0), SLIDING)
    assert refused_share(run) == 0.0
    assert percentile(staleness(run), 0.99) <= 3.0


def any_run(seed: int) -> Run:
    dice = random.Random(seed)
    limits = dice.choice([*KNOWN.values(), *HIDDEN.values(), *HIDDEN_OVERALL.values()])
    mixed = [f"{dice.choice(('private', 'group'))}{dice.randrange(9)}" for _ in range(9)]
    penalties = [
        Penalty(dice.uniform(5.0, 120.0), dice.choice([None, *mixed]), dice.choice((1, 30, 130)))
        for _ in range(dice.randrange(4))
    ]
    return stream_all(conversations(mixed, dice.randint(2, 6), seed), limits, seed, penalties)


@pytest.mark.parametrize("seed", seeds(scaled(8, 100)))
def test_no_mixture_of_limits_and_penalties_loses_or_hurries_anything(seed: int) -> None:
    """Any limits, chats and penalties: each final comes once it may, no refusal is ignored."""
    run = any_run(seed)
    assert not ignored_penalties(run)
    assert len(finals(run)) == len(run.talks)
