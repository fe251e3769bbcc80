"""The test's end of the fault points: sees every one that is reached, and lets one fail.

raise ... an exception that nothing in the program knows
kill .... kill -9, there and then
hang .... the task that reached it waits for ever
drop .... the database cuts every connection of the daemon
term .... SIGTERM, and the program goes on
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Literal, Self, get_args

from navi_bot.fault_points import Point

Kind = Literal["raise", "kill", "hang", "drop", "term"]
POINTS: tuple[Point, ...] = get_args(Point)


@dataclass(slots=True, eq=False)
class Fault:
    """What happens when a point is reached for the nth time from now on, and the next `times`."""

    point: Point
    nth: int
    kind: Kind
    times: int = 1
    struck: asyncio.Event = field(default_factory=asyncio.Event)


class Switchboard:
    """Async context manager; `outside` carries out what the test's side has to (drop, term)."""

    def __init__(self, path: Path, outside: Callable[[Kind], Awaitable[None]]) -> None:
        self.path = path
        self.seen: Counter[Point] = Counter()
        self._outside = outside
        self._fault: Fault | None = None
        self._counted = 0
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_unix_server(self._answer, self.path)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.close()

    def arm(self, point: Point, nth: int, kind: Kind, times: int = 1) -> Fault:
        """Let a point fail when it is reached for the nth time from now on, `times` in a row."""
        self._fault, self._counted = Fault(point, nth, kind, times), 0
        return self._fault

    def disarm(self) -> None:
        self._fault = None

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while line := await reader.readline():
                verdict = await self._verdict(line.decode().strip())
                writer.write(f"{verdict}\n".encode())
        writer.close()

    async def _verdict(self, name: str) -> str:
        point = next(point for point in POINTS if point == name)
        self.seen[point] += 1
        fault = self._fault
        if fault is None or fault.point != point:
            return "go"
        self._counted += 1
        if self._counted < fault.nth:
            return "go"
        if self._counted == fault.nth + fault.times - 1:
            self._fault = None
            fault.struck.set()
        await self._outside(fault.kind)
        return "go" if fault.kind in ("drop", "term") else fault.kind
