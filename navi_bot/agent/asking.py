"""One model call: size guard, gate, guarded stream, and at most one retry.

prompt too large ──────────────► Limited("context"), the host is not called
answer with text or calls ─────► returned
takes the run over its time ───► Limited("time"), connection closed
empty answer ──────────────────► asked once more, silently; then Failed
broke off before any token ────► ModelUnavailable: the turn waits and comes back
broke off later ───────────────► said, asked once more; then Failed, the part kept
repeats itself ────────────────► cut; Limited("repeating")
stop ──────────────────────────► Stopped, connection closed
"""

from collections.abc import Callable
from contextlib import aclosing
from dataclasses import replace

import structlog

from navi_bot.agent.accounting import Prompts, prompt_of
from navi_bot.agent.answer import Answer
from navi_bot.agent.ending import Failed, Limited, early
from navi_bot.agent.prompt import request_messages
from navi_bot.agent.size import overflow
from navi_bot.agent.stopping import Stopped, until_stopped
from navi_bot.agent.work import Work
from navi_bot.errors import ModelUnavailable, NaviError
from navi_bot.events import ModelStarted, Notice, Queued, StreamFailed
from navi_bot.fault_points import reached
from navi_bot.ports.agent import Estimator, Guard, Repetition
from navi_bot.ports.model import ModelRequest
from navi_bot.texts import agent as texts

log = structlog.get_logger()


LONGEST_ANSWER = 16_384
"""Tokens of one answer with its thinking; the longest sensible ones take half of that."""


class Asking:
    """Asks the model host; the same for every run."""

    def __init__(
        self,
        guard: Guard,
        estimator: Estimator,
        repetition: Callable[[], Repetition],
        prompts: Prompts,
    ) -> None:
        self._guard = guard
        self._estimator = estimator
        self._repetition = repetition
        self._prompts = prompts

    async def ask(self, work: Work) -> Answer:
        """Return an answer that says or does something; see above for the rest."""
        answer = await self._once(work, last=False)
        if answer is None:
            answer = await self._once(work, last=True)
        assert answer is not None, "the last attempt returns or raises"
        return answer

    async def _once(self, work: Work, *, last: bool) -> Answer | None:
        """Make one attempt; None: it came to nothing and may be made again."""
        request = self._request(work)
        answer = work.answer = Answer(work.tell, self._repetition)
        try:
            await until_stopped(self._stream(work, request, answer), work.run.stop)
        except NaviError as error:
            if work.run.stop.is_set:
                raise Stopped from error
            if isinstance(error, ModelUnavailable) and not last and answer.begun:
                work.tell(Notice(texts.RETRYING(reason=str(error))))
                log.warning("model_stream_broken", turn=work.run.turn)
                return None
            raise _ended(error, answer) from error
        finally:
            work.partial = answer.text
        if work.run.stop.is_set:
            raise Stopped
        await reached("answer_received")
        self._account(work, request, answer)
        if answer.repeating:
            raise Limited("repeating", texts.REPEATING(), answer.text)
        if work.is_out_of_time and not answer.finish:
            raise out_of_time(work, answer.text)
        if not answer.empty:
            return answer
        log.warning("model_answer_empty", turn=work.run.turn, model=request.model, last=last)
        if last:
            raise Failed(StreamFailed(texts.NO_ANSWER()))
        return None

    def _request(self, work: Work) -> ModelRequest:
        """Return the call's request; Limited when it cannot fit the window."""
        desk = work.desk
        messages = request_messages(desk.system, work.context)
        if not desk.info.vision:
            messages = tuple(replace(each, images=()) if each.images else each for each in messages)
        total = self._estimator.tokens(desk.model, messages, desk.schemas)
        reserve = min(desk.backend.reserve, desk.num_ctx // 2)  # a small model answers too
        if total > desk.num_ctx - reserve:  # counting twice is for prompts that do not fit
            used = self._estimator.tokens(desk.model, messages[:-1], desk.schemas)
            miss = overflow(total, used, desk.num_ctx, reserve)
            if miss is not None:
                log.warning("prompt_too_large", turn=work.run.turn, tokens=total)
                raise Limited(
                    "context",
                    texts.CONTEXT_TOO_LARGE(
                        new=miss.new,
                        left=miss.left,
                        window=miss.window,
                        used=miss.used,
                        reserve=miss.reserve,
                    ),
                )
        prompt = prompt_of(messages, desk.schemas)
        work.ledger.asked(prompt, self._prompts.asked(work.run.room, prompt))
        return ModelRequest(
            model=desk.model,
            messages=messages,
            tools=desk.schemas,
            temperature=desk.profile.temperature,
            num_ctx=desk.num_ctx,
            max_tokens=max(reserve, min(LONGEST_ANSWER, desk.num_ctx - total)),
            think=desk.think,
        )

    async def _stream(self, work: Work, request: ModelRequest, answer: Answer) -> None:
        """Take a stream to its end. The first-chunk clock starts when the gate opens."""
        run, backend = work.run, work.desk.backend
        gate = backend.gate.enter(run.room, run.urgency, lambda place: work.tell(Queued(place)))
        asked = work.ledger.clock()
        async with gate:
            work.ledger.waited += work.ledger.clock() - asked
            work.tell(ModelStarted(work.step, work.desk.max_iterations, request.model))
            await reached("model_called")
            stream = backend.model.stream_complete(request)
            times = backend.first_chunk_timeout, backend.chunk_timeout
            try:
                async with aclosing(self._guard(stream, run.stop, *times)) as chunks:
                    async for chunk in chunks:
                        await reached("chunk_received")
                        answer.take(chunk)
                        if answer.repeating or run.stop.is_set or work.is_out_of_time:
                            return
            finally:
                answer.close_thinking()

    def _account(self, work: Work, request: ModelRequest, answer: Answer) -> None:
        prompt_tokens, completion_tokens = answer.tokens
        work.ledger.answered(prompt_tokens, completion_tokens)
        if prompt_tokens:
            self._estimator.learn(request.model, request.messages, request.tools, prompt_tokens)


def out_of_time(work: Work, text: str = "") -> Limited:
    """Return the ending of a run that has worked for too long."""
    return Limited("time", texts.TIME_LIMIT(minutes=round(work.limit / 60)), text)


def _ended(error: NaviError, answer: Answer) -> Exception:
    """Return what an error of the host makes of a run, when it is not asked again.

    Asking again repeats no effect: a step's tools run only after its answer
    is complete, and those of earlier steps are in the prompt.
    """
    if isinstance(error, ModelUnavailable) and not answer.begun:
        return error
    return early(error, answer.text)
