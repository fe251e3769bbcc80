"""Reminders and recalls that wait: listed, skipped, cancelled, changed."""

from typing import Literal

from pydantic import BaseModel, Field

from navi_bot.errors import PersonError, ToolArgumentError
from navi_bot.ports.recall import Recall, Recalls
from navi_bot.ports.tools import Call, Effect, Result
from navi_bot.schedule.echo import instant_told, rule_told
from navi_bot.schedule.rule import Immediate

name = "manage_recall"
description = "List the person's reminders and recalls, or skip, cancel or change one of them."
effect = Effect.SANDBOXED
timeout = 15.0
manual = """
action=list    those that wait, with their numbers
action=skip    leave the next time of `number` out
action=cancel  end `number`
action=change  give `number` another time (`when`, in words), another `text`, or both

List first when you do not know the number.
"""


class Arguments(BaseModel):
    action: Literal["list", "skip", "cancel", "change"] = Field(
        default="list", description="list, skip, cancel or change"
    )
    number: int = Field(default=0, description="for skip, cancel, change: the recall's number")
    when: str = Field(default="", description="for change: the new time in words")
    text: str = Field(default="", description="for change: the new text")


async def run(arguments: Arguments, call: Call) -> Result:
    if call.recalls is None:
        raise ToolArgumentError("There are no reminders here.")
    try:
        return Result(await _done(arguments, call.recalls))
    except PersonError as error:
        raise ToolArgumentError(f"Error: {error}") from error


async def _done(arguments: Arguments, recalls: Recalls) -> str:
    match arguments.action:
        case "list":
            found = await recalls.listed()
            return "\n".join(_line(one) for one in found) or "None are waiting."
        case "skip":
            return await recalls.skip(arguments.number)
        case "cancel":
            recall = await recalls.cancel(arguments.number)
            return f"Cancelled: {recall.plan.text}"
        case "change":
            if not (arguments.when or arguments.text):
                raise PersonError("Give a new time (when), a new text, or both.")
            return await recalls.change(arguments.number, arguments.when, arguments.text)


def _line(recall: Recall) -> str:
    rule = recall.plan.rule
    due = "at once"
    if recall.due is not None and not isinstance(rule, Immediate):
        due = instant_told(recall.due, rule.zone)
    recurs = rule_told(rule)
    when = f"{due} ({recurs})" if recurs else due
    return f"{recall.id}. {recall.plan.kind}, {when}: {recall.plan.text}"
