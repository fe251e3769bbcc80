"""The daemon as a real process, for tests: start, read its log, kill, start again.

    async with Daemon(environment) as daemon:
        await daemon.ready()
        daemon.kill()

Its log is JSON on stderr; every line is kept in `daemon.log`. Children that a
killed daemon leaves behind become ours (PR_SET_CHILD_SUBREAPER) and are reaped.
"""

import asyncio
import ctypes
import json
import os
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

PR_SET_CHILD_SUBREAPER = 36
READY_WAIT = 40.0
"""Seconds; two busy cores and a cold cluster included."""
LEFT_ALONE = ("PATH", "HOME", "LANG", "PYTHONPATH", "VIRTUAL_ENV", "TMPDIR")


def become_subreaper() -> None:
    """Adopt orphans, so that a killed daemon's children can be seen and reaped."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


class Daemon:
    """One run of `navi-bot`. The environment is the given one and nothing else of NAVI_."""

    def __init__(
        self,
        environment: Mapping[str, str],
        *arguments: str,
        cwd: Path | None = None,
        stdin: bytes | None = None,
        module: str = "navi_bot",
    ) -> None:
        """`module`: what Python runs; another one than the program's own prepares it first."""
        kept = {name: os.environ[name] for name in LEFT_ALONE if name in os.environ}
        self._environment = {**kept, "NAVI_LOG_FORMAT": "json", **environment}
        self._arguments = arguments or ("run",)
        self._cwd = cwd
        self._stdin = stdin
        self._module = module
        self._process: asyncio.subprocess.Process | None = None
        self._reading: list[asyncio.Task[None]] = []
        self._changed = asyncio.Event()
        self.log: list[dict[str, Any]] = []
        self.raw: list[str] = []
        self.out = ""

    async def __aenter__(self) -> Self:
        become_subreaper()
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            self._module,
            *self._arguments,
            stdin=asyncio.subprocess.PIPE
            if self._stdin is not None
            else asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=self._environment,
            cwd=self._cwd,
            limit=1 << 24,
        )
        self._reading = [
            asyncio.ensure_future(self._read_log()),
            asyncio.ensure_future(self._read_out()),
        ]
        if self._stdin is not None and self._process.stdin is not None:
            self._process.stdin.write(self._stdin)
            self._process.stdin.close()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.running:
            self.terminate()
            try:
                await self.ended(15)
            except TimeoutError:
                self.kill()
                await self.ended(5)
        for task in self._reading:
            task.cancel()
        await asyncio.gather(*self._reading, return_exceptions=True)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    def kill(self) -> None:
        """kill -9, by pid."""
        os.kill(self.pid, signal.SIGKILL)

    def terminate(self) -> None:
        os.kill(self.pid, signal.SIGTERM)

    async def ended(self, timeout: float = 20.0) -> int:  # noqa: ASYNC109 - a test's own limit
        """Wait for the process to end; return its exit code."""
        assert self._process is not None
        async with asyncio.timeout(timeout):
            code = await self._process.wait()
            await asyncio.gather(*self._reading, return_exceptions=True)
        return code

    async def ready(self) -> dict[str, Any]:
        return await self.event("daemon_ready", within=READY_WAIT)

    async def event(self, name: str, *, within: float = 10.0, nth: int = 1) -> dict[str, Any]:
        """Wait for the nth log event of a name; fails at once if the daemon ends."""
        deadline = time.monotonic() + within
        while True:
            found = [line for line in self.log if line.get("event") == name]
            if len(found) >= nth:
                return found[nth - 1]
            left = deadline - time.monotonic()
            if left <= 0 or not self.running:
                tail = "\n".join(self.raw[-25:])
                raise TimeoutError(f"no event {name} within {within} s; the log ends:\n{tail}")
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), min(left, 0.2))
            except TimeoutError:
                continue

    async def _read_log(self) -> None:
        assert self._process is not None
        assert self._process.stderr is not None
        async for line in self._process.stderr:
            text = line.decode(errors="replace").rstrip("\n")
            self.raw.append(text)
            try:
                self.log.append(json.loads(text))
            except ValueError:
                self.log.append({"event": "", "text": text})
            self._changed.set()

    async def _read_out(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        while piece := await self._process.stdout.read(65536):
            self.out += piece.decode(errors="replace")
