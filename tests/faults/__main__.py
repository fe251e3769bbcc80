"""navi-bot as it is, with a hook at its fault points that asks a test what to do.

$FAULTS_SOCKET is where the test answers: a line with the point's name goes out,
a verdict comes back, and the whole process waits for it. The folder `extra`
beside this file adds a tool with an effect, as another shipped one.

At SIGUSR2 it writes what lives in it into $FAULTS_COUNTS: tasks by what they
run, and objects of the program's own types. Garbage is collected first, so that
these are in use; whoever wants to know the process's size asks the system before.
"""

import asyncio
import gc
import json
import os
import signal
import socket
import sys
from collections import Counter
from pathlib import Path

import tools
from navi_bot.__main__ import main
from navi_bot.fault_points import Point, watch

OURS = ("navi_bot", "adapters", "tools")

# Not appended in place: the start-up guard looks at the package's own list.
tools.__path__ = [*tools.__path__, str(Path(__file__).with_name("extra"))]


class Injected(Exception):
    """A fault that nothing in the program knows."""


class Asking:
    """The hook: asks, and does what it is told."""

    def __init__(self, path: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(path)
        self._answers = self._socket.makefile("r")

    async def __call__(self, point: Point) -> None:
        self._socket.sendall(f"{point}\n".encode())
        match self._answers.readline().strip():
            case "raise":
                raise Injected(point)
            case "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            case "hang":
                await asyncio.Event().wait()


def count(path: Path) -> None:
    """Write what lives in this process."""
    gc.collect()
    kinds = Counter(type(each) for each in gc.get_objects())
    objects = {
        f"{kind.__module__}.{kind.__qualname__}": number
        for kind, number in kinds.items()
        if str(kind.__module__).partition(".")[0] in OURS  # a descriptor, of some classes
    }
    run = (task.get_coro() for task in asyncio.all_tasks())
    tasks = Counter(getattr(each, "__qualname__", type(each).__name__) for each in run)
    written = path.with_suffix(".new")
    written.write_text(json.dumps({"objects": objects, "tasks": tasks}), encoding="utf-8")
    written.rename(path)


if __name__ == "__main__":
    if "FAULTS_COUNTS" in os.environ:
        signal.signal(signal.SIGUSR2, lambda *_: count(Path(os.environ["FAULTS_COUNTS"])))
    watch(Asking(os.environ["FAULTS_SOCKET"]))
    sys.exit(main())
