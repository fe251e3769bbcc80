"""Starts a server's holder, kills it, and sees what is left."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import asyncpg
from daemon import become_subreaper

SCRIPT = Path(__file__).with_name("server_holder.py")
NOBODY = 65534
END_WAIT = 15.0
"""Seconds for the last process of a server; two busy cores included."""

ENVIRONMENT = {
    "PATH": os.environ.get("PATH", os.defpath),
    "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    "PYTHONDONTWRITEBYTECODE": "1",
}
"""No LANG, no LC_*, no HOME: what a bare service manager gives."""


@dataclass(frozen=True)
class Process:
    """One process of a server. A zombie is not alive."""

    pid: int

    def works_in(self, folder: Path) -> bool:
        try:
            return os.readlink(f"/proc/{self.pid}/cwd") == str(folder)
        except OSError:
            return False

    @property
    def alive(self) -> bool:
        return self._field("State:") not in ("", "Z")

    @property
    def user(self) -> int:
        return int(self._field("Uid:"))

    def suspend(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)

    def _field(self, name: str) -> str:
        try:
            lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        except OSError:
            return ""
        return next(line.split()[1] for line in lines if line.startswith(name))


class Holder:
    """One holder process and the server that it reports."""

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        self.process = process
        self.folder = folder
        assert process.stdout is not None
        self.said: dict[str, Any] = json.loads(process.stdout.readline() or "{}")

    @property
    def dsn(self) -> str:
        assert "dsn" in self.said, self.said
        return str(self.said["dsn"])

    @property
    def server(self) -> Process:
        return Process(self.said["pid"])

    async def ask(self, question: str) -> Any:
        connection = await asyncpg.connect(self.dsn, timeout=10)
        try:
            return await connection.fetchval(question)
        finally:
            await connection.close()

    def left(self) -> list[Process]:
        """Return the live processes of the server."""
        everything = (Process(int(name)) for name in os.listdir("/proc") if name.isdigit())
        return [each for each in everything if each.works_in(self.folder)]

    def until_nothing_is_left(self) -> float:
        """Wait for the server's end; return the seconds it took."""
        began = time.monotonic()
        while self.left():
            assert time.monotonic() - began < END_WAIT, f"still there: {self.left()}"
            time.sleep(0.05)
        return time.monotonic() - began


@contextmanager
def held(
    data_dir: Path,
    before: Sequence[str] = (),
    python: str = sys.executable,
    user: int | None = None,
    path: str = "",
) -> Iterator[Holder]:
    """Run a holder for the data directory; whatever is left of it is ended and reaped."""
    become_subreaper()
    process = subprocess.Popen(
        [*before, python, str(SCRIPT), str(data_dir)],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd="/",
        env=ENVIRONMENT | {"PATH": path or ENVIRONMENT["PATH"]},
        user=user, group=user, extra_groups=None if user is None else [],
    )  # fmt: skip
    try:
        holder = Holder(process, data_dir / "postgres")
        started = holder.left()
        try:
            yield holder
        finally:
            for each in holder.left():
                each.kill()
            _reap(started)
    finally:
        process.kill()
        process.communicate()


@cache
def python_for_nobody() -> str:
    """Return an interpreter that another account can run this project with, or ""."""
    for python in (sys.executable, "/usr/bin/python3"):
        try:
            done = subprocess.run(
                [python, "-c", "import navi_bot.store.embedded"],
                env=ENVIRONMENT, cwd="/", capture_output=True, timeout=30, check=False,
                user=NOBODY, group=NOBODY, extra_groups=[],
            )  # fmt: skip
        except OSError:
            continue
        if done.returncode == 0:
            return python
    return ""


def _reap(processes: list[Process]) -> None:
    """Take the ends of orphans that have become our children."""
    for each in processes:
        try:
            os.waitpid(each.pid, 0)
        except ChildProcessError:
            continue
