"""The manual of one tool: its longer text, and its arguments."""

from pydantic import BaseModel, Field

from navi_bot.ports.tools import Call, Effect, Result

name = "tool_manual"
description = "Read a tool's manual: what each action and argument does. Look before you guess."
effect = Effect.PURE
timeout = 5.0


class Arguments(BaseModel):
    tool: str = Field(description="the tool's name")


async def run(arguments: Arguments, call: Call) -> Result:
    tool = call.catalogue.find_tool(arguments.tool.strip())
    if tool is None:
        names = ", ".join(each.name for each in call.catalogue.tools())
        return Result(f"No tool '{arguments.tool}'; there are: {names}.", ok=False)
    return Result(tool.told())
