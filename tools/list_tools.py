"""Which tools there are, as the running turn has them."""

from pydantic import BaseModel

from navi_bot.ports.tools import Call, Effect, Result

name = "list_tools"
description = "List the tools you have now, and those that could not be loaded and why."
effect = Effect.PURE
timeout = 5.0


class Arguments(BaseModel):
    pass


async def run(arguments: Arguments, call: Call) -> Result:
    lines = [
        f"- {tool.name}{' (own)' if tool.own else ''}: {tool.description.splitlines()[0]}"
        for tool in call.catalogue.tools()
    ]
    problems = call.catalogue.problems()
    if problems:
        lines += ["", "Not available:", *(f"- {problem}" for problem in problems)]
    return Result("\n".join(lines))
