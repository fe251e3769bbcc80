"""Who may call next: fairness, penalties, tokens kept back, learning."""

from time import perf_counter

import pytest

from navi_bot.delivery.governor import OVERALL_RATE, Governor
from navi_bot.messages import Priority

FINAL, ANSWER, FIRST, PROGRESS, TYPING = Priority


def calls(
    governor: Governor,
    chat: str,
    wish: Priority,
    until: float,
    start: float,
    *,
    group: bool = False,
) -> list[float]:
    """Let one chat call as often as it may; return when it did."""
    times, now = [], start
    while now < until:
        governor.ask(chat, group, wish, now)
        if governor.grant(now) == chat:
            governor.spent(chat, group, now)
            times.append(now)
            continue
        wakes = governor.wakes_at(now)
        assert wakes is not None
        now = max(wakes, now + 1e-6)
    return times


def test_progress_goes_only_from_a_full_bucket() -> None:
    """One call per interval; two finals find tokens at any time."""
    governor = Governor(1.2, 3.5, 0.0)
    times = calls(governor, "a", PROGRESS, 6.1, 0.0)
    assert times == pytest.approx([0.0, 1.2, 2.4, 3.6, 4.8, 6.0], abs=1e-3)
    assert calls(governor, "a", FINAL, 6.2, 6.1) == [6.1, 6.1]


def test_no_minute_holds_more_than_twenty_calls_to_a_group() -> None:
    """Whether the platform counts in a bucket or in a window: 20 in any 60 s."""
    governor = Governor(1.2, 3.5, 0.0)
    times = calls(governor, "g", FINAL, 300.0, 0.0, group=True)
    assert max(sum(0 <= at - begin < 60.0 for at in times) for begin in times) <= 20
    assert len(times) >= 85


def test_more_urgent_goes_first() -> None:
    governor = Governor(1.2, 3.5, 0.0)
    wishes = {"t": TYPING, "p": PROGRESS, "f": FINAL, "a": ANSWER, "s": FIRST}
    for chat, wish in wishes.items():
        governor.ask(chat, False, wish, 0.0)
    assert [governor.grant(0.0) for _ in wishes] == ["f", "a", "s", "p", "t"]


def test_wish_that_becomes_final_overtakes() -> None:
    """A chat that asked for progress and asks for a final now goes at once."""
    governor = Governor(1.2, 3.5, 0.0)
    for chat in "abc":
        governor.ask(chat, False, PROGRESS, 0.0)
    governor.ask("c", False, FINAL, 0.0)
    assert governor.grant(0.0) == "c"


def test_withdrawn_wish_is_not_granted() -> None:
    governor = Governor(1.2, 3.5, 0.0)
    governor.ask("a", False, FINAL, 0.0)
    governor.withdraw("a")
    assert governor.grant(0.0) is None
    assert governor.wakes_at(0.0) is None


def test_typing_takes_only_from_a_full_bucket() -> None:
    governor = Governor(1.2, 3.5, 0.0)
    governor.spent("a", False, 0.0)
    governor.ask("a", False, TYPING, 0.0)
    assert governor.grant(0.0) is None
    assert governor.wakes_at(0.0) == pytest.approx(1.2)


def test_penalty_holds_one_chat_alone() -> None:
    """A refused chat waits its time, then may send one urgent call; others go on."""
    governor = Governor(1.2, 3.5, 0.0)
    governor.throttled("a", False, 30.0, 0.0)
    governor.ask("a", False, FINAL, 0.0)
    governor.ask("b", False, PROGRESS, 0.0)
    assert governor.grant(0.0) == "b"
    assert governor.grant(29.9) is None
    assert governor.wakes_at(0.0) == pytest.approx(30.0)
    assert governor.grant(30.0) == "a"


def test_refusal_in_good_time_halves_the_rate_and_half_an_hour_mends_it() -> None:
    """Never above the start; silence mends nothing."""
    governor = Governor(1.0, 3.5, 0.0)
    governor.spent("a", False, 0.0)
    governor.throttled("a", False, 1.0, 0.0)
    governor.accepted("b")
    slow = calls(governor, "a", PROGRESS, 21.0, 1.0)
    assert slow[-1] - slow[-2] == pytest.approx(2.0, abs=0.01)
    still_slow = calls(governor, "a", PROGRESS, 50_020.0, 50_000.0)
    assert still_slow[-1] - still_slow[-2] == pytest.approx(2.0, abs=0.01)
    now = 60_000.0
    for now in range(60_000, 62_000):
        governor.spent("a", False, float(now))
        governor.accepted("a")
    fast = calls(governor, "a", PROGRESS, now + 50.0, float(now))
    assert fast[-1] - fast[-2] == pytest.approx(1.0, abs=0.01)


