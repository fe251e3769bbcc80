"""The console over a pipe: one line a question, its final text and an empty line.

Lines are asked one after another: the next is handed over when the answer to
the one before is out, so that answers come in the order of the questions.
"""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Callable
from typing import TextIO

from adapters.console.account import ACCOUNT, PLATFORM, ConsoleCalls, said
from adapters.console.markup import ConsoleSurface, answer_text
from navi_bot.messages import Address, Page
from navi_bot.ports.platform import Accept

PIECE = 65536
"""Bytes read at once."""


class PipeOutbound(ConsoleCalls):
    """Prints what is final; progress is not shown over a pipe."""

    def __init__(self, out: TextIO) -> None:
        self.surface = ConsoleSurface()
        self._out = out
        self._sent = 0
        self.answered = asyncio.Event()

    async def send(
        self,
        address: Address,
        page: Page,
        *,
        transaction: str,
        reply_to: str = "",
        silent: bool = False,
        plain: bool = False,
        final: bool = True,
    ) -> str:
        self._sent += 1
        if final:
            self._print(page)
        return str(self._sent)

    async def edit(
        self,
        address: Address,
        message_id: str,
        page: Page,
        *,
        transaction: str,
        final: bool,
        plain: bool = False,
    ) -> None:
        if final:
            self._print(page)

    def _print(self, page: Page) -> None:
        self._out.write(answer_text(page).strip() + "\n\n")
        self._out.flush()
        self.answered.set()


class PipeAdapter:
    """Implements the Adapter port over standard input and output."""

    platform = PLATFORM
    account = ACCOUNT
    name = ""
    private_interval = 0.01
    group_interval = 0.01
    trouble = ""

    def __init__(
        self,
        source: TextIO | None = None,
        out: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.outbound = PipeOutbound(out or sys.stdout)
        self._source = source or sys.stdin
        self._clock = clock

    @property
    def last_contact(self) -> float:
        return self._clock()

    async def connect(self) -> None:
        """Have nothing to connect to."""

    async def receive(self, accept: Accept, cursor: str) -> None:
        """Ask line by line; returns at the end of the input, all answered."""
        async for line in _lines(self._source.fileno()):
            if not line.strip():
                continue
            self.outbound.answered.clear()
            await accept((said(line),), "")
            await self.outbound.answered.wait()

    async def close(self) -> None:
        """Have nothing to close."""


async def _lines(fd: int) -> AsyncIterator[str]:
    """Yield the lines of an open file; the last one needs no line end."""
    rest = b""
    while piece := await _read(fd):
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            yield line.decode(errors="replace")
    if rest:
        yield rest.decode(errors="replace")


async def _read(fd: int) -> bytes:
    """Read what is there, b"" at the end; no thread is left waiting at the program's end."""
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    try:
        loop.add_reader(fd, ready.set)
    except PermissionError:  # a regular file is always ready
        return os.read(fd, PIECE)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(fd)
    return os.read(fd, PIECE)
