"""Files of a room's workspace: on disk below the data directory, listed in the database."""

import asyncio
import errno
import os
import re
import secrets
from pathlib import Path

import asyncpg

from navi_bot.errors import Bug, StoreError
from navi_bot.messages import RoomId, SessionId
from navi_bot.ports.records import StoredFile
from navi_bot.store.codec import clean
from navi_bot.store.pool import acquired

NAME_LIMIT = 100
"""Bytes of a file's name; file systems take 255."""

_UNSAFE = re.compile(r"[\x00-\x1f\x7f/\\:*?\"<>|]+")


def safe_name(name: str) -> str:
    """Return a plain file name: no path, no leading dots, at most 100 bytes."""
    base = _UNSAFE.sub("_", clean(name).replace("\\", "/").rpartition("/")[2])
    base = "".join(letter for letter in base if letter.isprintable())
    base = base.strip(" .") or "file"
    stem, dot, ending = base.rpartition(".")
    if not dot or len(ending.encode()) > NAME_LIMIT // 4:
        stem, ending = base, ""
    room = NAME_LIMIT - len(ending.encode()) - len(dot)
    stem = stem.encode()[:room].decode("utf-8", "ignore").rstrip(" .") or "file"
    return f"{stem}.{ending}" if ending else stem


def workspace(data_dir: Path, room: RoomId) -> Path:
    """Return the folder of a room's own files."""
    return data_dir / "rooms" / str(room) / "files"


class PostgresFiles:
    """Implements the Files port."""

    def __init__(self, pool: asyncpg.Pool, data_dir: Path) -> None:
        self._pool = pool
        self._data_dir = data_dir

    async def keep(self, session: SessionId, name: str, mime: str, content: bytes) -> StoredFile:
        async with acquired(self._pool) as connection:
            room = await connection.fetchval("SELECT room_id FROM sessions WHERE id = $1", session)
        if room is None:
            raise Bug(f"There is no session {session}.")
        folder = workspace(self._data_dir, RoomId(room))
        try:
            target = await asyncio.to_thread(_write, folder, safe_name(name), content)
        except OSError as error:
            raise StoreError(f"The file could not be written: {error.strerror}.") from error
        path = str(target.relative_to(self._data_dir))
        async with acquired(self._pool) as connection:
            await connection.execute(
                "INSERT INTO files (session_id, name, path, mime, size) "
                "VALUES ($1, $2, $3, $4, $5)",
                session, target.name, path, clean(mime), len(content),
            )  # fmt: skip
        return StoredFile(target.name, path, mime, len(content))

    async def of(self, session: SessionId) -> tuple[StoredFile, ...]:
        async with acquired(self._pool) as connection:
            rows = await connection.fetch(
                "SELECT name, path, mime, size FROM files WHERE session_id = $1 ORDER BY id",
                session,
            )
        return tuple(StoredFile(row["name"], row["path"], row["mime"], row["size"]) for row in rows)


def _write(folder: Path, name: str, content: bytes) -> Path:
    """Write beside and move into place, under a name that nothing has yet."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    half = folder / f".{secrets.token_hex(8)}.part"
    descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        return _linked(half, folder, name)
    finally:
        half.unlink()


def _linked(half: Path, folder: Path, name: str) -> Path:
    stem, dot, ending = name.rpartition(".")
    stem, ending = (stem, dot + ending) if dot else (name, "")
    for number in range(1, 1000):
        target = folder / (name if number == 1 else f"{stem}-{number}{ending}")
        try:
            os.link(half, target)
        except FileExistsError:
            continue
        return target
    raise FileExistsError(errno.EEXIST, "too many files of one name", name)
