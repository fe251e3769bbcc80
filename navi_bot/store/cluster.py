"""Where the files of the embedded PostgreSQL lie, and how to reach its server."""

import fcntl
import os
from pathlib import Path
from urllib.parse import quote

import asyncpg

from navi_bot.errors import ConfigurationError

USER = "navi"
DATABASE = "postgres"
SOCKET_LIMIT = 100
"""Bytes of a socket's path that every system takes (Linux: 107)."""
ANSWER_TIMEOUT = 5.0
"""Seconds to connect, and to answer one question."""


class Cluster:
    """One cluster below a data directory."""

    def __init__(self, data_dir: Path) -> None:
        self.root = data_dir.absolute()
        self.folder = self.root / "postgres"
        self.password_file = self.root / "postgres.password"
        self.lock_file = self.root / "postgres.lock"
        self.log_file = self.root / "postgres.log"
        self.sockets = self.root / "postgres.sockets"

    @property
    def exists(self) -> bool:
        return (self.folder / "PG_VERSION").exists()

    @property
    def uses_socket(self) -> bool:
        return len(os.fsencode(self.sockets / ".s.PGSQL.5432")) <= SOCKET_LIMIT

    def dsn(self, port: int) -> str:
        """Return a URL that both asyncpg and psycopg take."""
        try:
            password = quote(self.password_file.read_text().strip())
        except OSError as error:
            raise ConfigurationError(
                f"The database's password in {self.password_file} cannot be read: "
                f"{error.strerror}. Put the file back from a backup."
            ) from error
        host = quote(str(self.sockets), safe="") if self.uses_socket else "127.0.0.1"
        return f"postgresql://{USER}:{password}@/{DATABASE}?host={host}&port={port}"

    def running(self) -> tuple[int, int] | None:
        """Return (process id, port) of the server's own note, if there is one."""
        try:
            lines = (self.folder / "postmaster.pid").read_text().splitlines()
            return int(lines[0]), int(lines[3])
        except (OSError, IndexError, ValueError):
            return None

    async def answers(self) -> str | None:
        """Return the DSN of a server of this cluster that answers now."""
        found = self.running()
        if found is None:
            return None
        dsn = self.dsn(found[1])
        try:
            connection = await asyncpg.connect(
                dsn, timeout=ANSWER_TIMEOUT, command_timeout=ANSWER_TIMEOUT
            )
            try:
                folder = await connection.fetchval("SHOW data_directory")
            finally:
                await connection.close(timeout=ANSWER_TIMEOUT)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
            return None
        return dsn if Path(folder) == self.folder else None


async def attach(data_dir: Path) -> str | None:
    """Return the DSN of a running daemon's server, None when there is none.

    The lock is tried for a moment only: a daemon that starts just then waits longer.
    """
    cluster = Cluster(data_dir)
    try:
        with cluster.lock_file.open("rb+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return await cluster.answers()
    except OSError:
        return None
    return None
