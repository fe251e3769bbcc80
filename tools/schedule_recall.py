"""Reminders and recalls, set up by the model; times are reckoned here."""

from typing import Literal

from pydantic import BaseModel, Field

from navi_bot.errors import PersonError, ToolArgumentError
from navi_bot.ports.recall import Wanted
from navi_bot.ports.tools import Call, Effect, Result

name = "schedule_recall"
description = (
    "Remind the person of something at a time, or have yourself called back then to do something "
    "and push the result. Pass the time in the person's words; never reckon it yourself."
)
effect = Effect.SANDBOXED
timeout = 15.0
manual = """
kind=reminder  `text` is pushed as it is
kind=task      `text` is an instruction to yourself; at that time you do it with the tools that
               only look, nobody reads along, and your answer is pushed as a new message

when: "in 20 minutes", "2h 15m", "tomorrow 9:00", "fri 18:30", "2026-11-22T09:00", "now";
      recurring: "every weekday at 8", "every 2 hours", "every month on the 1st at 9",
      a cron expression "0 8 * * 1-5", or a rule "FREQ=WEEKLY;BYDAY=MO;BYHOUR=9"
Local times are the person's unless `zone` names another. A time that is past is refused; ask.
notify, for tasks: always; change (only when the answer differs from the last one);
      match (only when the answer contains `match`)
important: a reminder that comes again every ten minutes until somebody presses Done.

Tell the person the time exactly as the result gives it.
"""


class Arguments(BaseModel):
    text: str = Field(description="what to remind of, or the instruction to yourself")
    when: str = Field(description="the time in words, e.g. 'tomorrow 9:00' or 'every weekday at 8'")
    kind: Literal["reminder", "task"] = Field(default="reminder", description="reminder or task")
    zone: str = Field(default="", description="IANA zone; empty: the person's own")
    important: bool = Field(default=False, description="repeat until the person presses Done")
    notify: Literal["always", "change", "match"] = Field(
        default="always", description="for tasks: always, change or match"
    )
    match: str = Field(default="", description="for notify=match: the text to look for")


async def run(arguments: Arguments, call: Call) -> Result:
    if call.recalls is None:
        raise ToolArgumentError("Reminders cannot be set up here.")
    wanted = Wanted(
        kind=arguments.kind,
        text=arguments.text,
        when=arguments.when,
        zone=arguments.zone,
        important=arguments.important,
        notify=arguments.notify,
        match=arguments.match,
    )
    try:
        kept = await call.recalls.schedule(wanted)
    except PersonError as error:
        raise ToolArgumentError(f"Error: {error}") from error
    lines = [f"Recall {kept.recall.id} is set. {kept.text}"]
    if kept.asks:
        lines.append(f"Tell the person: {kept.asks}")
    return Result("\n".join(lines))
