"""What an owner chose in a chat for the whole daemon."""

import asyncpg

from navi_bot.store.codec import clean
from navi_bot.store.pool import acquired


class PostgresChoices:
    """Implements the Choices port."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def load(self, name: str) -> str:
        async with acquired(self._pool) as connection:
            found = await connection.fetchval("SELECT value FROM choices WHERE name = $1", name)
        return str(found or "")

    async def save(self, name: str, value: str) -> None:
        async with acquired(self._pool) as connection:
            await connection.execute(
                "INSERT INTO choices (name, value) VALUES ($1, $2) ON CONFLICT (name) "
                "DO UPDATE SET value = excluded.value, changed_at = now()",
                name, clean(value),
            )  # fmt: skip
