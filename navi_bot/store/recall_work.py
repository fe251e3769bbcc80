"""The engine's side of recalls: taken, decided about and written down in one commit.

How it works. An occurrence waits (due), is taken and gets its post or its turn
in the same commit (claimed), and is seen to have been shown (sent). Nothing is
pushed here: the post lies in the outbox, and delivery does what it does for
every post, so a crash in between leaves it there, and a send whose outcome
nobody learnt is repeated with a label.

    due ──► claimed ──► sent ──► acknowledged
     ▲        │  │ └──► quiet    (a turn with nothing to tell)
     └─retry──┘  └────► failed   (nobody could be told)

Rows are locked while they are decided about, and others skip what is locked:
of two daemons one fires.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

import asyncpg
import structlog

from navi_bot.messages import Head, Post, RoomId, TurnId
from navi_bot.ports.recall import Case, Decide, Glance, OccurrenceId, Outcome, Stage
from navi_bot.store import codec
from navi_bot.store.address import head_of
from navi_bot.store.outbox import want
from navi_bot.store.pool import Connection, acquired, transaction
from navi_bot.store.queue import wake
from navi_bot.store.recall_book import ADD_OCCURRENCE, meant_text
from navi_bot.store.recall_rows import recall_from
from navi_bot.store.recall_stages import (
    GLANCE,
    HOLD,
    OTHER_ROOMS,
    QUIET,
    RETURNED,
    SENT,
    STAGES,
)

log = structlog.get_logger()

BATCH = 1000
"""Occurrences decided about at once; a room's overdue ones should be among them together."""


class PostgresRecallWork:
    """Implements the RecallWork port. `shift` is added to the database's clock, in tests."""

    def __init__(
        self, pool: asyncpg.Pool, shift: Callable[[], timedelta] = lambda: timedelta()
    ) -> None:
        self._pool = pool
        self._shift = shift

    async def glance(self, platform: str, account: str) -> Glance:
        async with acquired(self._pool) as connection:
            row = await connection.fetchrow(GLANCE, platform, account, self._shift())
        return Glance(row["seconds"], row["unsettled"]) if row is not None else Glance(None)

    async def decide(
        self, stage: Stage, platform: str, account: str, decide: Decide
    ) -> tuple[Post, ...]:
        posts: list[Post] = []
        async with transaction(self._pool) as connection:
            now = await self._now(connection)
            rows = await connection.fetch(STAGES[stage], platform, account, BATCH, now)
            if not rows:
                return ()
            others = await self._others(connection, stage, rows)
            cases = []
            for row in rows:
                try:
                    cases.append(_case(row, now, others.get(row["id"], (None, None))))
                except (LookupError, ValueError, TypeError) as error:
                    # A zone that is gone, a rule of another version: it must not dam up the others.
                    log.error("recall_unreadable", occurrence=row["id"], error=str(error))
                    await connection.execute(_SET_ASIDE, row["id"])
            for outcome in decide(cases):
                if await _write(connection, outcome) and outcome.post is not None:
                    posts.append(outcome.post)
        return tuple({post.head.key: post for post in posts}.values())

    async def settle(self, platform: str, account: str) -> int:
        async with transaction(self._pool) as connection:
            now = await self._now(connection)
            sent = await connection.fetch(SENT, platform, account, now)
            quiet = await connection.fetch(QUIET, platform, account, now)
        return len(sent) + len(quiet)

    async def returned(
        self, platform: str, account: str, tell: Callable[[Head, int, datetime], Post]
    ) -> tuple[Post, ...]:
        posts = []
        async with transaction(self._pool) as connection:
            now = await self._now(connection)
            await connection.execute(HOLD, platform, account)
            for row in await connection.fetch(RETURNED, platform, account):
                head = head_of(row, RoomId(row["room_id"]), "")
                post = tell(head, row["count"], now)
                await want(connection, post)
                posts.append(post)
        return tuple(posts)

    async def _now(self, connection: Connection) -> datetime:
        """Return the database's clock: the daemon's own may be stepped, or wrong."""
        now: datetime = await connection.fetchval("SELECT clock_timestamp()")
        return now + self._shift()

    async def _others(
        self, connection: Connection, stage: Stage, rows: list[asyncpg.Record]
    ) -> dict[int, tuple[Head | None, Head | None]]:
        """Look up where else people can be told, for what could not be delivered."""
        if stage != "undelivered":
            return {}
        found: dict[int, tuple[Head | None, Head | None]] = {}
        for row in rows:
            rooms = await connection.fetch(OTHER_ROOMS, row["person_id"], row["room_id"])
            heads = {
                which: head_of(room, RoomId(room["room_id"]), "")
                for which in ("own", "owner")
                for room in rooms[::-1]
                if room["which"] == which
            }
            found[row["id"]] = heads.get("own"), heads.get("owner")
        return found


