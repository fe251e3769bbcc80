"""A server in another process, and its controls."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

START = 20.0  # seconds until the other process must have told its address
STOP = 5.0  # seconds until it must have gone


class Remote:
    """Calls a server's operations: `await remote.do("say", chat=5, person=5, text="hi")`."""

    def __init__(self, url: str, control: str, session: aiohttp.ClientSession) -> None:
        self.url = url
        self.control = control
        self._session = session

    async def do(self, operation: str, **arguments: Any) -> Any:
        """Carry out an operation. Raises LookupError when the server refuses it."""
        url = f"{self.control}/control/{operation}"
        async with self._session.post(url, json=arguments) as response:
            answer = await response.json()
            if response.status != 200:
                raise LookupError(answer["error"])
            return answer


@asynccontextmanager
async def launched(*options: str) -> AsyncIterator[Remote]:
    """Run a server in another process, with the options of its command line."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "strict_telegram",
        *options,
        cwd=Path(__file__).parents[1],
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(START):
            url = (await process.stdout.readline()).decode().strip()
            control = (await process.stdout.readline()).decode().strip()
        async with aiohttp.ClientSession() as session:
            yield Remote(url, control, session)
    finally:
        process.terminate()
        async with asyncio.timeout(STOP):
            await process.wait()