def test_refusal_of_a_call_close_behind_another_teaches_how_many_go_in_a_row() -> None:
    """The pace stays; an urgent call keeps its distance from then on."""
    governor = Governor(1.2, 3.5, 0.0)
    governor.spent("a", False, 0.0)
    governor.spent("a", False, 0.2)
    governor.throttled("a", False, 1.0, 0.2)
    governor.accepted("b")
    times = calls(governor, "a", PROGRESS, 10.0, 5.0)
    assert times[-1] - times[-2] == pytest.approx(1.2, abs=0.01)
    assert calls(governor, "a", FINAL, 12.0, 10.0)[0] == pytest.approx(times[-1] + 1.2, abs=0.01)


@pytest.mark.parametrize(
    ("refused", "taken_between", "waits"),
    [
        ([("a", 30.0)], False, False),
        ([("a", 30.0), ("b", 30.0)], False, True),
        ([("a", 30.0), ("b", 61.0)], False, True),
        ([("a", 30.0), ("b", 30.0)], True, False),
        ([("a", 130.0), ("b", 5.0)], False, False),
        ([("a", 30.0), ("a", 30.0)], False, False),
    ],
    ids=["one", "two in a row", "longer", "one taken between", "another end", "one chat twice"],
)
def test_only_chats_refused_in_a_row_stop_the_account(
    refused: list[tuple[str, float]], taken_between: bool, waits: bool
) -> None:
    governor = Governor(1.2, 3.5, 0.0)
    for chat, seconds in refused:
        governor.spent(chat, False, 0.0)
        governor.throttled(chat, False, seconds, 0.0)
        if taken_between:
            governor.accepted("other")
    governor.ask("c", False, FINAL, 0.1)
    assert governor.grant(0.1) == (None if waits else "c")
    if waits:
        assert governor.wakes_at(0.1) == pytest.approx(max(seconds for _, seconds in refused))


def test_what_a_penalty_said_outlasts_a_new_begin() -> None:
    """The database was away, or another daemon served: wishes are void, penalties are not."""
    governor = Governor(1.2, 3.5, 0.0)
    governor.throttled("a", False, 30.0, 0.0)
    governor.ask("b", False, FINAL, 0.0)
    governor.begin_anew(5.0)
    assert governor.grant(5.0) is None, "the wish was withdrawn"
    governor.ask("a", False, FINAL, 5.0)
    assert governor.grant(29.9) is None
    assert governor.grant(30.0) == "a"


def test_whoever_begins_anew_may_not_burst() -> None:
    """Another one may just have called there: a first show at once, progress an interval later."""
    governor = Governor(1.2, 3.5, 0.0)
    governor.begin_anew(10.0)
    governor.ask("a", False, PROGRESS, 10.0)
    assert governor.grant(10.0) is None
    assert governor.wakes_at(10.0) == pytest.approx(11.2)
    governor.ask("a", False, FIRST, 10.0)
    assert governor.grant(10.0) == "a"


def test_what_was_spent_before_a_new_begin_stays_spent() -> None:
    """The account was online a moment ago: there is no second burst."""
    governor = Governor(1.2, 3.5, 0.0)
    assert calls(governor, "a", FINAL, 101.0, 100.0) == pytest.approx([100.0] * 3)
    governor.begin_anew(101.0)
    assert calls(governor, "a", FINAL, 102.5, 101.0) == pytest.approx([101.2, 102.4])


def test_a_slow_account_keeps_calls_back_for_finals() -> None:
    """At one call a second, with chats that always have progress: two finals go at once."""
    governor = Governor(1.2, 3.5, 0.0, 1.0)
    for number in range(20):
        governor.ask(f"c{number}", False, PROGRESS, 0.0)
    now = 0.0
    while now < 8.5:
        if (granted := governor.grant(now)) is not None:
            governor.spent(granted, False, now)
        now += 0.1
    assert calls(governor, "a", FINAL, 8.7, 8.6) == pytest.approx([8.6, 8.6])


def test_account_goes_on_at_half_its_rate_after_a_penalty_of_all() -> None:
    governor = Governor(1.2, 3.5, 0.0)
    for chat in "ab":
        governor.throttled(chat, False, 5.0, 0.0)
    done, now = 0, 5.0
    for number in range(1000):
        governor.ask(f"c{number}", False, FIRST, now)
    while now < 25.0:
        granted = governor.grant(now)
        if granted is None:
            wakes = governor.wakes_at(now)
            assert wakes is not None
            now = max(wakes, now + 1e-6)
            continue
        governor.spent(granted, False, now)
        done += 1
    assert done / 20.0 == pytest.approx(OVERALL_RATE / 2, rel=0.05)


