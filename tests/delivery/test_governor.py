"""Who may call next: fairness, penalties, tokens kept back, learning."""

from time import perf_counter

import pytest

from navi_bot.delivery.governor import OVERALL_RATE, Governor
from navi_bot.messages import Priority

FINAL, ANSWER, FIRST, PROGRESS, TYPING = Priority


def calls(governor: Governor, chat: str, wish: Priority, until: float, start: float) -> list[float]:
    """Let one chat call as often as it may; return when it did."""
    times, now = [], start
    while now < until:
        governor.ask(chat, False, wish, now)
        if governor.grant(now) == chat:
            governor.spent(chat, False, now)
            times.append(now)
            continue
        wakes = governor.wakes_at(now)
        assert wakes is not None
        now = max(wakes, now + 1e-6)
    return times


def test_progress_keeps_a_token_back() -> None:
    """A burst of two, then one call per interval; a final goes in between."""
    governor = Governor(1.2, 3.5, 0.0)
    times = calls(governor, "a", PROGRESS, 6.1, 0.0)
    assert times == pytest.approx([0.0, 0.0, 1.2, 2.4, 3.6, 4.8, 6.0], abs=1e-3)
    governor.ask("a", False, FINAL, 6.1)
    assert governor.grant(6.1) == "a"


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


def test_refusal_halves_the_rate_and_successes_mend_it() -> None:
    """Multiplicative decrease, additive increase, never above the start."""
    governor = Governor(1.0, 3.5, 0.0)
    governor.throttled("a", False, 1.0, 0.0)
    slow = calls(governor, "a", PROGRESS, 21.0, 1.0)
    assert slow[-1] - slow[-2] == pytest.approx(2.0, abs=0.01)
    for _ in range(200):
        governor.accepted("a")
    fast = calls(governor, "a", PROGRESS, 50.0, 21.0)
    assert fast[-1] - fast[-2] == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize(("refused", "expected"), [(1, OVERALL_RATE), (3, OVERALL_RATE / 2)])
def test_only_several_refused_chats_slow_the_account_down(refused: int, expected: float) -> None:
    governor = Governor(1.2, 3.5, 0.0)
    for number in range(refused):
        governor.throttled(f"r{number}", False, 5.0, 0.0)
    done, now = 0, 0.0
    for number in range(1000):
        governor.ask(f"c{number}", False, FIRST, 0.0)
    while now < 20.0:
        chat = governor.grant(now)
        if chat is None:
            wakes = governor.wakes_at(now)
            assert wakes is not None
            now = max(wakes, now + 1e-6)
            continue
        governor.spent(chat, False, now)
        done += 1
    assert done / 20.0 == pytest.approx(expected, rel=0.05)


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


def test_a_cold_start_has_one_call_a_chat_at_once() -> None:
    """The account was online a moment ago and may have spent its burst."""
    cold, warm = Governor(1.2, 3.5, 100.0, cold=True), Governor(1.2, 3.5, 100.0)
    assert calls(warm, "a", FINAL, 101.0, 100.0) == pytest.approx([100.0] * 3)
    assert calls(cold, "a", FINAL, 102.5, 100.0) == pytest.approx([100.0, 101.2, 102.4])
    cold.ask("b", False, FINAL, 104.0)
    assert calls(cold, "c", FINAL, 104.1, 104.0) == pytest.approx([104.0] * 3)
