"""The console over a pipe: one line a question, its final text and an empty line.

Lines are asked one after another: the next is handed over when the answer to
the one before is out, so that answers come in the order of the questions. What
was read is kept while the database is away.
"""

import asyncio
import os
import sys
import time
from collections import deque
from collections.abc import Callable
from typing import TextIO

from adapters.console.account import ACCOUNT, PLATFORM, ConsoleCalls, said
from adapters.console.markup import ConsoleSurface, answer_text
from navi_bot.errors import Refused
from navi_bot.messages import Address, Page, Said
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
        self.broken: BrokenPipeError | None = None

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
        try:
            self._out.write(answer_text(page).strip() + "\n\n")
            self._out.flush()
        except BrokenPipeError as error:
            self.broken = error
            raise Refused("Nobody reads the answers any more.") from error
        finally:
            self.answered.set()


class PipeAdapter:
    """Implements the Adapter port over standard input and output."""

    platform = PLATFORM
    account = ACCOUNT
    name = ""
    private_interval = 0.01
    group_interval = 0.01
    late_interval = 0.0
    one_limit = False
    trouble = ""

    def __init__(
        self,
        source: TextIO | None = None,
        out: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.outbound = PipeOutbound(out or sys.stdout)
        self._lines = _Lines(source or sys.stdin)
        self._asked: Said | None = None
        self._clock = clock

    @property
    def last_contact(self) -> float:
        return self._clock()

    @property
    def last_try(self) -> float:
        return self._clock()

    async def connect(self) -> None:
        """Have nothing to connect to."""

    async def receive(self, accept: Accept, cursor: str) -> None:
        """Ask line by line; returns at the end of the input, all answered.

        Begun again, it goes on with the question that it was at. BrokenPipeError
        when nobody reads the answers.
        """
        while (question := await self._question()) is not None:
            await accept((question,), "")
            await self.outbound.answered.wait()
            if self.outbound.broken:
                raise self.outbound.broken
            self._asked = None

    async def _question(self) -> Said | None:
        """Return the question that is not answered yet, or the next one."""
        while self._asked is None:
            line = await self._lines.next()
            if line is None:
                return None
            if line.strip():
                self.outbound.answered.clear()
                self._asked = said(line)
        return self._asked

    async def close(self) -> None:
        """Have nothing to close."""


class _Lines:
    """The lines of an open file; the last one needs no line end."""

    def __init__(self, source: TextIO) -> None:
        self._source = source
        self._whole: deque[bytes] = deque()
        self._rest = b""

    async def next(self) -> str | None:
        """Return the next line, None at the end; a cancelled wait loses nothing."""
        while not self._whole:
            piece = await _read(self._source.fileno())
            *lines, self._rest = (self._rest + piece).split(b"\n")
            self._whole.extend(lines)
            if not piece:
                if not self._rest:
                    return None
                self._whole.append(self._rest)
                self._rest = b""
        return self._whole.popleft().decode(errors="replace")


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
