"""The bot's own way of an edit on Matrix: page, surface, HTML, sealing, sending, and its sync.

    python -m bench.our_matrix URL USER PASSWORD OWNER FOLDER

It waits for an invitation, says the room it is in, and then reads a line of
JSON for each edit, its Markdown; it writes the seconds of the processor.
"""

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import structlog

from adapters.matrix.adapter import MatrixAdapter
from adapters.matrix.login import Credentials
from navi_bot.messages import Address, Button, Inbound, Page, Prose, Returned

SETTLED = 0.1
"""Seconds in which the sync brings the edit back."""
STOP = ((Button("⏹ Stop", "stop:1", "danger"),),)


async def main(url: str, user: str, password: str, owner: str, folder: str) -> None:
    """Edit one message with what comes in until there is no more."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    adapter = MatrixAdapter(Credentials(url, user, password=password), Path(folder), owners=[owner])
    await adapter.connect()
    came: asyncio.Queue[Address] = asyncio.Queue()

    async def accept(batch: Sequence[Inbound], _cursor: str) -> None:
        for one in batch:
            if isinstance(one, Returned):
                came.put_nowait(one.origin.address)

    async with asyncio.TaskGroup() as tasks:
        receiving = tasks.create_task(adapter.receive(accept, ""))
        while not adapter.last_contact:  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.02)
        print("ready", flush=True)
        place = await came.get()
        print(place.chat, flush=True)
        await _edit_all(adapter, place)
        receiving.cancel()
    await adapter.close()


async def _edit_all(adapter: MatrixAdapter, place: Address) -> None:
    out, loop, message = adapter.outbound, asyncio.get_running_loop(), ""
    number = 0
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        page, number = Page((Prose(json.loads(line)),), STOP), number + 1
        began = time.process_time()
        assert out.surface.fits(page)
        if message:
            await out.edit(place, message, page, transaction=f"e{number}", final=False)
        else:
            message = await out.send(place, page, transaction="first", final=False)
        await asyncio.sleep(SETTLED)
        print(json.dumps([message, time.process_time() - began]), flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:6]))
