"""Finding processes that bear a mark: a variable that all children inherit."""

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

VARIABLE = "NAVI_TEST_MARK"

STUBBORN = """
import os, signal, sys, time
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
def children(depth):
    for number in range(2):
        if os.fork() == 0:
            if number:
                os.setsid()
            if depth:
                children(depth - 1)
            time.sleep(600)
children(int(sys.argv[1]))
time.sleep(600)
"""
"""A tree of as many generations as its argument says: with 2 of 15 processes, with 1 of 7.

Half of them lead sessions of their own, and none heeds SIGTERM.
"""


def marked(mark: str) -> list[int]:
    """Return the living processes with a mark; zombies have no environment any more."""
    return list(_found(f"{VARIABLE}={mark}\0".encode()))


def all_marks() -> set[str]:
    """Return every mark that a living process bears."""
    found = (_mark(folder) for folder in Path("/proc").iterdir() if folder.name.isdecimal())
    return {mark for mark in found if mark}


def _mark(folder: Path) -> str:
    with suppress(OSError):
        for variable in (folder / "environ").read_bytes().split(b"\0"):
            name, _, value = variable.decode(errors="replace").partition("=")
            if name == VARIABLE:
                return value
    return ""


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
