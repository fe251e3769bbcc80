"""Where the files of the embedded PostgreSQL lie, and how to reach its server."""

import fcntl
import os
from pathlib import Path
from urllib.parse import quote

import asyncpg

USER = "navi"
DATABASE = "postgres"
SOCKET_LIMIT = 100
"""Bytes of a socket's path that every system takes (Linux: 107)."""


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
    def uses_socket(self) -> bool:
        return len(os.fsencode(self.sockets / ".s.PGSQL.5432")) <= SOCKET_LIMIT

    def dsn(self, port: int) -> str:
        """Return a URL that both asyncpg and psycopg take."""
        password = quote(self.password_file.read_text().strip())
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
        if found is None or not self.password_file.exists():
            return None
        dsn = self.dsn(found[1])
        try:
            connection = await asyncpg.connect(dsn, timeout=5.0)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
            return None
        folder = await connection.fetchval("SHOW data_directory")
        await connection.close()
        return dsn if Path(folder) == self.folder else None


async def attach(data_dir: Path) -> str | None:
    """Return the DSN of a running daemon's server, None when there is none."""
    cluster = Cluster(data_dir)
    if not cluster.lock_file.exists():
        return None
    with cluster.lock_file.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return await cluster.answers()
    return None
