"""Finding processes that bear a mark: a variable that all children inherit."""

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

VARIABLE = "NAVI_TEST_MARK"


def marked(mark: str) -> list[int]:
    """Return the living processes with a mark; zombies have no environment any more."""
    return list(_found(f"{VARIABLE}={mark}\0".encode()))


def _found(wanted: bytes) -> Iterator[int]:
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            with suppress(OSError):
                if wanted in (folder / "environ").read_bytes() + b"\0":
                    yield int(folder.name)


async def grown(mark: str, count: int, within: float = 5.0) -> None:
    """Wait until so many processes bear the mark."""
    async with asyncio.timeout(within):
        while len(marked(mark)) < count:  # noqa: ASYNC110 - other processes set no event of ours
            await asyncio.sleep(0.01)


async def gone(mark: str, within: float) -> float:
    """Wait until none bears it any more; return how long that took."""
    began = time.monotonic()
    async with asyncio.timeout(within):
        while marked(mark):  # noqa: ASYNC110 - the same
            await asyncio.sleep(0.005)
    return time.monotonic() - began


def clear(mark: str) -> None:
    """Kill what a failed test left."""
    for pid in marked(mark):
        with suppress(OSError):
            os.kill(pid, signal.SIGKILL)
