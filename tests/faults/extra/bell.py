"""A tool with an effect on the world that can be counted: each ring is a line in a file."""

import asyncio
import os
from pathlib import Path

from pydantic import BaseModel, Field

from navi_bot.ports.tools import Call, Effect, Result

name = "bell"
description = "Ring the bell."
effect = Effect.OUTWARD
timeout = 5.0


class Arguments(BaseModel):
    who: str = Field(description="for whom it rings")


async def run(arguments: Arguments, call: Call) -> Result:
    await asyncio.to_thread(_ring, arguments.who)
    return Result("It rang.")


def _ring(who: str) -> None:
    with Path(os.environ["FAULTS_BELL"]).open("a") as book:
        book.write(f"{who}\n")
