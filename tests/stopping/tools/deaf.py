"""A tool that takes no notice of being cancelled."""

import asyncio

from pydantic import BaseModel

from navi_bot.ports.tools import Call, Effect, Result

name = "deaf"
description = "Do something for ever."
effect = Effect.OUTWARD
timeout = 600.0


class Arguments(BaseModel):
    pass


async def run(arguments: Arguments, call: Call) -> Result:
    while True:
        try:
            await asyncio.sleep(600)
        except asyncio.CancelledError:
            continue
