"""Keeps one command of a tool, and ends whatever came of it. A process of its own.

    daemon ── control pipe ──► keeper ──► command ──► its children, and theirs
                                 ▲                         │
                                 └── orphans come here ◄───┘

The keeper is a subreaper: a descendant that loses its parent becomes its
child, whatever session or group it went to. So nothing of the tree gets away,
and the tree is empty exactly when the keeper has no child left.

The command begins at the first byte in the pipe. The tree ends when the
command has ended, when the pipe closes (the daemon let go of it, or died) or
at SIGTERM: SIGTERM to all, and after a grace SIGKILL to who is left. The exit
code is the command's, 128 + n after signal n. Run by its path, with nothing
but the standard library: python -I -S keeper.py PIPE GRACE COMMAND…
"""

import ctypes
import os
import select
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple, NoReturn

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
LOOK_AGAIN = 0.05
"""Seconds between looks during the grace; a child's end is heard at once."""
KILL_AGAIN = 0.002
"""Seconds between two rounds of SIGKILL: who forks meanwhile is met in the next."""
KILL_PATIENCE = 2.0
"""Seconds of SIGKILL after which what is left cannot be killed: another user's, or stuck."""
CANNOT_START = 127

libc = ctypes.CDLL(None, use_errno=True)


class Found(NamedTuple):
    """A process of the tree."""

    pid: int
    group: int


def descendants(top: int) -> Iterator[Found]:
    """Yield the processes below one, parents first."""
    children: dict[int, list[Found]] = defaultdict(list)
    for name in filter(str.isdecimal, os.listdir("/proc")):
        with suppress(OSError), open(f"/proc/{name}/stat", "rb") as file:
            _state, parent, group = file.read().rpartition(b")")[2].split()[:3]
            children[int(parent)].append(Found(int(name), int(group)))
    waiting = [top]
    while waiting:
        below = children.pop(waiting.pop(), [])
        yield from below
        waiting += [found.pid for found in below]


class Keeper:
    """One command, from its start until none of its tree is left."""

    def __init__(self, pipe: int, grace: float) -> None:
        self._pipe = pipe
        self._grace = grace
        self._command = 0
        self._code: int | None = None
        self._told = False
        self._woken, waking = os.pipe()
        os.set_blocking(waking, False)
        os.set_blocking(self._woken, False)
        signal.set_wakeup_fd(waking, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, self._tell)

    def keep(self, command: list[str]) -> int:
        """Run the command to its end, and end the rest; return its exit code."""
        if not os.read(self._pipe, 1):
            return 0
        self._command = _begun(command)
        _let_go_of_streams()
        while self._any_left() and self._code is None and not self._told:
            self._rest(None)
        self._end()
        return CANNOT_START if self._code is None else self._code

    def _tell(self, *_: object) -> None:
        self._told = True

    def _any_left(self) -> bool:
        """Reap who has ended; answer whether the tree has a process left."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            if pid == self._command:
                code = os.waitstatus_to_exitcode(status)
                self._code = 128 - code if code < 0 else code

    def _rest(self, seconds: float | None) -> None:
        """Wait until a child ends or something is asked of us."""
        heard = [self._woken] if self._told else [self._woken, self._pipe]
        ready, _, _ = select.select(heard, [], [], seconds)
        if self._pipe in ready and not os.read(self._pipe, 64):
            self._told = True
        with suppress(BlockingIOError):
            os.read(self._woken, 4096)

    def _end(self) -> None:
        """SIGTERM to all; SIGKILL to who is there after the grace, until nobody is."""
        self._told = True
        began = time.monotonic()
        if self._any_left():
            _signal_all(signal.SIGTERM)
        while self._any_left() and time.monotonic() - began < self._grace:
            self._rest(LOOK_AGAIN)
        began = time.monotonic()
        while self._any_left() and time.monotonic() - began < KILL_PATIENCE:
            for number in (signal.SIGSTOP, signal.SIGKILL):  # who is stopped forks no more
                _signal_groups(number)
                _signal_all(number)
            self._rest(KILL_AGAIN)


def _signal_all(number: signal.Signals) -> None:
    """Signal every process of the tree once: some take a second SIGTERM for impatience."""
    for found in list(descendants(os.getpid())):
        with suppress(ProcessLookupError, PermissionError):
            os.kill(found.pid, number)


def _signal_groups(number: signal.Signals) -> None:
    """Signal every group of the tree, which reaches who is just being born as well."""
    for group in {found.group for found in descendants(os.getpid())} - {os.getpgrp(), 0}:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(group, number)


def _begun(command: list[str]) -> int:
    """Start the command in a session of its own; return its pid."""
    keeper = os.getpid()
    pid = os.fork()
    if pid == 0:
        _become(command, keeper)
    return pid


def _become(command: list[str], keeper: int) -> NoReturn:
    try:
        os.setsid()
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGPIPE):
            signal.signal(number, signal.SIG_DFL)
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() == keeper:
            os.execvp(command[0], command)
    except OSError as error:
        os.write(2, f"{command[0]}: {error.strerror}\n".encode())
    os._exit(CANNOT_START)


def _let_go_of_streams() -> None:
    """Leave the command's streams to the command, so that they end with it."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    os.close(nothing)


def main(arguments: list[str]) -> int:
    pipe, grace, *command = arguments
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    return Keeper(int(pipe), float(grace)).keep(command)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
