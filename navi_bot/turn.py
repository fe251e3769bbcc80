"""One turn: claimed from the room's queue, run, shown, ended exactly once.

    claim ─► prepare the question ─► run the loop ─► last write ─► final posts
                                        │
              model host away ──────────┤ wait and try again, /stop wins
              stop token ───────────────┤ the loop ends by itself
              shutdown past its drain ──┘ back into the queue, order kept

The live message is followed by delivery from the beginning; what the room
shows at the end is stored in the same commit as the turn's end.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Protocol

import structlog

from navi_bot.errors import ModelUnavailable, NaviError, StoreUnavailable
from navi_bot.events import (
    Ending,
    Event,
    ModelStarted,
    Notice,
    Queued,
    StreamEnd,
    StreamFailed,
    StreamStopped,
    ToolStarted,
)
from navi_bot.messages import Head, Line, Page, Post, RoomId
from navi_bot.ports.delivery import Delivery, LiveSource
from navi_bot.ports.store import Metrics, Sessions, Turns, TurnStart, TurnState, turn_key
from navi_bot.question import Question, Questions
from navi_bot.running import Running, RunningTurn
from navi_bot.texts import turn as texts
from navi_bot.turn_journal import TurnJournal

log = structlog.get_logger()

MAX_ATTEMPTS = 3
"""A turn that was begun this often without an end is set aside."""

FIRST_WAIT, LONGEST_WAIT, PATIENCE = 1.0, 30.0, 600.0
"""Seconds between tries while the model host is away, and in all."""

STATES: dict[type[Ending], TurnState] = {
    StreamEnd: "done",
    StreamStopped: "stopped",
    StreamFailed: "failed",
}


class Live(LiveSource, Protocol):
    """A live message as a turn drives it."""

    def feed(self, event: Event, now: float) -> None: ...

    def settled(self) -> tuple[tuple[Page, ...], tuple[Page, ...] | None]:
        """Return the final pages of the live message and of a separate answer."""
        ...


class Loop(Protocol):
    """The agent loop, bound to everything but the turn."""

    def run(
        self,
        start: TurnStart,
        question: Question | None,
        journal: TurnJournal,
        running: RunningTurn,
    ) -> AsyncGenerator[Event]:
        """Run a turn; ModelUnavailable before the first token of a call is raised."""
        ...


@dataclass(frozen=True, slots=True)
class Doors:
    """What a turn works with."""

    turns: Turns
    sessions: Sessions
    delivery: Delivery
    running: Running
    questions: Questions
    loop: Loop
    live: Callable[[TurnStart], Live]
    clock: Callable[[], float]
    """Monotonic seconds."""


class TurnRunner:
    """Runs the next turn of a room when it is woken."""

    def __init__(self, doors: Doors) -> None:
        self._doors = doors

    async def wake(self, room: RoomId) -> None:
        """Take the room's next turn and see it to its end; nothing to do is fine."""
        start = await self._doors.turns.claim(room)
        if start is None:
            return
        if start.attempts > MAX_ATTEMPTS:
            await self._park(start)
            return
        await _Turn(self._doors, start).run()

    async def _park(self, start: TurnStart) -> None:
        """Set a turn aside that made the daemon crash, and tell its asker."""
        text = texts.POISON(attempts=MAX_ATTEMPTS, turn=start.id)
        post = Post(start.head, (Page((Line(text),)),))
        await self._doors.turns.finish(start.id, "failed", (), None, (post,), "poison")
        log.error("turn_parked", turn=start.id, room=start.head.room)
        self._doors.delivery.show(post)


