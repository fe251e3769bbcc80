"""One run of the loop: ask the model, run its tools, repeat until it answers.

    question recorded ─► ask ─► calls? ─► batch ─► steering, profile ─► ask …
                          │       no ─► the answer: StreamEnd
                          ├ stop at any point ─► what there is is kept: StreamStopped
                          ├ a limit ─► a sentence, kept as the answer: StreamEnd(limit)
                          └ the host failed ─► StreamFailed; without a token, raised

Everything that counts is in the journal before the next thing happens, so
that a run can be taken up again wherever it was cut off.
"""

from collections.abc import Callable
from dataclasses import replace

import structlog

from navi_bot.agent import marks
from navi_bot.agent.accounting import Ledger
from navi_bot.agent.answer import Answer
from navi_bot.agent.asking import Asking, out_of_time
from navi_bot.agent.batch import Batches
from navi_bot.agent.desk import Desks
from navi_bot.agent.ending import Failed, Limited, early
from navi_bot.agent.feed import Tell
from navi_bot.agent.prompt import harmless, in_context, line_in_context
from navi_bot.agent.run import Run
from navi_bot.agent.stopping import Stopped, until_stopped
from navi_bot.agent.work import Work
from navi_bot.errors import ModelUnavailable, NaviError
from navi_bot.events import Notice, ProfileSwitched, Steered, StreamEnd, StreamStopped, TextDelta
from navi_bot.fault_points import reached
from navi_bot.messages import Entry, Message
from navi_bot.texts import agent as texts

log = structlog.get_logger()


