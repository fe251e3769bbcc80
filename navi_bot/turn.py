"""One turn: claimed from the room's queue, run, shown, ended exactly once.

    claim ─► prepare the question ─► run the loop ─► last write ─► final posts
                                        │
              model host away ──────────┤ wait and try again, /stop wins
              database away ────────────┤ the same; at the end shown as not saved yet
              stop token ───────────────┤ the loop ends by itself; if it cannot, we end it
              shutdown past its drain ──┘ back into the queue, order kept

The live message is followed by delivery from the beginning; what the room
shows at the end is stored in the same commit as the turn's end.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from typing import TypeVar

import structlog

from navi_bot.agent.stopping import Stopped, overruled, until_stopped
from navi_bot.errors import NaviError, StoreError, StoreUnavailable, TurnLost
from navi_bot.events import (
    Ending,
    Event,
    Notice,
    StreamEnd,
    StreamFailed,
    StreamStopped,
    TextDelta,
    ThinkingDelta,
    Waiting,
    wire_name,
)
from navi_bot.fault_points import reached
from navi_bot.messages import Head, Line, Page, Post, RoomId, TurnId
from navi_bot.patience import while_away
from navi_bot.ports.records import TurnStart
from navi_bot.question import Question
from navi_bot.running import RunningTurn
from navi_bot.shielded import shielded
from navi_bot.texts import turn as texts
from navi_bot.turn_account import Account
from navi_bot.turn_doors import Doors
from navi_bot.turn_end import Unsaved, activity, metrics_of, posts_of, state_of
from navi_bot.turn_journal import TurnJournal
from navi_bot.turn_waits import Waits

log = structlog.get_logger()

T = TypeVar("T")

OBEYED_WITHIN = 0.6
"""Seconds in which a stopped loop ends by itself; only a database that hangs takes longer."""

MAX_ATTEMPTS = 3
"""A turn that was begun this often without an end is set aside."""

BROKE_OFF_WAIT = 1.0
"""Seconds until a turn that broke off outside its own boundary is begun again."""


class TurnRunner:
    """Runs the next turn of a room when it is woken."""

    def __init__(self, doors: Doors) -> None:
        self._doors = doors

    async def wake(self, room: RoomId) -> None:
        """Take the room's next turn and see it to its end; nothing to do is fine."""
        await reached("room_woken")
        await self._doors.running.free(room)
        start = await self._stored(partial(self._doors.turns.claim, room))
        if start is None:
            return
        try:
            await self._run(start)
        except Exception:
            log.exception("turn_broke_off", turn=start.id, room=room)
            again = partial(self._doors.turns.requeue, start.id, BROKE_OFF_WAIT, crashed=True)
            await self._stored(again)
        await reached("turn_left")

    async def _run(self, start: TurnStart) -> None:
        await reached("turn_claimed")
        if start.attempts > MAX_ATTEMPTS:
            await self._park(start.id, start.head)
        else:
            await _Turn(self._doors, start).run()

    async def take_up(self, platform: str, account: str) -> tuple[int, int]:
        """Give back what a crash left running; set aside what crashed us too often.

        Returns how many were given back and how many set aside. Raises as the Turns do.
        """
        set_aside = 0
        left = await self._doors.turns.interrupted(platform, account)
        for turn in left:
            if turn.attempts >= MAX_ATTEMPTS:
                await self._park(turn.turn, turn.head)
                set_aside += 1
            else:
                await self._doors.turns.requeue(turn.turn, 0.0, crashed=True)
        return len(left) - set_aside, set_aside

    async def _stored(self, work: Callable[[], Awaitable[T]]) -> T:
        return await while_away(work, self._doors.patience)

    async def _park(self, turn: TurnId, head: Head) -> None:
        """Set a turn aside that made the daemon crash, and tell its asker."""
        text = texts.POISON(attempts=MAX_ATTEMPTS, turn=turn)
        post = Post(head, (Page((Line(text),)),))
        await self._doors.turns.finish(turn, "failed", (), None, (post,), "poison")
        log.error("turn_parked", turn=turn, room=head.room)
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
            steered=start.waiting > 0,
        )
        self._waits = Waits(doors.patience, doors.clock, self._running.stop, self._feed)
        turns, sessions = doors.turns, doors.sessions
        self._journal = TurnJournal(start, turns, sessions, self._running, self._waits.kept)
        self._account = Account()

    async def run(self) -> None:
        ids = structlog.contextvars.bound_contextvars(turn=self._start.id, room=self._head.room)
        with self._doors.running.entered(self._running), ids:
            log.info("turn_started")
            self._doors.delivery.follow(self._head, self._live, self._start.begun)
            reads_along = self._start.request.called_back is None
            self._doors.delivery.working(self._head, reads_along)
            try:
                ending = await self._driven()
            except TurnLost as error:
                self._lose(error)
            else:
                await shielded(self._end(ending))
            finally:
                self._doors.delivery.working(self._head, False)

    async def _driven(self) -> Ending:
        """Drive the turn; cut off by a shutdown, give it back. A stop ends it in any case."""
        stop = self._running.stop
        try:
            ending = await overruled(self._drive(), stop, self._overrule, OBEYED_WITHIN)
        except asyncio.CancelledError:
            if stop.is_set:
                await shielded(self._end(self._overrule()))
            else:
                await shielded(self._interrupt())
            raise
        if isinstance(ending, StreamStopped) and not self._journal.closed:
            await self._journal.close([self._account.last_words()])
        return ending

    def _overrule(self) -> Ending:
        """Show the stop of a loop that does not end: it waits for the database."""
        log.warning("stop_overruled_turn")
        return self._fed(self._account.stopped(self._journal.effects))

    async def _drive(self) -> Ending:
        """Run the loop to its ending; the boundary of a turn's faults."""
        try:
            if self._doors.shares.is_full(self._start.asker):
                self._feed(Waiting(texts.MANY_OF_YOURS()))
            async with self._doors.shares.taken(self._start.asker, self._running.stop):
                question = await self._question()
                await reached("question_prepared")
                run = partial(self._run_once, question)
                return await self._waits.answered(run, lambda: len(self._journal.said))
        except TurnLost:
            raise
        except NaviError as error:
            ending = StreamFailed(str(error))
        except Exception:
            log.exception("turn_crashed")
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
        try:
            preparing = self._waits.kept(partial(self._doors.questions.prepare, self._start))
            question = await until_stopped(preparing, self._running.stop)
        except Stopped:  # the loop ends by itself; what was asked is kept
            return Question(self._start.request.text, (), (), ())
        for problem in question.problems:
            self._feed(Notice(problem))
        return question

    async def _run_once(self, question: Question | None) -> Ending:
        start = self._start
        if self._journal.said:  # an earlier try has begun; go on where it broke off
            context = start.context + self._journal.said
            profile_id = await self._journal.profile_id()
            session = replace(start.session, profile_id=profile_id)
            start = replace(start, context=context, session=session, pending=None, resumed=True)
            question = None
        ending: Ending | None = None
        events = self._doors.loop.run(start, question, self._journal, self._running)
        async with aclosing(events):
            async for event in events:
                self._feed(event)
                if not isinstance(event, TextDelta | ThinkingDelta):
                    log.debug("turn_event", kind=wire_name(event))
                self._running.doing = activity(event) or self._running.doing
                if isinstance(event, StreamEnd | StreamStopped | StreamFailed):
                    ending = event
        assert ending is not None, "the loop's last event is an ending"
        return ending

    def _fed(self, ending: Ending) -> Ending:
        self._feed(ending)
        return ending

    def _feed(self, event: Event) -> None:
        self._account.feed(event)
        if isinstance(event, Ending) and not self._running.told.done():
            self._running.told.set_result(event)
        self._live.feed(event, self._doors.clock())
        self._doors.delivery.touch(self._head.key)

    async def _end(self, ending: Ending) -> None:
        """Make the turn's last write, however long the database takes."""
        posts = posts_of(self._head, self._start.id, *self._live.settled())
        seconds = self._doors.clock() - self._began
        wait = self._doors.patience.first
        await reached("turn_ending")
        while True:
            try:
                await self._doors.turns.finish(
                    self._start.id,
                    state_of(ending),
                    self._journal.unwritten,
                    metrics_of(ending),
                    posts,
                    ending.reason if isinstance(ending, StreamFailed) else "",
                )
                break
            except TurnLost as error:
                self._lose(error)
                return
            except (StoreUnavailable, StoreError) as error:
                log.warning("turn_not_saved", error=str(error), retry_in=wait)
                self._doors.delivery.follow(self._head, Unsaved(posts))
                await asyncio.sleep(wait)
                wait = min(wait * 2, self._doors.patience.longest)
        await reached("turn_finished")
        for post in posts:
            self._doors.delivery.show(post)
        self._running.ended.set_result(ending)
        log.info(
            "turn_ended",
            outcome=state_of(ending),
            seconds=round(seconds, 3),
            tokens=ending.token_count if isinstance(ending, StreamEnd) else 0,
        )
        await self._doors.ended(ending)

    def _lose(self, error: TurnLost) -> None:
        """Leave the turn, its tools and its message to the daemon that has it now."""
        log.warning("turn_lost")
        self._running.ended.set_result(StreamFailed(str(error)))

    async def _interrupt(self) -> None:
        """Give the turn back for the next daemon to go on with."""
        self._feed(Waiting(texts.RESTARTING()))
        try:
            await self._doors.turns.requeue(self._start.id, 0.0)
        except NaviError as error:
            log.warning("turn_not_requeued", error=str(error))
        await reached("turn_given_back")
        log.info("turn_interrupted")
