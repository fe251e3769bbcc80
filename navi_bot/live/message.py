"""The live message of a turn: events in, pages out. Pure; `now` is monotonic seconds.

    thinking, text and tools, in the order in which they happened
    ☐ the checklist
    what it does now · 15 s          [⏹ Stop]

At the end the status gives way to the footer. Until the first word, or for
`first_show` seconds, there is nothing to show.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from navi_bot.events import (
    Ending,
    Event,
    ModelStarted,
    PlanningStatus,
    PlanReady,
    Queued,
    StreamEnd,
    StreamFailed,
    StreamStopped,
    TextDelta,
    ThinkingDelta,
    TodoChanged,
    ToolEvent,
    ToolStarted,
    Waiting,
)
from navi_bot.live import closing
from navi_bot.live.items import TextItem
from navi_bot.live.pager import Pager
from navi_bot.live.slot import checklist, plan_block
from navi_bot.live.status import Status
from navi_bot.live.timeline import Timeline
from navi_bot.messages import Block, Button, Document, Line, Page, TurnId
from navi_bot.ports.platform import Surface
from navi_bot.texts import live as texts

FILE = "answer.md"


@dataclass(frozen=True, slots=True)
class LiveOptions:
    """`notify_after`: seconds after which an answer is a message of its own,
    since edits do not notify; `redact` takes secrets out of tools' lines."""

    show_thinking: bool
    notify_after: float = 30.0
    first_show: float = 1.5
    redact: Callable[[str], str] = str


class LiveMessage:
    """Implements delivery's LiveSource for one turn."""

    def __init__(
        self, turn: TurnId, surface: Surface, started: float, options: LiveOptions
    ) -> None:
        self._turn = turn
        self._surface = surface
        self._started = started
        self._options = options
        self._timeline = Timeline(options.redact, show_thinking=options.show_thinking)
        self._pager = Pager(surface, self._timeline.items)
        self._plan: list[Block] = []
        self._todos: list[Block] = []
        self._status = Status(texts.STARTING(), started)
        self._words_came = False
        self._ending: Ending | None = None
        self._settled: tuple[tuple[Page, ...], tuple[Page, ...] | None] = ((), None)

    def feed(self, event: Event, now: float) -> None:
        """Take the next event; what comes after the ending is ignored."""
        if self._ending is not None:
            return
        match event:
            case StreamEnd() | StreamStopped() | StreamFailed():
                self._end(event, now)
                return
            case TodoChanged(items):
                self._todos = checklist(items)
            case PlanReady(plan):
                self._plan = [plan_block(plan)]
            case TextDelta(delta):
                self._words_came = self._words_came or bool(delta.strip())
        self._timeline.feed(event, now)
        words = _doing(event)
        if words is not None:
            self._status.become(words, now)

    def pages(self, now: float) -> tuple[Page, ...]:
        """Return all pages; frozen ones are the same objects as before."""
        if self._ending is not None:
            return self._settled[0]
        if not self._is_visible(now):
            return ()
        bottom = [*self._plan, *self._todos]
        status = texts.TO_FILE() if self._pager.overflows else self._status.shown(now)
        if status:
            bottom.append(Line(status, "dim"))
        buttons = ((Button(texts.STOP(), f"stop:{self._turn}", "danger"),),)
        pages = self._pager.pages(bottom, buttons)
        if not pages[-1].blocks:  # a cut left nothing but blanks for the open page
            return (*pages[:-1], replace(pages[-1], blocks=(Line(texts.WRITING(), "dim"),)))
        return pages

    @property
    def final(self) -> bool:
        return self._ending is not None

    def wakes_at(self, now: float) -> float | None:
        """Return when the pages change by themselves next."""
        if self._ending is not None:
            return None
        if not self._is_visible(now):
            return self._started + self._options.first_show
        return self._status.changes_at(now)

    def settled(self) -> tuple[tuple[Page, ...], tuple[Page, ...] | None]:
        """Return the final pages, and those of the answer if it is a message of its own."""
        return self._settled

    def _is_visible(self, now: float) -> bool:
        return self._words_came or now >= self._started + self._options.first_show

    def _end(self, ending: Ending, now: float) -> None:
        self._ending = ending
        self._status.become("", now)
        closing.close(self._timeline, self._pager, ending, now)
        late = now - self._started > self._options.notify_after
        if isinstance(ending, StreamEnd) and late:
            answer = self._answer_apart(ending)
            if answer is not None:
                self._settled = (self._log(), answer)
                return
        self._settled = (self._whole(ending), None)

    def _whole(self, ending: Ending) -> tuple[Page, ...]:
        """Return everything on pages, a too long answer with its file."""
        bottom = closing.bottom(ending)
        meant = [*self._plan, *self._todos]
        if not closing.put_above_answer(self._timeline, meant):
            bottom = [*meant, *bottom]
        buttons = closing.buttons(ending, self._turn)
        pages = self._pager.pages(bottom, buttons)
        if not self._pager.overflows:
            return pages
        whole = "".join(item.whole for item in self._timeline.final_texts())
        pages = self._pager.pages([Line(texts.IN_FILE()), *bottom], buttons)
        return (*pages[:-1], replace(pages[-1], document=Document(FILE, whole)))

    def _answer_apart(self, ending: StreamEnd) -> tuple[Page, ...] | None:
        """Take the answer out of the live message, if none of it is frozen there."""
        texts_of_answer = self._timeline.final_texts()
        if not texts_of_answer or any(item.gone for item in texts_of_answer):
            return None
        items = self._timeline.items
        items[:] = [item for item in items if not any(item is one for one in texts_of_answer)]
        apart = Pager(self._surface, [TextItem(ending.full_content)])
        return apart.pages(closing.bottom(ending), closing.buttons(ending, self._turn))

    def _log(self) -> tuple[Page, ...]:
        bottom = [*self._plan, *self._todos, Line(texts.ANSWER_BELOW(), "dim")]
        return self._pager.pages(bottom)


def _doing(event: Event) -> str | None:
    """Return the status that an event brings, "" while text flows, None for no change."""
    match event:
        case Queued(place):
            return texts.QUEUED(place=place)
        case ModelStarted():
            return texts.STARTING()
        case ThinkingDelta():
            return texts.THINKING()
        case TextDelta(delta):
            return "" if delta.strip() else None
        case ToolStarted() | ToolEvent():
            return texts.WORKING()
        case PlanningStatus(_, label):
            return label
        case Waiting(text):
            return text
    return None
