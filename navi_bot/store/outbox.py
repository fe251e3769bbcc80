"""Pages as they shall be shown, and as the platform has accepted them.

One row a page. While a turn streams, a row holds the buttons of what its
message shows (a press must be known); `WANT` stores the settled pages in the
statement that decides them, and they are delivered until acknowledged.
Rows beyond a settled post's last page are left to be deleted.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import asyncpg

from navi_bot.messages import Head, Page, Post, RoomId
from navi_bot.pagehash import page_hash
from navi_bot.ports.delivery import PageNote, StoredPage, StoredPost
from navi_bot.store import codec
from navi_bot.store.pool import Connection, acquired, repeated

POST = """
jsonb_to_recordset($1::jsonb) AS p (room_id bigint, post text, head jsonb, pages jsonb)
"""
WANT = """
, settled AS (
    INSERT INTO outbox (room_id, post, page, head, final, desired, desired_hash)
    SELECT post.room_id, post.post, page.number - 1, post.head, true,
        page.value -> 'page', page.value ->> 'hash'
    FROM post CROSS JOIN LATERAL jsonb_array_elements(post.pages)
        WITH ORDINALITY AS page (value, number)
    ORDER BY post.post, page.number
    ON CONFLICT (post, page) DO UPDATE SET
        final = true, desired = excluded.desired, desired_hash = excluded.desired_hash,
        head = excluded.head
), surplus AS (
    UPDATE outbox o SET final = true, desired = NULL, desired_hash = ''
    FROM post WHERE o.post = post.post AND o.page >= jsonb_array_length(post.pages)
)
"""
"""Parts that store what settled posts shall show, of the statement that decides it.

Such a statement binds the posts' rows as $1 and has a part `post` before
these, selected from `POST`.
"""

_SETTLE = "WITH post AS (SELECT p.* FROM" + POST + ")" + WANT + "SELECT"

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

_NOTE = """
WITH note AS (
    SELECT * FROM jsonb_to_recordset($1::jsonb) AS n (post text, page int, message_id text,
        acknowledged_hash text, uncertain boolean, buttons jsonb)
), row AS (
    SELECT o.id, note.* FROM outbox o JOIN note ON o.post = note.post AND o.page = note.page
    ORDER BY o.id FOR UPDATE OF o
)
UPDATE outbox o SET
    message_id = coalesce(row.message_id, o.message_id),
    acknowledged_hash = coalesce(row.acknowledged_hash, o.acknowledged_hash),
    uncertain = coalesce(row.uncertain, o.uncertain),
    desired = CASE WHEN o.final THEN o.desired ELSE coalesce(row.buttons, o.desired) END
FROM row WHERE o.id = row.id
"""


async def want(connection: Connection, post: Post) -> None:
    """Store what a settled post shall show, in the running transaction."""
    await connection.execute(_SETTLE, rows_of((post,)))


def rows_of(posts: Sequence[Post]) -> list[codec.Json]:
    """Return settled posts as the rows that `WANT` takes."""
    return [
        {
            "room_id": post.head.room,
            "post": post.head.key,
            "head": codec.dump_head(post.head),
            "pages": [
                {"page": codec.dump_page(page), "hash": page_hash(page)} for page in post.pages
            ],
        }
        for post in posts
    ]


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
                _buttons(page), transaction,
            )  # fmt: skip

    async def note(self, notes: Sequence[PageNote]) -> None:
        await repeated(partial(self._note, [_row(note) for note in notes]))

    async def _note(self, rows: list[codec.Json]) -> None:
        async with acquired(self._pool) as connection:
            await connection.execute(_NOTE, rows)

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


def _row(note: PageNote) -> codec.Json:
    return {
        "post": note.key,
        "page": note.number,
        "message_id": note.message_id,
        "acknowledged_hash": note.acknowledged_hash,
        "uncertain": note.uncertain,
        "buttons": _buttons(note.shown) if note.shown is not None else None,
    }


def _buttons(page: Page) -> codec.Json:
    """Return what must be known of a page that will still change."""
    return codec.dump_page(replace(page, blocks=(), document=None))


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
