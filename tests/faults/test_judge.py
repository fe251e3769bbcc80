"""The judge sees what a person would complain of."""

import pytest
from faults.judge import judge
from faults.questions import Question

from navi_bot.texts.agent import RETRYING
from navi_bot.texts.delivery import REPEAT

ONE = Question(1, "plain")
ANSWER = " ".join(ONE.words)
HALF = " ".join(ONE.words[:6])
SORRY = "Something broke."
ANEW = RETRYING(reason="The host broke off.")

CASES: dict[str, tuple[list[str], str]] = {
    "answered": ([f"{ANSWER}\n⏱ 1 s"], "answered"),
    "over two messages": ([HALF, " ".join(ONE.words[6:])], "answered"),
    "half of it": ([HALF], "lost"),
    "nothing": ([], "lost"),
    "an excuse": ([SORRY], "told"),
    "half of it and an excuse": ([f"{HALF}\n{SORRY}"], "told"),
    "twice": ([ANSWER, ANSWER], "fault"),
    "a part twice": ([HALF, ANSWER], "fault"),
    "twice, labelled": ([ANSWER, f"{REPEAT()}\n{ANSWER}"], "repeated"),
    "a part, then all of it, labelled": ([HALF, f"{REPEAT()}\n{ANSWER}"], "repeated"),
    "twice labelled, the first was never seen": ([f"{REPEAT()}\n{ANSWER}"], "answered"),
    "broken off, and anew": ([f"{HALF} {ANEW} {ANSWER}"], "answered"),
    "broken off, and twice": ([f"{HALF} {ANEW} {ANSWER}", HALF], "fault"),
    "half of it and an excuse, then all": ([f"{HALF}\n{SORRY}", ANSWER], "answered"),
    "a word left out in the middle": ([ANSWER.replace(" q1w5", ""), "q1w5"], "fault"),
}


@pytest.mark.parametrize(("texts", "said"), CASES.values(), ids=CASES)
def test_what_a_chat_shows_is_judged(texts: list[str], said: str) -> None:
    verdict = judge(texts, [ONE], [SORRY], ())
    assert bool(verdict.faults) is (said == "fault")
    assert bool(verdict.lost) is (said == "lost")
    assert bool(verdict.told) is (said == "told")
    assert bool(verdict.repeated) is (said == "repeated")


ONCE: dict[str, tuple[list[str], bool]] = {
    "once": (["I know you."], True),
    "not at all": (["Hello."], False),
    "twice": (["I know you.", "I know you."], False),
    "twice, labelled": (["I know you.", f"{REPEAT()} I know you."], True),
    "an excuse instead": ([SORRY], True),
}


@pytest.mark.parametrize(("texts", "well"), ONCE.values(), ids=ONCE)
def test_what_must_be_said_once_is(texts: list[str], well: bool) -> None:
    assert (judge(texts, (), [SORRY], ["I know you."]).faults == []) is well
