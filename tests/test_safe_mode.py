"""When a daemon begins in safe mode, and what it still does then."""

import pytest

from navi_bot.decisions import AskStale, Begin, Decision, Dismiss, Do, Ignore, Tell
from navi_bot.ports.records import TurnRequest
from navi_bot.safe_mode import SPAN, SafeMode, is_due, restricted
from navi_bot.texts import safe_mode as texts

NOW = 1_800_000_000.0

STARTS = {
    "none": ((), False),
    "two crashes": ((10, 5), False),
    "three in a row": ((30, 20, 10), True),
    "four": ((40, 30, 20, 10), True),
    "one of three long ago": ((SPAN + 1, 20, 10), False),
    "just within the span": ((SPAN, 20, 10), True),
    "a clock that was set back": ((-50, -40, -30), False),
}


@pytest.mark.parametrize(("ages", "due"), STARTS.values(), ids=STARTS)
def test_three_young_daemons_that_crashed_within_five_minutes(
    ages: tuple[float, ...], due: bool
) -> None:
    assert is_due([NOW - age for age in ages], NOW) is due


BEGIN = Begin(TurnRequest("hello"), behind=False)
DECISIONS: dict[str, tuple[Decision, Decision]] = {
    "status": (Do("status", ""), Do("status", "")),
    "stop": (Do("stop", ""), Do("stop", "")),
    "stop by a button": (Do("stop", "3", "press"), Do("stop", "3", "press")),
    "resume": (Do("resume", ""), Do("resume", "")),
    "another command": (Do("new", ""), Tell(texts.COMMAND)),
    "another button": (Do("profile", "x", "press"), Dismiss("press", texts.PRESS)),
    "a question is queued": (BEGIN, BEGIN),
    "an old one is asked about": (AskStale(), AskStale()),
    "a stranger": (Ignore("no rights"), Ignore("no rights")),
}


@pytest.mark.parametrize(("decided", "done"), DECISIONS.values(), ids=DECISIONS)
def test_little_is_done_in_safe_mode(decided: Decision, done: Decision) -> None:
    assert restricted(decided) == done


def test_it_is_left_once() -> None:
    safe = SafeMode(on=True)
    assert safe.on
    assert safe.leave("resumed")
    assert not safe.on
    assert not safe.leave("quiet")


def test_words_of_a_press_fit_a_toast() -> None:
    """Telegram takes 200 characters."""
    assert len(texts.PRESS()) <= 200
