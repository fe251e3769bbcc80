"""A session's own small data: checklist, scratchpad, profile."""

from collections.abc import Mapping, Sequence

import asyncpg

from navi_bot.events import Todo
from navi_bot.messages import SessionId
from navi_bot.store.codec import clean
from navi_bot.store.pool import acquired, transaction


class PostgresSessionState:
    """Implements the SessionState port for one session."""

    def __init__(self, pool: asyncpg.Pool, session: SessionId) -> None:
        self._pool = pool
        self._session = session

    async def todos(self) -> tuple[Todo, ...]:
        async with acquired(self._pool) as connection:
            rows = await connection.fetch(
                "SELECT text, state FROM todos WHERE session_id = $1 ORDER BY position",
                self._session,
            )
        return tuple(Todo(row["text"], row["state"]) for row in rows)

    async def replace_todos(self, items: Sequence[Todo]) -> None:
        rows = [
            (self._session, position, clean(item.text), item.state)
            for position, item in enumerate(items)
        ]
        async with transaction(self._pool) as connection:
            await connection.execute("DELETE FROM todos WHERE session_id = $1", self._session)
            await connection.executemany(
                "INSERT INTO todos (session_id, position, text, state) VALUES ($1, $2, $3, $4)",
                rows,
            )

    async def notes(self) -> Mapping[str, str]:
        async with acquired(self._pool) as connection:
            rows = await connection.fetch(
                "SELECT section, content FROM notes WHERE session_id = $1 ORDER BY section",
                self._session,
            )
        return {row["section"]: row["content"] for row in rows}

    async def write_note(self, section: str, text: str) -> None:
        async with acquired(self._pool) as connection:
            if not text:
                await connection.execute(
                    "DELETE FROM notes WHERE session_id = $1 AND section = $2",
                    self._session, clean(section),
                )  # fmt: skip
                return
            await connection.execute(
                "INSERT INTO notes (session_id, section, content) VALUES ($1, $2, $3) "
                "ON CONFLICT (session_id, section) DO UPDATE SET content = excluded.content, "
                "updated_at = now()",
                self._session, clean(section), clean(text),
            )  # fmt: skip

    async def switch_profile(self, profile_id: str) -> None:
        async with acquired(self._pool) as connection:
            await connection.execute(
                "UPDATE sessions SET profile_id = $2 WHERE id = $1", self._session, profile_id
            )
