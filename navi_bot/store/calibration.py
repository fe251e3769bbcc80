"""Characters per token of each model, as learned from its own counts."""

from collections.abc import Mapping

import asyncpg

from navi_bot.store.pool import acquired


class PostgresCalibration:
    """Implements the Calibration port."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def load(self) -> Mapping[str, float]:
        async with acquired(self._pool) as connection:
            rows = await connection.fetch("SELECT model, characters_per_token FROM calibration")
        return {row["model"]: row["characters_per_token"] for row in rows}

    async def save(self, model: str, characters_per_token: float) -> None:
        async with acquired(self._pool) as connection:
            await connection.execute(
                "INSERT INTO calibration (model, characters_per_token) VALUES ($1, $2) "
                "ON CONFLICT (model) DO UPDATE SET "
                "characters_per_token = excluded.characters_per_token, updated_at = now()",
                model, characters_per_token,
            )  # fmt: skip
