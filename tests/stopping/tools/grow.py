"""A tool with a tree of processes, none of which wants to end."""

import os
import sys
from pathlib import Path

from marked_processes import STUBBORN, VARIABLE
from pydantic import BaseModel, Field

from navi_bot.ports.tools import Call, Effect, Result
from navi_bot.toolbox.processes import started

name = "grow"
description = "Start processes that start processes."
effect = Effect.SANDBOXED
timeout = 600.0


class Arguments(BaseModel):
    mark: str = Field(description="what the processes bear")


async def run(arguments: Arguments, call: Call) -> Result:
    environment = {"PATH": os.environ["PATH"], VARIABLE: arguments.mark}
    command = (sys.executable, "-I", "-S", "-c", STUBBORN, "1")
    async with started(
        *command, folder=Path.cwd(), environment=environment, stop=call.stop
    ) as tree:
        return Result(f"It ended with {await tree.wait()}.")
