"""The processes of a tool: started together, gone together.

    async with started("sh", "-c", script, folder=…, environment={}, stop=call.stop) as tree:
        text = await tree.stdout.read()
        code = await tree.wait()

A keeper (`keeper`) stands between us and the command. It ends the whole tree
when we let go of its pipe, and we let go of it on every way out: the block is
left, the task is cancelled, the turn is stopped, the daemon dies, by kill -9
too. What the command leaves running when it ends by itself is ended as well.

What this does not hold: a process that kills its own keeper on purpose, or
that became another user's. Code that would do so belongs into a sandbox.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import structlog

from navi_bot.ports.tools import Stop
from navi_bot.toolbox import keeper

log = structlog.get_logger()

GRACE = 2.0
"""Seconds from SIGTERM to SIGKILL. With the rest it stays below 5 s after a stop."""
PATIENCE = keeper.KILL_PATIENCE + 0.5
"""Seconds beyond the grace until we leave it to the keeper alone."""


class Tree:
    """A command and all that comes of it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None, "both are asked for as pipes"
        assert process.stderr is not None, "both are asked for as pipes"
        self._process = process
        self.stdin = process.stdin
        self.stdout: asyncio.StreamReader = process.stdout
        self.stderr: asyncio.StreamReader = process.stderr

    @property
    def keeper(self) -> int:
        """The pid of the process under which all the others are."""
        return self._process.pid

    async def wait(self) -> int:
        """Wait until none of the tree is left and its output is read.

        Returns the command's exit code: 128 + n after signal n, 127 when it
        could not be started (stderr says why).
        """
        return await self._process.wait()

    async def gone(self) -> None:
        """Wait until none is left, throwing away what they still write."""
        async with asyncio.TaskGroup() as reading:
            for stream in (self.stdout, self.stderr):
                reading.create_task(_emptied(stream))
        await self._process.wait()


@asynccontextmanager
async def started(
    *command: str,
    folder: Path,
    environment: Mapping[str, str],
    stop: Stop,
    stdin: bool = False,
    grace: float = GRACE,
) -> AsyncIterator[Tree]:
    """Run a command; none of its processes is left after the block, or after `stop`.

    `stop` (the turn's) ends them also where the block is not left. `stdin`: the
    command gets a pipe to read from, else nothing. Its streams are to be read by
    nobody else when the block is left. OSError when there is no such folder.
    """
    near, far = os.pipe()  # not inherited: whoever held `far` would keep the tree alive
    with ExitStack() as letting_go:
        letting_go.callback(os.close, far)
        tree = Tree(await _kept(command, near, grace, stdin=stdin, folder=folder, env=environment))
        os.write(far, b"1")  # only now there is something that the way out must end
        try:
            async with _Watch(stop, letting_go.close):
                yield tree
        finally:
            letting_go.close()
            try:
                async with asyncio.timeout(grace + PATIENCE):
                    await tree.gone()
            except TimeoutError:
                log.error("process_tree_left", keeper=tree.keeper)


class _Watch:
    """Waits for the stop beside the block."""

    def __init__(self, stop: Stop, let_go: Callable[[], None]) -> None:
        self._stop = stop
        self._let_go = let_go
        self._group = asyncio.TaskGroup()

    async def __aenter__(self) -> None:
        await self._group.__aenter__()
        self._task = self._group.create_task(self._wait())

    async def __aexit__(self, *_: object) -> None:
        # The group is not shown why we leave: it would wrap the error.
        self._task.cancel()
        await self._group.__aexit__(None, None, None)

    async def _wait(self) -> None:
        await self._stop.wait()
        self._let_go()


async def _kept(
    command: Sequence[str],
    pipe: int,
    grace: float,
    *,
    stdin: bool,
    folder: Path,
    env: Mapping[str, str],
) -> asyncio.subprocess.Process:
    """Start a keeper, which waits at its pipe before it starts the command."""
    try:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", keeper.__file__, str(pipe), str(grace), *command),
            stdin=asyncio.subprocess.PIPE if stdin else asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=folder,
            env=env,
            pass_fds=(pipe,),
            start_new_session=True,
        )
    finally:
        os.close(pipe)


async def _emptied(stream: asyncio.StreamReader) -> None:
    while await stream.read(1 << 16):
        pass
