"""Between a terminal and the daemon: two tables and NOTIFY."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from navi_bot.errors import StoreUnavailable
from navi_bot.messages import Inbound, Page
from navi_bot.ports.relay import Side
from navi_bot.store import codec
from navi_bot.store.pool import acquired, transaction

CHANNELS: dict[Side, str] = {"daemon": "navi_relay_in", "terminal": "navi_relay_out"}


class PostgresRelay:
    """Implements the Relay port."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def say(self, inbound: Inbound) -> None:
        async with transaction(self._pool) as connection:
            await connection.execute(
                "INSERT INTO relay_inputs (payload) VALUES ($1)", codec.dump_inbound(inbound)
            )
            await connection.execute("SELECT pg_notify($1, '')", CHANNELS["daemon"])

    async def take(self) -> tuple[Inbound, ...]:
        async with acquired(self._pool) as connection:
            rows = await connection.fetch("DELETE FROM relay_inputs RETURNING id, payload")
        ordered = sorted(rows, key=lambda row: int(row["id"]))
        return tuple(codec.load_inbound(row["payload"]) for row in ordered)

    async def draw(self, message_id: str, page: Page, final: bool) -> None:
        async with transaction(self._pool) as connection:
            await connection.execute(
                """
                WITH old AS (
                    DELETE FROM relay_pages WHERE updated_at < now() - interval '1 hour'
                )
                INSERT INTO relay_pages (message_id, page, final) VALUES ($1, $2, $3)
                ON CONFLICT (message_id) DO UPDATE SET
                    page = excluded.page, final = excluded.final, updated_at = now()
                """,
                message_id, codec.dump_page(page), final,
            )  # fmt: skip
            await connection.execute("SELECT pg_notify($1, $2)", CHANNELS["terminal"], message_id)

    async def drawn(self, message_id: str) -> tuple[Page, bool] | None:
        async with acquired(self._pool) as connection:
            row = await connection.fetchrow(
                "SELECT page, final FROM relay_pages WHERE message_id = $1", message_id
            )
        return (codec.load_page(row["page"]), row["final"]) if row else None

    @asynccontextmanager
    async def news(self, side: Side) -> AsyncIterator[AsyncIterator[str]]:
        """Listen on a connection of its own while the context lasts."""
        backlog = _Backlog()

        def hear(*arguments: object) -> None:
            backlog.add(str(arguments[3]))

        def lost(_connection: object) -> None:
            backlog.close()

        async with acquired(self._pool) as connection:
            connection.add_termination_listener(lost)
            await connection.add_listener(CHANNELS[side], hear)
            try:
                yield backlog.heard()
            finally:
                if not backlog.closed:
                    connection.remove_termination_listener(lost)
                    await connection.remove_listener(CHANNELS[side], hear)


class _Backlog:
    """What was heard and not listened to yet: each thing once, so that it stays small."""

    def __init__(self) -> None:
        self._waiting: dict[str, None] = {}
        self._changed = asyncio.Event()
        self.closed = False

    def add(self, news: str) -> None:
        self._waiting[news] = None
        self._changed.set()

    def close(self) -> None:
        self.closed = True
        self._changed.set()

    async def heard(self) -> AsyncIterator[str]:
        """Yield news as it comes; StoreUnavailable when the connection is gone."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            while self._waiting:
                news = next(iter(self._waiting))
                del self._waiting[news]
                yield news
            if self.closed:
                raise StoreUnavailable("The database does not answer now.")
