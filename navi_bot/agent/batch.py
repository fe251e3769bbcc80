"""The tool calls of one answer: journalled, run one after another, recorded once.

Every call of a batch gets a result, whatever happens: one that failed, was
stopped or never ran says so. So no call is ever stored without its answer,
and what had an effect is not forgotten when something breaks.

    intent (begin_batch) ─► call ─► result (end_call) ─► … ─► record: answer + all results
                             │ stop: the running one is cancelled, the rest never run
                             │ third same call in a row: it and the rest never run
                             │ third batch in a row without a call that can be made: the end
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from uuid import uuid4

from navi_bot.agent import marks
from navi_bot.agent.answer import Answer
from navi_bot.agent.ending import Limited
from navi_bot.agent.stopping import Stopped, until_stopped
from navi_bot.agent.work import REPAIRS, Work
from navi_bot.events import ToolEvent, ToolStarted
from navi_bot.fault_points import reached
from navi_bot.messages import Entry, Message, ToolCall
from navi_bot.ports.agent import Toolbox
from navi_bot.ports.records import PendingBatch
from navi_bot.ports.tools import Effect, Result, Tool
from navi_bot.texts import agent as texts


@dataclass(frozen=True, slots=True)
class Planned:
    """A call of the batch, with its result where that is settled already."""

    call: ToolCall
    settled: Result | None = None


class Batches:
    """Runs batches of tool calls; the same for every run."""

    def __init__(self, toolbox: Toolbox, clock: Callable[[], float] = time.monotonic) -> None:
        self._toolbox = toolbox
        self._clock = clock

    async def run(self, work: Work, answer: Answer) -> None:
        """Carry out the calls of an answer; Stopped or Limited after they are recorded."""
        calls = _with_ids(answer.calls, work.context)
        assistant = Message(
            "assistant",
            answer.text,
            thinking=answer.thinking,
            tool_calls=calls,
            created_at=work.now(),
        )
        effects = {call.id: _effect(work, call).value for call in calls}
        await work.run.journal.begin_batch(work.step, assistant, effects)
        await reached("batch_journalled")
        await self._carry_out(work, assistant, [Planned(call) for call in calls])

    async def resume(self, work: Work, pending: PendingBatch) -> None:
        """Finish a batch that a restart cut short.

        Results that are there stay; calls without effect on the world run
        again; the others are told as interrupted.
        """
        work.step = pending.step
        planned = []
        for each in pending.calls:
            settled = None
            if each.result is not None:
                settled = Result(each.result, each.ok)
            elif each.effect.startswith("W"):
                settled = Result(marks.INTERRUPTED, ok=False)
            planned.append(Planned(each.call, settled))
        await self._carry_out(work, pending.assistant, planned)

    async def _carry_out(self, work: Work, assistant: Message, planned: Sequence[Planned]) -> None:
        results: list[Message] = []
        images: list[Message] = []
        understood: list[bool] = []
        try:
            looping = await self._each(work, planned, results, images, understood)
        except Exception:
            for each in planned[len(results) :]:
                results.append(_answered(each.call, Result(marks.BROKE, ok=False), work))
            await _record(work, assistant, results, images)
            raise
        await _record(work, assistant, results, images)
        await reached("batch_recorded")
        work.answer = None
        if work.run.stop.is_set:
            raise Stopped
        if looping:
            raise Limited("same_call", texts.SAME_CALL(tool=looping))
        if work.is_hopeless(any(understood)):
            raise Limited("calls", texts.UNUSABLE_CALLS(count=REPAIRS + 1))

    async def _each(
        self,
        work: Work,
        planned: Sequence[Planned],
        results: list[Message],
        images: list[Message],
        understood: list[bool],
    ) -> str:
        """Run the calls in order, adding what they gave; return the one that repeats itself."""
        looping = ""
        for each in planned:
            call = each.call
            looping = looping or (call.name if work.repeats(call.name, call.arguments) else "")
            if looping or work.run.stop.is_set:
                mark = marks.SAME_CALL if looping else marks.STOPPED_BEFORE
                results.append(_answered(call, Result(mark, ok=False), work))
                if not looping:
                    work.cancelled += (call.name,)
                continue
            result = await self._one(work, each)
            results.append(_answered(call, result, work))
            understood.append(result.understood)
            if result.image:
                images.append(_image(call, result, visible=work.desk.info.vision))
        return looping

    async def _one(self, work: Work, planned: Planned) -> Result:
        """Run one call and tell it; a stop becomes its result."""
        call = planned.call
        work.tell(ToolStarted(call.id, call.name, call.arguments))
        began = self._clock()
        result = planned.settled
        if result is None:
            result = await self._result(work, call)
            await work.run.journal.end_call(work.step, call.id, result.text, result.ok)
            await reached("result_journalled")
        work.ledger.tool_calls += 1
        seconds = self._clock() - began
        work.tell(ToolEvent(call.id, call.name, call.arguments, result.text, result.ok, seconds))
        return result

    async def _result(self, work: Work, call: ToolCall) -> Result:
        tool = work.desk.catalogue.find_tool(call.name)
        if tool is None:
            return Result(marks.not_found(call.name), ok=False, understood=False)
        try:
            result = await until_stopped(self._toolbox.run(tool, call, work.reach()), work.run.stop)
        except Stopped:
            work.cancelled += (call.name,)
            if not _lasts(tool):
                return Result(marks.STOPPED_DURING, ok=False)
            work.lasting += (call.name,)
            return Result(marks.STOPPED_DURING_EFFECT, ok=False)
        work.ledger.finished.append(call.name)
        if result.ok and _lasts(tool):
            work.lasting += (call.name,)
        return result


async def _record(
    work: Work, assistant: Message, results: Sequence[Message], images: Sequence[Message]
) -> None:
    await work.record(
        [
            Entry(assistant),
            *(Entry(result) for result in results),
            *(Entry(image, in_history=False) for image in images),
        ]
    )


def _lasts(tool: Tool) -> bool:
    """Whether what a tool does stays done."""
    return tool.effect.value.startswith("W")


def _effect(work: Work, call: ToolCall) -> Effect:
    tool = work.desk.catalogue.find_tool(call.name)
    return Effect.PURE if tool is None else tool.effect


def _with_ids(calls: Sequence[ToolCall], context: Sequence[Message]) -> tuple[ToolCall, ...]:
    """Give every call an id of its own; hosts leave them out or count from nought each time."""
    used = {call.id for message in context for call in message.tool_calls}
    named = []
    for call in calls:
        if not call.id or call.id in used:
            call = replace(call, id=uuid4().hex[:12])
        used.add(call.id)
        named.append(call)
    return tuple(named)


def _answered(call: ToolCall, result: Result, work: Work) -> Message:
    return Message("tool", result.text, tool_call_id=call.id, name=call.name, created_at=work.now())


def _image(call: ToolCall, result: Result, *, visible: bool) -> Message:
    return Message(
        "user",
        marks.image(call.name, visible=visible),
        images=(result.image,) if visible else (),
    )
