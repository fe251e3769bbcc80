"""Questions that name their answers, and a model that knows them.

A question is "q17 tools: …": a number of its own and a kind. Its answer is
words that nothing else says ("q17w0 q17w1 …"), so that whatever a chat shows
can be traced to its question. The model holds no state: what it says next
follows from the conversation, as with a real one.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from strict_ollama import Answer, Body, Called, Calls, Pause, Step, Text

Kind = Literal["plain", "tools", "long", "slow"]

WORDS = {"plain": 12, "tools": 12, "long": 1500, "slow": 12}
"""Of an answer; the long one takes three pages."""
CHUNK = {"plain": 2, "tools": 2, "long": 60, "slow": 2}
"""Words that the model says at once."""
BEAT = 0.04
"""Seconds between two chunks."""
SLOW = 10.0
"""Seconds for which the model is silent in the middle of a slow answer, the first time."""

_QUESTION = re.compile(r"\bq(\d+) (plain|tools|long|slow)\b")


@dataclass(frozen=True, slots=True)
class Question:
    number: int
    kind: Kind

    @property
    def text(self) -> str:
        return f"q{self.number} {self.kind}, please"

    @property
    def words(self) -> tuple[str, ...]:
        return tuple(f"q{self.number}w{place}" for place in range(WORDS[self.kind]))


def questions_in(text: str) -> list[Question]:
    """Return the questions that a text asks."""
    return [Question(int(number), kind) for number, kind in _QUESTION.findall(text)]


class Model:
    """What the scripted model says to a conversation."""

    def __init__(self) -> None:
        self._begun: set[Question] = set()

    def __call__(self, body: Body) -> Answer:
        """Answer every question that has no answer yet, tools first."""
        messages: Sequence[dict[str, Any]] = body["messages"]
        answered = "\n".join(m["content"] for m in messages if m["role"] == "assistant")
        calls = {
            str(call["function"]["arguments"].get("who", ""))
            for message in messages
            for call in message.get("tool_calls", ())
        }
        open_ = [
            question
            for message in messages
            if message["role"] == "user"
            for question in questions_in(message["content"])
            if question.words[-1] not in answered.split()
        ]
        for question in open_:
            if question.kind == "tools" and f"q{question.number}" not in calls:
                return self._calls(question)
        return [step for question in dict.fromkeys(open_) for step in self._says(question)]

    def _calls(self, question: Question) -> Answer:
        ring = Called("bell", {"who": f"q{question.number}"})
        return [
            Text("I ring and look at the clock. ", delay=BEAT),
            Calls((ring, Called("clock", {"action": "now", "zone": "UTC"})), delay=BEAT),
        ]

    def _says(self, question: Question) -> list[Step]:
        words, size = question.words, CHUNK[question.kind]
        steps: list[Step] = [
            Text(" ".join(words[at : at + size]) + " ", delay=BEAT)
            for at in range(0, len(words), size)
        ]
        if question.kind == "slow" and question not in self._begun:
            self._begun.add(question)
            steps.insert(len(steps) // 2, Pause(SLOW))
        return steps
