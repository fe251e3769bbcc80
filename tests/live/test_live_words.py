"""Every word once: no history of a turn loses a word of its answer or shows one twice."""

import random
from collections import Counter
from collections.abc import Iterator

import pytest
from live.paper import Paper, end, prose, words
from scale import scaled, seeds

from navi_bot.events import (
    Event,
    ModelStarted,
    Notice,
    PlanReady,
    Steered,
    StreamEnd,
    StreamFailed,
    StreamStopped,
    TextDelta,
    ThinkingDelta,
    ThinkingEnd,
    Todo,
    TodoChanged,
    ToolEvent,
    ToolStarted,
)
from navi_bot.live import LiveMessage, LiveOptions
from navi_bot.live.pager import MOST_PAGES
from navi_bot.messages import Page, TurnId

HISTORIES = scaled(800, 8000)
"""Turns of 10 to 120 steps, 80 events each: about 65,000 events, or 650,000."""


class History:
    """A turn made by chance; every word that the model writes is another one."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.answer = ""
        """What the model wrote since the last tool."""
        self.running: list[str] = []
        self._words = 0
        self._calls = 0

    def events(self) -> Iterator[Event]:
        for _ in range(self.chance.randint(10, 120)):
            yield from self._next()
        yield from self._tools_end()

    def ending(self) -> Event:
        kind = self.chance.choice(["end", "end", "end", "other text", "stopped", "failed"])
        if kind == "stopped":
            return StreamStopped(self.answer)
        if kind == "failed":
            return StreamFailed("The host is gone.", self.answer)
        if kind == "other text":
            self.answer = self._said(self.chance.choice([1, 30, 300]))
        return end(self.answer, limit=self.chance.choice(["", "", "length"]))

    def _next(self) -> Iterator[Event]:
        match self.chance.choice(["text"] * 6 + ["tool"] * 3 + ["thinking", "line", "plan"]):
            case "text":
                yield from self._tools_end()
                delta = self._said(self.chance.choice([1, 3, 40]))
                self.answer += delta
                yield TextDelta(delta)
            case "tool":
                self._calls += 1
                self.running.append(f"c{self._calls}")
                self.answer = ""
                yield ToolStarted(self.running[-1], "clock", {"zone": "UTC"})
                if self.chance.random() < 0.6:
                    yield from self._tools_end()
            case "thinking":
                yield ThinkingDelta("I wonder. " * self.chance.choice([1, 20, 200]))
                if self.chance.random() < 0.5:
                    yield ThinkingEnd()
            case "line":
                line: tuple[Event, ...] = (
                    Notice("A note. " * 20),
                    Steered("and Tokyo?"),
                    ModelStarted(2, 40, "tiny"),
                )
                yield self.chance.choice(line)
            case _:
                items = tuple(Todo("an item", "open") for _ in range(self.chance.randint(0, 5)))
                plan: tuple[Event, ...] = (PlanReady("1. look"), TodoChanged(items))
                yield self.chance.choice(plan)

    def _tools_end(self) -> Iterator[Event]:
        while self.running:
            ok = self.chance.random() < 0.8
            yield ToolEvent(self.running.pop(0), "clock", {}, "noon", ok, 0.1)

    def _said(self, count: int) -> str:
        ends = [" "] * 8 + [". ", "\n", "\n\n"]
        said = ""
        for _ in range(count):
            self._words += 1
            said += f"w{self._words}{self.chance.choice(ends)}"
        return said


def counted(pages: tuple[Page, ...]) -> Counter[str]:
    return Counter(" ".join(prose(pages)).split())


def played(seed: int) -> tuple[History, LiveMessage, Paper, Event]:
    """Play a history, looking at the pages now and then as delivery does."""
    history = History(seed)
    paper = Paper(history.chance.choice([800, 1500, 4096]))
    notify_after = history.chance.choice([1.0, 1e9])
    live = LiveMessage(TurnId(1), paper, 0.0, LiveOptions(True, notify_after=notify_after))
    frozen: tuple[Page, ...] = ()
    for now, event in enumerate(history.events()):
        live.feed(event, float(now))
        if history.chance.random() < 0.7:
            pages = live.pages(float(now))
            assert all(old is new for old, new in zip(frozen, pages, strict=False))
            assert len(pages) > len(frozen) or not pages
            assert all(paper.fits(page) for page in pages)
            frozen = pages[:-1]
    last = history.ending()
    live.feed(last, 200.0)
    return history, live, paper, last


@pytest.mark.parametrize("part", range(8))
def test_no_word_is_lost_or_shown_twice(part: int) -> None:
    """The answer is whole, in one place, in order; nothing runs on a page that is final."""
    for seed in seeds(HISTORIES)[part::8]:
        history, live, paper, last = played(seed)
        log, apart = live.settled()
        shown = (*log, *(apart or ()))
        assert all(count == 1 for count in counted(shown).values()), seed
        assert all(paper.fits(page) for page in shown), seed
        assert all("⏳" not in words(page) and "💭 Thinking" not in words(page) for page in shown)
        assert all(not page.buttons for page in (*log[:-1], *(apart or ())[:-1])), seed
        assert max(len(log), len(apart or ())) <= MOST_PAGES
        if isinstance(last, StreamEnd) and history.answer:
            _holds_the_answer(log, apart, history.answer)


def _holds_the_answer(log: tuple[Page, ...], apart: tuple[Page, ...] | None, answer: str) -> None:
    place = log if apart is None else apart
    joined = " ".join(prose(place)).split()
    document = place[-1].document
    if document is not None:
        assert document.text == answer
        assert len(place) == MOST_PAGES
    else:
        assert joined[-len(answer.split()) :] == answer.split()
    if apart is not None:
        assert not set(answer.split()) & set(" ".join(prose(log)).split())
        assert apart[0].blocks, "a message of its own says something"