class Play:
    """Plays one run, telling its events."""

    def __init__(
        self,
        run: Run,
        tell: Tell,
        desks: Desks,
        asking: Asking,
        batches: Batches,
        clock: Callable[[], float],
        limit: float,
    ) -> None:
        """`limit`: seconds of work; what waits for the model host does not work."""
        self._run = run
        self._tell = tell
        self._desks = desks
        self._asking = asking
        self._batches = batches
        ledger = Ledger(clock, run.context_tokens)
        context = list(run.context)
        self._work = Work(run, tell, ledger, run.profile_id, context, limit=limit)

    async def play(self) -> None:
        """Play to the ending event; see `Agent.run_stream` for what is raised."""
        try:
            await self._open()
            await self._step_until_answered()
        except Stopped:
            await self._end_stopped()
        except Limited as limit:
            await self._end_limited(limit)
        except Failed as failure:
            await self._end_failed(failure)

    async def _open(self) -> None:
        """Write the question down before anything can fail, then get ready to ask."""
        run = self._run
        if run.question is not None:
            await self._work.record(_entries(run.question, in_context(run.question, run.tail)))
        elif run.continues:
            line = line_in_context(marks.GO_ON, run.tail)
            await self._work.record([Entry(line, in_history=False)])
        await self._sit_down()
        desk = self._work.desk
        if desk.profile.id != run.profile_id:
            gone = texts.PROFILE_GONE(gone=run.profile_id, now=desk.profile.id)
            self._tell(Notice(gone))
        if run.question is not None and run.question.images and not desk.info.vision:
            self._tell(Notice(texts.NO_PICTURES(model=desk.model)))
        if run.pending is not None:
            await self._batches.resume(self._work, run.pending)
            await self._look_up()

    async def _step_until_answered(self) -> None:
        work = self._work
        if (answered := self._answered_already()) is not None:
            self._tell(self._stream_end(answered.content))
            return
        while True:
            if self._run.stop.is_set:
                raise Stopped
            if work.step >= work.desk.max_iterations:
                raise Limited("iterations", texts.ITERATIONS(steps=work.step))
            if work.is_out_of_time:
                raise out_of_time(work)
            work.step += 1
            log.debug("agent.iteration", turn=self._run.turn, step=work.step)
            answer = await self._asking.ask(work)
            if not answer.calls:
                await self._end_answered(answer)
                return
            await self._batches.run(work, answer)
            await self._look_up()

    def _answered_already(self) -> Message | None:
        """Return the answer that a restart found recorded, with only the end missing."""
        last = self._work.context[-1] if self._work.context else None
        if self._run.question is None and last is not None:
            return last if last.role == "assistant" and not last.tool_calls else None
        return None

    async def _look_up(self) -> None:
        """After a batch: take messages that steer the turn, and a changed profile."""
        work, journal = self._work, self._run.journal
        for message in await journal.steering():
            await reached("steering_taken")
            seen = replace(message, content=harmless(message.content))
            await work.record(_entries(message, seen))
            self._tell(Steered(message.content))
        profile_id = await journal.profile_id()
        if profile_id != work.profile_id:
            work.profile_id = profile_id
            await self._sit_down()
            profile = work.desk.profile
            log.info("agent.profile_reloaded", turn=self._run.turn, profile=profile.id)
            self._tell(ProfileSwitched(profile.id, profile.name))

    async def _sit_down(self) -> None:
        """Set up the desk of the session's profile."""
        setting_up = self._desks.desk(self._run, self._work.profile_id)
        try:
            self._work.seat = await until_stopped(setting_up, self._run.stop)
        except ModelUnavailable:
            raise
        except NaviError as error:
            raise early(error) from error

    # Endings ---------------------------------------------------------------

    async def _end_answered(self, answer: Answer) -> None:
        await self._close(answer.text)
        limit = "length" if answer.finish == "length" else ""
        self._tell(self._stream_end(answer.text, limit))

    async def _end_limited(self, limit: Limited) -> None:
        text = f"{limit.text}\n\n{limit.words}" if limit.text else limit.words
        log.warning("turn_limited", turn=self._run.turn, limit=limit.limit)
        await self._close(text)
        self._tell(TextDelta(text.removeprefix(limit.text)))
        self._tell(self._stream_end(text, limit.limit))

    async def _end_failed(self, failure: Failed) -> None:
        if failure.event.partial:
            await self._close(marks.marked(failure.event.partial, marks.BROKEN_OFF))
        goes_on = bool(failure.event.partial or self._work.ledger.tool_calls)
        self._tell(replace(failure.event, goes_on=goes_on and failure.event.retryable))

    async def _end_stopped(self) -> None:
        """Keep what there is, and say so to the model as well."""
        work = self._work
        coming = work.answer
        unheard = tuple(call.name for call in coming.calls) if coming else ()
        await self._close(marks.marked(coming.text if coming else "", marks.STOPPED))
        self._tell(
            StreamStopped(
                work.partial,
                finished=tuple(work.ledger.finished),
                cancelled=work.cancelled + unheard,
                lasting=work.lasting,
            )
        )

    async def _close(self, text: str) -> None:
        """Hand over the turn's last message, for the history and the model."""
        work = self._work
        message = Message(
            "assistant",
            text,
            thinking=work.answer.thinking if work.answer else "",
            created_at=work.now(),
            elapsed_seconds=work.ledger.seconds,
            tool_call_count=work.ledger.tool_calls,
            token_count=work.ledger.tokens,
        )
        await self._run.journal.close([Entry(message)])

    def _stream_end(self, text: str, limit: str = "") -> StreamEnd:
        ledger, desk = self._work.ledger, self._work.desk
        return StreamEnd(
            full_content=text,
            context_tokens=ledger.context_tokens,
            max_context_tokens=desk.num_ctx,
            elapsed_seconds=ledger.seconds,
            tool_call_count=ledger.tool_calls,
            token_count=ledger.tokens,
            model=desk.model,
            limit=limit,
            prefix_share=ledger.prefix_share,
        )


def _entries(said: Message, seen: Message) -> list[Entry]:
    """Return a message for the history and, where the model sees more, its other copy."""
    if said == seen:
        return [Entry(said)]
    return [Entry(said, in_context=False), Entry(seen, in_history=False)]
