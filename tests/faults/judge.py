"""What a chat shows in the end, held against what was asked in it. Pure.

answered ... each word of the answer stands there, in order
told ....... no answer, but a sentence that says why not
lost ....... neither
repeated ... a word stands there twice, and the second message says so
doubled .... a word stands there twice, and nothing says so

An answer that the model's host broke off begins anew, and says so where it does;
what an answer held that failed in the end, and says so, may come in a later one.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from faults.questions import Question

from navi_bot.texts.agent import RETRYING
from navi_bot.texts.delivery import REPEAT

_WORD = re.compile(r"\bq\d+w\d+\b")
_ANEW = RETRYING(reason="").strip()


@dataclass(slots=True)
class Verdict:
    """The numbers of the questions by what became of them; `faults` are sentences."""

    answered: list[int] = field(default_factory=list)
    told: list[int] = field(default_factory=list)
    lost: list[int] = field(default_factory=list)
    repeated: list[int] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def judge(
    texts: Sequence[str],
    asked: Sequence[Question],
    excuses: Sequence[str],
    once: Sequence[str],
    together: int = 1,
) -> Verdict:
    """Judge a chat by its visible texts of the bot, oldest first.

    `excuses`: sentences that stand for an answer that could not be given, to
    `together` questions; `once`: what else must be said, once unless the
    repeat is labelled.
    """
    verdict = Verdict()
    plain = [text for text in texts if REPEAT() not in text]
    labelled = [text for text in texts if REPEAT() in text]
    said = Counter(word for text in plain for word in _WORD.findall(text))
    twice = doubled(plain, excuses)
    again = {word for text in labelled for word in _WORD.findall(text)}
    left = together * sum(excuse in text for text in texts for excuse in excuses)
    for question in asked:
        words = set(question.words)
        if words & twice:
            verdict.faults.append(f"q{question.number} is shown twice and nothing says so")
        if words <= (said.keys() | again):
            verdict.answered.append(question.number)
        elif left:
            left -= 1
            verdict.told.append(question.number)
        else:
            verdict.lost.append(question.number)
        if again & words & said.keys():
            verdict.repeated.append(question.number)
    verdict.faults += [
        fault for text in texts for part in text.split(_ANEW) for fault in _order(part)
    ]
    for words_ in once:
        verdict.faults += _said_once(words_, plain, labelled, bool(left))
    return verdict


def doubled(texts: Sequence[str], excuses: Sequence[str]) -> set[str]:
    """Return the words that stand twice in texts without a label, oldest first."""
    ends = "|".join(re.escape(mark) for mark in (_ANEW, *excuses))
    counts = [Counter(_WORD.findall(attempt)) for attempt in re.split(ends, "\n".join(texts))]
    return {word for count in counts for word, times in count.items() if times > 1}


def _order(text: str) -> list[str]:
    """Name words that follow the wrong ones, within one message."""
    faults = []
    found = [(int(q), int(w)) for q, w in re.findall(r"\bq(\d+)w(\d+)\b", text)]
    for (number, place), (next_number, next_place) in pairwise(found):
        if number == next_number and next_place != place + 1:
            faults.append(f"q{number}w{place} is followed by q{number}w{next_place}")
    return faults


def _said_once(
    words: str, plain: Sequence[str], labelled: Sequence[str], excused: bool
) -> list[str]:
    count = sum(words in text for text in plain)
    if count > 1:
        return [f"{words!r} is said {count} times and nothing says so"]
    if not count and not any(words in text for text in labelled) and not excused:
        return [f"{words!r} is not said"]
    return []
