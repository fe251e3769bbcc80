"""Events taken in, once each, and what became of them."""

from collections.abc import Sequence
from functools import partial
from typing import Literal

import asyncpg

from navi_bot.messages import Address, Inbound, InboxId, PersonId, Post, Role, RoomId
from navi_bot.ports.records import Accepted, Facts, TurnRequest, Unhandled
from navi_bot.store import codec
from navi_bot.store.facts import read_facts
from navi_bot.store.intake import take
from navi_bot.store.outbox import POST, WANT, rows_of
from navi_bot.store.pool import acquired, repeated

_HANDLED = (
    "WITH post AS (SELECT p.* FROM"
    + POST
    + ")"
    + WANT
    + "UPDATE inbox SET state = $3, handled_at = now() WHERE id = $2"
)


class PostgresInbox:
    """Implements the Inbox port."""

    def __init__(self, pool: asyncpg.Pool, default_profile: str) -> None:
        self._pool = pool
        self._default_profile = default_profile

    async def facts(self, inbound: Inbound) -> Facts:
        async with acquired(self._pool) as connection:
            return await read_facts(connection, inbound)

    async def take(
        self,
        inbound: Inbound,
        person: PersonId | None,
        turn: TurnRequest | None,
        cursor: str,
        believed: Role | None = None,
    ) -> Accepted | None:
        profile = self._default_profile
        return await take(self._pool, inbound, person, turn, cursor, profile, believed)

    async def handled(
        self, inbox: InboxId, posts: Sequence[Post] = (), *, parked: bool = False
    ) -> None:
        state = "parked" if parked else "done"
        await repeated(partial(self._handled, rows_of(posts), inbox, state))

    async def _handled(self, posts: list[codec.Json], inbox: InboxId, state: str) -> None:
        async with acquired(self._pool) as connection:
            await connection.execute(_HANDLED, posts, inbox, state)

    async def begin_attempt(self, inbox: InboxId) -> int:
        async with acquired(self._pool) as connection:
            count = await connection.fetchval(
                "UPDATE inbox SET attempts = attempts + 1 WHERE id = $1 AND state = 'new' "
                "RETURNING attempts",
                inbox,
            )
        return int(count or 0)

    async def between(
        self, room: RoomId, first: int, last: int, person: PersonId
    ) -> tuple[Inbound, ...]:
        async with acquired(self._pool) as connection:
            rows = await connection.fetch(
                "SELECT payload FROM inbox WHERE room_id = $1 AND id BETWEEN $2 AND $3 "
                "AND person_id = $4 ORDER BY id LIMIT 200",
                room, first, last, person,
            )  # fmt: skip
        return tuple(codec.load_inbound(row["payload"]) for row in rows)

    async def unhandled(self, platform: str, account: str) -> tuple[Unhandled, ...]:
        async with acquired(self._pool) as connection:
            rows = await connection.fetch(
                "SELECT id, room_id, payload, attempts FROM inbox "
                "WHERE platform = $1 AND account = $2 AND state = 'new' ORDER BY id",
                platform, account,
            )  # fmt: skip
        return tuple(
            Unhandled(
                InboxId(row["id"]),
                RoomId(row["room_id"]) if row["room_id"] is not None else None,
                codec.load_inbound(row["payload"]),
                row["attempts"],
            )
            for row in rows
        )

    async def cursor(self, platform: str, account: str) -> str:
        async with acquired(self._pool) as connection:
            found = await connection.fetchval(
                "SELECT cursor FROM accounts WHERE platform = $1 AND account = $2",
                platform, account,
            )  # fmt: skip
        return str(found or "")

    async def keep_cursor(self, platform: str, account: str, cursor: str) -> None:
        async with acquired(self._pool) as connection:
            await connection.execute(
                "INSERT INTO accounts (platform, account, cursor) VALUES ($1, $2, $3) "
                "ON CONFLICT (platform, account) DO UPDATE SET cursor = excluded.cursor",
                platform, account, cursor,
            )  # fmt: skip

    async def move_room(self, address: Address, new_chat: str) -> None:
        async with acquired(self._pool) as connection:
            await connection.execute(
                """
                UPDATE rooms r SET chat = $4
                WHERE r.platform = $1 AND r.account = $2 AND r.chat = $3 AND NOT EXISTS (
                    SELECT FROM rooms other WHERE other.platform = $1 AND other.account = $2
                    AND other.chat = $4 AND other.thread = r.thread)
                """,
                address.platform, address.account, codec.clean(address.chat),
                codec.clean(new_chat),
            )  # fmt: skip

    async def mark_room(self, room: RoomId, state: Literal["active", "gone"]) -> None:
        async with acquired(self._pool) as connection:
            await connection.execute("UPDATE rooms SET state = $2 WHERE id = $1", room, state)