def _case(row: asyncpg.Record, now: datetime, others: tuple[Head | None, Head | None]) -> Case:
    return Case(
        id=OccurrenceId(row["id"]),
        recall=recall_from(row),
        due_at=row["due_at"],
        now=now,
        tries=row["tries"],
        nagged=row["nagged"],
        meant=row["meant"],
        head=head_of(row, RoomId(row["room_id"]), ""),
        timezone=row["timezone"],
        post=row["post"],
        turn=TurnId(row["turn_id"]) if row["turn_id"] is not None else None,
        gone=row["room_state"] == "gone",
        error=row["error"] or "",
        elsewhere=others[0],
        owners=others[1],
    )


_GIVE_UP = """
UPDATE outbox SET abandoned = 'told otherwise'
WHERE post = $1 AND desired_hash <> acknowledged_hash AND abandoned = ''
"""

_SET_ASIDE = "UPDATE occurrences SET state = 'failed' WHERE id = $1"

_UPDATE = """
UPDATE occurrences SET state = $2, tries = tries + $3, missed = missed + $4, nagged = nagged + $5,
    fire_at = coalesce($6, fire_at), fired_at = coalesce(fired_at, $7), touched_at = $7,
    post = CASE WHEN $8 = '' OR $2 = 'sent' THEN post ELSE $8 END,
    turn_id = CASE WHEN $9::bigint IS NULL AND NOT $10 THEN turn_id ELSE $9 END
WHERE id = $1
"""

_BEGIN_TURN = """
INSERT INTO turns (room_id, session_id, asker_id, request, sent_at)
SELECT r.id, r.session_id, $2, $3, $4 FROM rooms r WHERE r.id = $1
RETURNING id
"""

_DROP_TURN = """
UPDATE turns SET state = 'stopped', ended_at = now() WHERE id = $1 AND state = 'queued'
RETURNING id
"""


async def _write(connection: Connection, outcome: Outcome) -> bool:
    """Write down what was decided; False when the turn to be dropped has begun meanwhile."""
    case = outcome.case
    if outcome.drop_turn and await connection.fetchval(_DROP_TURN, case.turn) is None:
        return False
    turn: int | None = None
    post = outcome.post.head.key if outcome.post is not None else ""
    if outcome.request is not None:
        turn = await connection.fetchval(
            _BEGIN_TURN, case.head.room, case.recall.plan.person,
            codec.dump_request(outcome.request), case.now,
        )  # fmt: skip
        await wake(connection, case.head.room, case.head.address.platform, _account(case))
        post = f"turn:{turn}"
    if case.post and outcome.state != "sent":
        # What is told otherwise shall not come a second time if its room comes back.
        await connection.execute(_GIVE_UP, case.post)
    if outcome.post is not None:
        await want(connection, outcome.post)
    forgets_turn = outcome.post is not None or outcome.state == "due"
    await connection.execute(
        _UPDATE, case.id, outcome.state, outcome.tries, outcome.missed,
        outcome.nagged, outcome.fire_at, case.now, post, turn, forgets_turn,
    )  # fmt: skip
    if outcome.next is not None:
        due = outcome.next
        await connection.execute(ADD_OCCURRENCE, case.recall.id, due.instant, meant_text(due))
    elif outcome.state == "due":  # it was the last one, and is tried again
        await connection.execute(
            "UPDATE recalls SET state = 'active' WHERE id = $1 AND state = 'done'", case.recall.id
        )
    elif outcome.over:
        await connection.execute(
            "UPDATE recalls SET state = 'done' WHERE id = $1 AND state = 'active' "
            "AND NOT EXISTS (SELECT FROM occurrences WHERE recall_id = $1 AND state = 'due')",
            case.recall.id,
        )
    return True


def _account(case: Case) -> str:
    return case.head.address.account
