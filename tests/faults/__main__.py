"""navi-bot as it is, with a hook at its fault points that asks a test what to do.

$FAULTS_SOCKET is where the test answers: a line with the point's name goes out,
a verdict comes back, and the whole process waits for it. The folder `extra`
beside this file adds a tool with an effect, as another shipped one.
"""

import asyncio
import os
import signal
import socket
import sys
from pathlib import Path

import tools
from navi_bot.__main__ import main
from navi_bot.fault_points import Point, watch

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


if __name__ == "__main__":
    watch(Asking(os.environ["FAULTS_SOCKET"]))
    sys.exit(main())
