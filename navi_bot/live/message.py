"""The live message of a turn: events in, pages out. Pure; `now` is monotonic seconds.

    thinking, text and tools, in the order in which they happened
    ☐ the checklist
    what it does now · 15 s          [⏹ Stop]

At the end the status gives way to the footer. Until the first word, or for
`first_show` seconds, there is nothing to show.
"""

from collections.abc import Callable, Sequence
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
from navi_bot.live.items import TextItem, shorten
from navi_bot.live.pager import Buttons, Pager
from navi_bot.live.slot import checklist, plan_block
from navi_bot.live.status import Status
from navi_bot.live.timeline import Timeline
from navi_bot.messages import Block, Button, Document, Line, Page, TurnId
from navi_bot.ports.platform import Surface
from navi_bot.texts import live as texts

FILE = "answer.md"

STATUS = 300
"""Characters of a status; it must fit below anything."""


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
        words = _doing(event, self._options.show_thinking)
        if words is not None:
            self._status.become(words, now)

    def pages(self, now: float) -> tuple[Page, ...]:
        """Return all pages; frozen ones are the same objects as before."""
        if self._ending is not None:
            return self._settled[0]
        if not self._is_visible(now):
            return ()
        bottom = [*self._plan, *self._todos]
        status = self._status.shown(now)
        if self._pager.overflows and not status:
            status = texts.OVERFLOWS()
        if status:
            bottom.append(Line(status, "dim"))
        buttons = ((Button(texts.STOP(), f"stop:{self._turn}", "danger"),),)
        pages = self._pager.pages(bottom, buttons)
        if not pages[-1].blocks:  # a cut left nothing but blanks for the open page
            return (*pages[:-1], replace(pages[-1], blocks=(Line(texts.STALLED(), "dim"),)))
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
        self._settled = (late and self._parted(ending)) or self._whole(ending)

    def _whole(self, ending: Ending) -> tuple[tuple[Page, ...], tuple[Page, ...] | None]:
        """Lay out everything as one message; an answer that its log left no room for goes apart."""
        if closing.put_above_answer(self._timeline, [*self._plan, *self._todos]):
            self._plan, self._todos = [], []
        bottom = [*self._plan, *self._todos, *closing.bottom(ending)]
        buttons = closing.buttons(ending, self._turn)
        answer = "".join(item.whole for item in self._timeline.final_texts())
        pages = _laid_out(self._pager, bottom, buttons, answer)
        return (self._pager.overflows and self._parted(ending)) or (pages, None)

    def _parted(self, ending: Ending) -> tuple[tuple[Page, ...], tuple[Page, ...]] | None:
        """Lay out the log and the answer as two messages, if none of the answer is frozen."""
        if not isinstance(ending, StreamEnd) or not ending.full_content.strip():
            return None
        answer = self._timeline.final_texts()
        if not answer or any(item.gone for item in answer):
            return None
        self._timeline.drop(answer)
        self._pager.reopen()
        below = [*self._plan, *self._todos, Line(texts.ANSWER_BELOW(), "dim")]
        log = _laid_out(self._pager, below, (), "")
        apart = Pager(self._surface, [TextItem(ending.full_content)])
        buttons = closing.buttons(ending, self._turn)
        return log, _laid_out(apart, closing.bottom(ending), buttons, ending.full_content)


def _laid_out(
    pager: Pager, bottom: Sequence[Block], buttons: Buttons, answer: str
) -> tuple[Page, ...]:
    """Return final pages; if they are too many, the answer as a file on the last one."""
    pages = pager.pages(bottom, buttons)
    if not pager.overflows:
        return pages
    if not answer.strip():
        return pager.pages([Line(texts.LOG_CUT(), "dim"), *bottom], buttons)
    pages = pager.pages([Line(texts.IN_FILE()), *bottom], buttons)
    return (*pages[:-1], replace(pages[-1], document=Document(FILE, answer)))


def _doing(event: Event, show_thinking: bool) -> str | None:
    """Return the status that an event brings, "" while what flows shows it, None for no change."""
    match event:
        case Queued(place):
            return texts.QUEUED(place=place)
        case ModelStarted(step, steps):
            return texts.STARTING() if step == 1 else texts.STEP(step=step, steps=steps)
        case ThinkingDelta():
            return "" if show_thinking else texts.THINKING()
        case TextDelta(delta):
            return "" if delta.strip() else None
        case ToolStarted() | ToolEvent():
            return texts.WORKING()
        case PlanningStatus(_, label):
            return shorten(label, STATUS)
        case Waiting(text):
            return shorten(text, STATUS)
    return None
