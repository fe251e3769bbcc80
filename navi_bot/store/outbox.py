"""Pages as they shall be shown, and as the platform has accepted them.

One row a page. While a turn streams, a row holds what its first send showed
(its buttons must be known); `want` stores the settled pages in the
transaction that decided them, and they are delivered until acknowledged.
Rows beyond a settled post's last page are left to be deleted.
"""

import asyncpg

from navi_bot.messages import Head, Page, Post, RoomId
from navi_bot.pagehash import page_hash
from navi_bot.ports.delivery import StoredPage, StoredPost
from navi_bot.store import codec
from navi_bot.store.pool import Connection, acquired

_WANT = """
INSERT INTO outbox (room_id, post, page, head, final, desired, desired_hash)
VALUES ($1, $2, $3, $4, true, $5, $6)
ON CONFLICT (post, page) DO UPDATE SET
    final = true, desired = excluded.desired, desired_hash = excluded.desired_hash,
    head = excluded.head
"""

_SURPLUS = """
UPDATE outbox SET final = true, desired = NULL, desired_hash = ''
WHERE post = $1 AND page >= $2
"""

_COLUMNS = """
SELECT room_id, post, page, head, final, desired, desired_hash, acknowledged_hash,
       message_id, transaction, uncertain
FROM outbox
"""

_UNFINISHED = (
    _COLUMNS
    + """
WHERE post IN (
    SELECT o.post FROM outbox o JOIN rooms r ON r.id = o.room_id
    WHERE r.platform = $1 AND r.account = $2 AND r.state = 'active'
      AND o.final AND o.desired_hash <> o.acknowledged_hash AND o.abandoned = ''
)
ORDER BY id
"""
)

_BEGIN = """
INSERT INTO outbox (room_id, post, page, head, desired, transaction, uncertain)
VALUES ($1, $2, $3, $4, $5, $6, true)
ON CONFLICT (post, page) DO UPDATE SET
    transaction = excluded.transaction, uncertain = true, head = excluded.head,
    desired = CASE WHEN outbox.final THEN outbox.desired ELSE excluded.desired END
"""


async def want(connection: Connection, post: Post) -> None:
    """Store what a settled post shall show, in the running transaction."""
    head = codec.dump_head(post.head)
    for number, page in enumerate(post.pages):
        await connection.execute(
            _WANT, post.head.room, post.head.key, number, head,
            codec.dump_page(page), page_hash(page),
        )  # fmt: skip
    await connection.execute(_SURPLUS, post.head.key, len(post.pages))


class PostgresOutbox:
    """Implements the Outbox port."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def load(self, key: str) -> StoredPost | None:
        async with acquired(self._pool) as connection:
            rows = await connection.fetch(_COLUMNS + " WHERE post = $1 ORDER BY page", key)
        return _post(rows) if rows else None

    async def unfinished(self, platform: str, account: str) -> tuple[StoredPost, ...]:
        async with acquired(self._pool) as connection:
            rows = await connection.fetch(_UNFINISHED, platform, account)
        posts: dict[str, list[asyncpg.Record]] = {}
        for row in rows:
            posts.setdefault(row["post"], []).append(row)
        return tuple(
            _post(sorted(pages, key=lambda row: int(row["page"]))) for pages in posts.values()
        )

    async def begin(self, head: Head, number: int, transaction: str, page: Page) -> None:
        async with acquired(self._pool) as connection:
            await connection.execute(
                _BEGIN, head.room, head.key, number, codec.dump_head(head),
                codec.dump_page(page), transaction,
            )  # fmt: skip

    async def sent(self, key: str, number: int, message_id: str, shown_hash: str) -> None:
        await self._update(
            "UPDATE outbox SET message_id = $3, acknowledged_hash = $4, uncertain = false "
            "WHERE post = $1 AND page = $2",
            key, number, message_id, shown_hash,
        )  # fmt: skip

    async def not_sent(self, key: str, number: int) -> None:
        await self._update(
            "UPDATE outbox SET uncertain = false WHERE post = $1 AND page = $2", key, number
        )

    async def shown(self, key: str, number: int, shown_hash: str) -> None:
        await self._update(
            "UPDATE outbox SET acknowledged_hash = $3 WHERE post = $1 AND page = $2",
            key, number, shown_hash,
        )  # fmt: skip

    async def gone(self, key: str, number: int) -> None:
        await self._update(
            "UPDATE outbox SET message_id = '', acknowledged_hash = '' "
            "WHERE post = $1 AND page = $2",
            key, number,
        )  # fmt: skip

    async def abandon(self, room: RoomId, reason: str) -> None:
        async with acquired(self._pool) as connection:
            await connection.execute(
                """
                WITH paused AS (UPDATE rooms SET state = 'gone' WHERE id = $1)
                UPDATE outbox SET abandoned = $2
                WHERE room_id = $1 AND final AND desired_hash <> acknowledged_hash
                """,
                room, reason or "unreachable",
            )  # fmt: skip

    async def _update(self, statement: str, *values: object) -> None:
        async with acquired(self._pool) as connection:
            await connection.execute(statement, *values)


def _post(rows: list[asyncpg.Record]) -> StoredPost:
    final = all(row["final"] for row in rows)
    return StoredPost(codec.load_head(rows[0]["head"]), final, tuple(_page(row) for row in rows))


def _page(row: asyncpg.Record) -> StoredPage:
    desired = row["desired"] if row["final"] else None
    return StoredPage(
        number=row["page"],
        desired=codec.load_page(desired) if desired else None,
        desired_hash=row["desired_hash"],
        acknowledged_hash=row["acknowledged_hash"],
        message_id=row["message_id"],
        transaction=row["transaction"],
        uncertain=row["uncertain"],
    )
