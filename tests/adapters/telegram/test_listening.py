"""The machine of the poll loop: what comes after which outcome, and what is told."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.telegram.listening import MARGIN, SILENT, Listening, Patience, Pause, Poll, State
from navi_bot.errors import (
    Ambiguous,
    NotSent,
    PollConflict,
    StoreError,
    StoreUnavailable,
    Throttled,
)

PATIENCE = Patience()
LONG, PROBE, SHORT = Poll(25, 40.0), Poll(0, 7.0), Poll(5, 12.0)
CONFLICT = PollConflict("Another program receives updates with this bot's token.")
BROKEN = Ambiguous("The connection to Telegram broke off.")
AWAY = StoreUnavailable("The database does not answer now.")


def well() -> Listening:
    listening = Listening(PATIENCE)
    listening.begin()
    listening.heard(empty=True)
    return listening


OUTCOMES = {
    "broken": (BROKEN, State.TROUBLED, Pause(1.0), PROBE, str(BROKEN)),
    "refused": (NotSent("No."), State.TROUBLED, Pause(1.0), PROBE, "No."),
    "silent": (TimeoutError(), State.TROUBLED, Pause(1.0, anew=True), PROBE, SILENT),
    "throttled": (Throttled("Wait.", 7.0), State.WELL, Pause(7.5), LONG, ""),
    "contested": (CONFLICT, State.CONTESTED, Pause(3.0), SHORT, ""),
    "not stored": (AWAY, State.UNSTORED, Pause(1.0), LONG, str(AWAY)),
    "disk full": (StoreError("Full."), State.UNSTORED, Pause(1.0), LONG, "Full."),
}


@pytest.mark.parametrize("case", OUTCOMES.values(), ids=OUTCOMES.keys())
def test_each_outcome_has_its_next_step(
    case: tuple[Exception, State, Pause, Poll, str],
) -> None:
    error, state, pause, poll, trouble = case
    listening = well()
    assert listening.failed(error, 100.0) == pause
    assert (listening.state, listening.next_poll(), listening.trouble) == (state, poll, trouble)
    listening.heard(empty=True)
    assert (listening.state, listening.next_poll(), listening.trouble) == (State.WELL, LONG, "")


def test_it_begins_with_a_probe_and_without_old_troubles() -> None:
    """So that it is known at once how it is, after a lease was regained too."""
    listening = well()
    listening.failed(AWAY, 0.0)
    listening.begin()
    assert (listening.next_poll(), listening.trouble) == (PROBE, "")


def test_waits_grow_and_stay_short_enough_to_recover_within_ten_seconds() -> None:
    listening = well()
    waits = [listening.failed(BROKEN, 0.0).seconds for _ in range(10)]
    assert waits == sorted(waits)
    assert waits[-1] == 8.0
    listening.heard(empty=True)
    assert listening.failed(BROKEN, 0.0).seconds == 1.0
    silence = listening.failed(TimeoutError(), 0.0)
    assert silence.seconds + PATIENCE.probe < 10


def contested(minutes: float, between: float) -> list[tuple[float, float, str]]:
    """Let a program take turns with us; return (time, wait, trouble) of each conflict.

    Half the polls between bring updates, the others are answered in peace after `between`.
    """
    listening, now, seen = well(), 0.0, []
    while now < minutes * 60:
        pause = listening.failed(CONFLICT, now)
        seen.append((now, pause.seconds, listening.trouble))
        now += pause.seconds + between
        if between:
            listening.heard(empty=len(seen) % 2 == 0)
    return seen


@pytest.mark.parametrize("between", [0.0, 4.0, 25.0])
def test_a_conflict_is_told_after_a_while_and_tried_ever_more_rarely(between: float) -> None:
    """Also where the two take turns, so that polls in between go well."""
    seen = contested(20, between)
    assert all(trouble == "" and wait == 3.0 for at, wait, trouble in seen if at < 45)
    told = [(at, wait, trouble) for at, wait, trouble in seen if at >= 45]
    assert all("Stop the other program" in trouble for _, _, trouble in told)
    waits = [wait for _, wait, _ in told]
    assert waits == sorted(waits)
    assert 10 <= waits[0] < 40
    assert waits[-1] == 60


def test_a_conflict_that_is_over_begins_anew_another_time() -> None:
    listening = well()
    listening.failed(CONFLICT, 0.0)
    listening.failed(CONFLICT, 50.0)
    assert listening.trouble
    listening.heard(empty=True)
    assert listening.trouble == ""
    later = 50.0 + PATIENCE.conflict[1] + MARGIN + 1
    assert listening.failed(CONFLICT, later) == Pause(3.0)
    assert listening.trouble == ""


def test_updates_do_not_say_that_we_are_alone() -> None:
    """They come to whoever asks first; only a poll in peace ends a conflict."""
    listening = well()
    listening.failed(CONFLICT, 0.0)
    listening.failed(CONFLICT, 50.0)
    listening.heard(empty=False)
    assert (listening.state, listening.next_poll()) == (State.CONTESTED, SHORT)
    assert listening.trouble


STEPS = st.lists(
    st.one_of(
        st.sampled_from([BROKEN, AWAY, CONFLICT, TimeoutError()]),
        st.booleans(),  # a poll that went well: empty or not
    ),
    max_size=60,
)


@given(STEPS, st.floats(0.0, 90.0))
def test_whatever_comes_it_goes_on_soon_and_says_what_is_wrong(
    steps: list[Exception | bool], gap: float
) -> None:
    """Never without a next poll, never longer away than a minute, never troubled when well."""
    listening, now = well(), 0.0
    for step in steps:
        if isinstance(step, bool):
            listening.heard(empty=step)
        else:
            pause = listening.failed(step, now)
            assert 0 < pause.seconds <= 60
            now += pause.seconds
        poll = listening.next_poll()
        assert math.isfinite(poll.deadline)
        assert poll.ask < poll.deadline
        assert (listening.trouble != "") <= (listening.state is not State.WELL)
        assert (listening.state in (State.TROUBLED, State.UNSTORED)) <= (listening.trouble != "")
        now += gap