class _Turn:
    """One run of one turn."""

    def __init__(self, doors: Doors, start: TurnStart) -> None:
        self._doors = doors
        self._start = start
        self._head = start.head
        self._live = doors.live(start)
        self._began = doors.clock()
        self._running = RunningTurn(
            turn=start.id,
            room=start.head.room,
            address=start.head.address,
            asker_id=start.asker_platform_id,
            started=self._began,
        )
        self._journal = TurnJournal(start, doors.turns, doors.sessions, self._running)

    async def run(self) -> None:
        with self._doors.running.entered(self._running):
            log.info("turn_started", turn=self._start.id, room=self._head.room)
            self._doors.delivery.follow(self._head, self._live)
            self._doors.delivery.working(self._head, True)
            try:
                ending = await self._drive()
                await asyncio.shield(self._end(ending))
            except asyncio.CancelledError:
                await asyncio.shield(self._interrupt())
                raise
            finally:
                self._doors.delivery.working(self._head, False)

    async def _drive(self) -> Ending:
        """Run the loop to its ending; the boundary of a turn's faults."""
        try:
            question = await self._question()
            return await self._run_patiently(question)
        except NaviError as error:
            ending = StreamFailed(str(error))
        except Exception:
            log.exception("turn_crashed", turn=self._start.id, room=self._head.room)
            ending = StreamFailed(texts.BROKEN())
        self._feed(ending)
        return ending

    async def _question(self) -> Question | None:
        """Prepare what is asked; None when the context has it already."""
        if self._start.resumed:
            self._feed(Notice(texts.RESUMED()))
            return None
        if self._start.request.kind == "continue":
            return None
        question = await self._doors.questions.prepare(self._start)
        for problem in question.problems:
            self._feed(Notice(problem))
        return question

    async def _run_patiently(self, question: Question | None) -> Ending:
        """Run the loop; while the model host is away, wait and try again."""
        wait = FIRST_WAIT
        began = self._doors.clock()
        while True:
            try:
                return await self._run_once(question)
            except ModelUnavailable as error:
                away = self._doors.clock() - began
                if away > PATIENCE:
                    reason = texts.MODEL_GONE(reason=str(error), minutes=round(away / 60))
                    return self._fed(StreamFailed(reason))
                self._feed(Notice(texts.MODEL_AWAY(reason=str(error), seconds=round(wait))))
            if await self._stopped_within(wait):
                return self._fed(StreamStopped(""))
            wait = min(wait * 2, LONGEST_WAIT)
            question = None if self._journal.said else question

    async def _run_once(self, question: Question | None) -> Ending:
        start = self._start
        if self._journal.said:
            start = replace(start, context=start.context + self._journal.said, resumed=True)
        ending: Ending | None = None
        events = self._doors.loop.run(start, question, self._journal, self._running)
        async with aclosing(events):
            async for event in events:
                self._feed(event)
                self._running.doing = _doing(event, self._running.doing)
                if isinstance(event, StreamEnd | StreamStopped | StreamFailed):
                    ending = event
        assert ending is not None, "the loop's last event is an ending"
        return ending

    async def _stopped_within(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self._running.stop.wait(), seconds)
        except TimeoutError:
            return False
        return True

    def _fed(self, ending: Ending) -> Ending:
        self._feed(ending)
        return ending

    def _feed(self, event: Event) -> None:
        self._live.feed(event, self._doors.clock())
        self._doors.delivery.touch(self._head.key)

    async def _end(self, ending: Ending) -> None:
        """Make the turn's last write, however long the database takes."""
        posts = self._posts()
        seconds = self._doors.clock() - self._began
        wait = FIRST_WAIT
        while True:
            try:
                await self._doors.turns.finish(
                    self._start.id,
                    STATES[type(ending)],
                    self._journal.unwritten,
                    _metrics(ending),
                    posts,
                    ending.reason if isinstance(ending, StreamFailed) else "",
                )
                break
            except StoreUnavailable:
                self._feed(Notice(texts.NOT_SAVED()))
                await asyncio.sleep(wait)
                wait = min(wait * 2, LONGEST_WAIT)
        for post in posts:
            self._doors.delivery.show(post)
        self._running.ended.set_result(ending)
        log.info(
            "turn_ended",
            turn=self._start.id,
            room=self._head.room,
            outcome=STATES[type(ending)],
            seconds=round(seconds, 3),
            tokens=ending.token_count if isinstance(ending, StreamEnd) else 0,
        )

    def _posts(self) -> tuple[Post, ...]:
        """Return what the room shall show for good: work log, answer, a file."""
        pages, answer = self._live.settled()
        posts = [*_without_documents(self._head, pages)]
        if answer is not None:
            head = replace(self._head, key=turn_key(self._start.id, "answer"))
            posts += _without_documents(head, answer)
        return tuple(posts)

    async def _interrupt(self) -> None:
        """Give the turn back for the next daemon to go on with."""
        self._feed(Notice(texts.RESTARTING()))
        try:
            await self._doors.turns.requeue(self._start.id, 0.0)
        except NaviError as error:
            log.warning("turn_not_requeued", turn=self._start.id, error=str(error))
        log.info("turn_interrupted", turn=self._start.id, room=self._head.room)


def _without_documents(head: Head, pages: tuple[Page, ...]) -> list[Post]:
    """Put a page's document into a post of its own: a file is a message."""
    plain = tuple(replace(page, document=None) for page in pages)
    posts = [Post(head, plain)] if plain else []
    for page in pages:
        if page.document is not None:
            name = Line(page.document.name)
            file_head = replace(head, key=f"{head.key}:file")
            posts.append(Post(file_head, (Page((name,), document=page.document),)))
    return posts


def _metrics(ending: Ending) -> Metrics | None:
    if not isinstance(ending, StreamEnd):
        return None
    return Metrics(
        context_tokens=ending.context_tokens,
        token_count=ending.token_count,
        tool_call_count=ending.tool_call_count,
        elapsed_seconds=ending.elapsed_seconds,
        model=ending.model,
    )


def _doing(event: Event, before: str) -> str:
    match event:
        case Queued(place):
            return f"waiting for the model, place {place}"
        case ModelStarted(step, max_steps, model):
            return f"step {step}/{max_steps} with {model}"
        case ToolStarted(_, tool_name):
            return f"tool {tool_name}"
    return before
