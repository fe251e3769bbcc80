"""A model that speaks at its own pace and notes when it said each token."""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from strict_ollama import Answer, Body, Script, Text

from bench.staleness import word

QUESTION = re.compile(r"question (\d+\.\d+)\b")


def question(key: str) -> str:
    """Return what a person asks; the key, two numbers with a point, tells the answers apart."""
    return f"question {key}"


@dataclass(slots=True)
class Spoken:
    """One answer as it was generated. Monotonic seconds."""

    began: float = 0.0
    due: list[float] = field(default_factory=list)
    written: list[float] = field(default_factory=list)

    @property
    def lag(self) -> list[float]:
        """How late each token was, by the harness's own slowness."""
        return [at - due for at, due in zip(self.written, self.due, strict=False)]


class Pace(list[Text]):
    """Steps of an answer, made one by one while it is played; empty to the eye."""

    def __init__(self, steps: Callable[[], Iterator[Text]]) -> None:
        super().__init__()
        self._steps = steps

    def __iter__(self) -> Iterator[Text]:
        return self._steps()


class Speaker:
    """Says `count` tokens, one every `gap` seconds by the clock; the first after `first`."""

    def __init__(self, count: int, gap: float, first: float = 0.1) -> None:
        self._count = count
        self._gap = gap
        self._first = first
        self.spoken: dict[str, Spoken] = {}
        """By the question's key."""

    def script(self) -> Script:
        return self._answer

    def _answer(self, body: Body) -> Answer:
        found = QUESTION.findall(str(body["messages"][-1]["content"]))
        spoken = self.spoken[found[-1]] = Spoken()
        return Pace(lambda: self._steps(spoken))

    def _steps(self, spoken: Spoken) -> Iterator[Text]:
        """Yield tokens when they are due, by the clock: what was late is made up for."""
        spoken.began = time.monotonic()
        for number in range(self._count):
            due = spoken.began + self._first + number * self._gap
            spoken.due.append(due)
            # Coming back here means that the step has been written.
            yield Text(word(number), delay=max(0.0, due - time.monotonic()))
            spoken.written.append(time.monotonic())