def test_chats_refused_one_by_one_do_not_stop_the_account_by_chance() -> None:
    """Two in a row among many chats that are refused alone mean nothing; four do."""
    governor = Governor(1.2, 3.5, 0.0)
    governor.throttled("lone", False, 30.0, 0.0)
    governor.accepted("other")
    for number in range(4):
        governor.ask("c", False, FINAL, 1.0)
        assert governor.grant(1.0) == "c"
        governor.throttled(f"r{number}", False, 30.0, 1.0)
    governor.ask("c", False, FINAL, 1.0)
    assert governor.grant(1.0) is None


def test_who_comes_late_gets_a_share_at_once() -> None:
    """A chat that begins when others have long been served is next, and is no more often."""
    governor = Governor(1.2, 3.5, 0.0)
    served: list[str] = []
    now = 0.0
    for number in range(60):
        governor.ask(f"c{number}", False, PROGRESS, now)
    while now < 30.0:
        if now > 20.0 and "late" not in served:
            governor.ask("late", False, PROGRESS, now)
        granted = governor.grant(now)
        if granted is None:
            wakes = governor.wakes_at(now)
            assert wakes is not None
            now = max(wakes, now + 1e-6)
            continue
        governor.spent(granted, False, now)
        served.append(granted)
        governor.ask(granted, False, PROGRESS, now)
    after = served[served.index("late") :]
    assert after.count("late") in (4, 5)
    assert len(served) - len(after) <= 20.0 * OVERALL_RATE + 5


def test_service_is_shared_evenly() -> None:
    """A hundred chats that always have something: max/min of service at most 1.5."""
    governor = Governor(1.2, 3.5, 0.0)
    served = dict.fromkeys((f"c{n}" for n in range(100)), 0)
    now = 0.0
    for chat in served:
        governor.ask(chat, False, PROGRESS, now)
    while now < 60.0:
        granted = governor.grant(now)
        if granted is None:
            wakes = governor.wakes_at(now)
            assert wakes is not None
            now = max(wakes, now + 1e-6)
            continue
        governor.spent(granted, False, now)
        served[granted] += 1
        governor.ask(granted, False, PROGRESS, now)
    assert max(served.values()) / min(served.values()) <= 1.5
    assert sum(served.values()) == pytest.approx(60 * OVERALL_RATE, rel=0.02)


@pytest.mark.parametrize("rate", [10.0, 200.0])
def test_an_account_that_may_call_more_does(rate: float) -> None:
    """So many chats that only the account's own rate holds them back."""
    governor, now, calls = Governor(1.2, 3.5, 0.0, rate), 0.0, 0
    for number in range(300):
        governor.ask(f"chat{number}", False, PROGRESS, now)
    while (chat := governor.grant(now)) is not None or now < 1.0:
        if chat is None:
            wakes = governor.wakes_at(now)
            assert wakes is not None
            now = max(wakes, now + 1e-6)
        else:
            governor.spent(chat, False, now)
            calls += 1
    assert calls == pytest.approx(rate, abs=4)


def seconds_a_decision(silent: int, asking: int) -> float:
    """Return the time of one decision among `asking` chats, with others silent."""
    governor = Governor(1.2, 3.5, 0.0)
    for number in range(silent):
        governor.spent(f"silent{number}", False, 0.0)
    now, decisions = 100.0, 0
    for number in range(asking):
        governor.ask(f"c{number}", False, PROGRESS, now)
    spent = 0.0
    while decisions < 2000:
        began = perf_counter()
        chat = governor.grant(now)
        if chat is not None:
            governor.spent(chat, False, now)
            governor.ask(chat, False, PROGRESS, now)
        wakes = governor.wakes_at(now)
        spent += perf_counter() - began
        decisions += 1
        if chat is None:
            assert wakes is not None
            now = max(wakes, now + 1e-6)
    return spent / decisions


def test_silent_chats_cost_nothing() -> None:
    """With 20,000 silent chats a decision costs what it costs with none (factor 4 for noise)."""
    alone = min(seconds_a_decision(0, 50) for _ in range(3))
    crowded = min(seconds_a_decision(20_000, 50) for _ in range(3))
    assert crowded <= 4 * alone


def test_idle_chats_are_forgotten() -> None:
    """Memory does not grow with every chat that was ever served."""
    governor = Governor(1.2, 3.5, 0.0)
    for number in range(10_000):
        governor.spent(f"c{number}", False, float(number))
    assert len(governor._chats) <= 1100


def test_wishes_replaced_over_and_over_do_not_pile_up() -> None:
    """A chat under a long penalty may change its mind as often as it likes."""
    governor = Governor(1.2, 3.5, 0.0)
    governor.throttled("a", False, 600.0, 0.0)
    for _ in range(5000):
        governor.ask("a", False, PROGRESS, 1.0)
        governor.ask("a", False, FINAL, 1.0)
        governor.withdraw("a")
    assert len(governor._later) <= 200
