"""People, their identities and roles, and the codes that let them in.

Roles belong to identities: a platform's immutable id. Codes are used up in
one statement, so that of two who open a link at once one wins; five wrong
codes in an hour shut an identity out for that hour.
"""

import secrets

import asyncpg

from navi_bot.errors import Bug
from navi_bot.messages import PersonId, Role
from navi_bot.ports.records import Identity, Pairing
from navi_bot.store.codec import clean
from navi_bot.store.pool import Connection, acquired, transaction

OWNER_CODE_BYTES = 16
"""128 bits: an owner's link cannot be guessed."""

ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
GUEST_CODE_LENGTH = 8
"""40 bits, of letters and digits that cannot be mistaken for each other."""

PENDING_LIMIT = 3
FAILURE_LIMIT = 5
LOCKS = 1
"""The class of this module's advisory locks."""

_ENSURE = """
WITH known AS (
    SELECT person_id FROM identities WHERE platform = $1 AND platform_id = $2
), made AS (
    INSERT INTO people (name) SELECT $3 WHERE NOT EXISTS (SELECT FROM known) RETURNING id
)
INSERT INTO identities (platform, platform_id, person_id, role, name)
SELECT $1, $2, coalesce((SELECT person_id FROM known), (SELECT id FROM made)), $4, $3
ON CONFLICT (platform, platform_id) DO UPDATE SET
    name = CASE WHEN excluded.name = '' THEN identities.name ELSE excluded.name END,
    role = CASE
        WHEN identities.role IN ('blocked', 'owner') THEN identities.role
        WHEN excluded.role = 'guest' THEN identities.role
        ELSE excluded.role END
RETURNING platform, platform_id, person_id, name, role
"""

_OFFER = """
WITH forgotten AS (
    DELETE FROM pairings WHERE used_at IS NULL AND expires_at < now() - interval '1 day'
)
INSERT INTO pairings (code, role, platform, platform_id, name, expires_at)
SELECT $1, $2, $3, $4, $5, now() + interval '1 hour'
WHERE $4 = '' OR (
    (SELECT count(*) FROM pairings WHERE platform = $3 AND platform_id <> ''
        AND used_at IS NULL AND expires_at > now()) < $6
    AND NOT EXISTS (SELECT FROM pairings WHERE platform = $3 AND platform_id = $4
        AND created_at > now() - interval '10 minutes'))
RETURNING id, code, role, platform, platform_id, name, expires_at
"""

_REDEEM = """
UPDATE pairings SET used_at = now()
WHERE code = $1 AND platform = $2 AND platform_id = '' AND used_at IS NULL AND expires_at > now()
  AND NOT EXISTS (SELECT FROM identities
                  WHERE platform = $2 AND platform_id = $3 AND role = 'blocked')
RETURNING role
"""

_APPROVE = """
UPDATE pairings SET used_at = now()
WHERE code = $1 AND platform_id <> '' AND used_at IS NULL AND expires_at > now()
RETURNING role, platform, platform_id, name
"""

_FAIL = """
WITH forgotten AS (
    DELETE FROM pairing_failures WHERE failed_at < now() - interval '1 hour'
)
INSERT INTO pairing_failures (platform, platform_id) VALUES ($1, $2)
"""

_BLOCK = """
WITH withdrawn AS (
    DELETE FROM pairings WHERE platform = $1 AND platform_id = $2 AND used_at IS NULL
)
UPDATE identities SET role = 'blocked' WHERE platform = $1 AND platform_id = $2
RETURNING person_id
"""

_FAILURES = """
SELECT count(*) FROM pairing_failures
WHERE platform = $1 AND platform_id = $2 AND failed_at > now() - interval '1 hour'
"""


class PostgresPeople:
    """Implements the People port."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def ensure(self, platform: str, platform_id: str, name: str, role: Role) -> PersonId:
        async with transaction(self._pool) as connection:
            return (await _ensure(connection, platform, platform_id, name, role)).person

    async def identities(self) -> tuple[Identity, ...]:
        async with acquired(self._pool) as connection:
            rows = await connection.fetch(
                "SELECT person_id, platform, platform_id, name, role FROM identities "
                "ORDER BY platform, created_at"
            )
        return tuple(_identity(row) for row in rows)

    async def set_role(self, platform: str, platform_id: str, role: Role) -> bool:
        async with acquired(self._pool) as connection:
            done = await connection.fetchval(
                "UPDATE identities SET role = $3 WHERE platform = $1 AND platform_id = $2 "
                "RETURNING person_id",
                platform, clean(platform_id), role.value,
            )  # fmt: skip
        return done is not None

    async def owner_exists(self) -> bool:
        async with acquired(self._pool) as connection:
            found = await connection.fetchval(
                "SELECT EXISTS (SELECT FROM identities "
                "WHERE role = 'owner' AND platform <> 'console')"
            )
        return bool(found)

    async def offer(self, role: Role, platform: str, platform_id: str, name: str) -> Pairing | None:
        code = secrets.token_urlsafe(OWNER_CODE_BYTES)
        if platform_id:
            code = "".join(secrets.choice(ALPHABET) for _ in range(GUEST_CODE_LENGTH))
        async with transaction(self._pool) as connection:
            await _lock(connection, "offers", platform)
            row = await connection.fetchrow(
                _OFFER, code, role.value, platform, clean(platform_id), clean(name), PENDING_LIMIT
            )
        return _pairing(row) if row else None

    async def pending(self) -> tuple[Pairing, ...]:
        async with acquired(self._pool) as connection:
            rows = await connection.fetch(
                "SELECT id, code, role, platform, platform_id, name, expires_at FROM pairings "
                "WHERE used_at IS NULL AND expires_at > now() ORDER BY id"
            )
        return tuple(_pairing(row) for row in rows)

    async def redeem(self, code: str, platform: str, platform_id: str, name: str) -> Role | None:
        who = (platform, clean(platform_id))
        async with transaction(self._pool) as connection:
            await _lock(connection, *who)
            if await connection.fetchval(_FAILURES, *who) >= FAILURE_LIMIT:
                return None
            role = await connection.fetchval(_REDEEM, clean(code), *who)
            if role is None:
                await connection.execute(_FAIL, *who)
                return None
            return (await _ensure(connection, platform, platform_id, name, Role(role))).role

    async def approve(self, code: str) -> Identity | None:
        async with transaction(self._pool) as connection:
            row = await connection.fetchrow(_APPROVE, clean(code).strip().upper())
            if row is None:
                return None
            return await _ensure(
                connection, row["platform"], row["platform_id"], row["name"], Role(row["role"])
            )

    async def revoke(self, platform: str, platform_id: str) -> bool:
        async with transaction(self._pool) as connection:
            done = await connection.fetchval(_BLOCK, platform, clean(platform_id))
        return done is not None


async def _lock(connection: Connection, *words: str) -> None:
    """Let nobody else do this to the same one until the transaction ends."""
    await connection.execute(
        "SELECT pg_advisory_xact_lock($1, hashtext($2))", LOCKS, ":".join(words)
    )


async def _ensure(
    connection: Connection, platform: str, platform_id: str, name: str, role: Role
) -> Identity:
    platform_id = clean(platform_id)
    await _lock(connection, platform, platform_id)
    row = await connection.fetchrow(_ENSURE, platform, platform_id, clean(name), role.value)
    if row is None:
        raise Bug("An identity that was just written is not there.")
    return _identity(row)


def _identity(row: asyncpg.Record) -> Identity:
    return Identity(
        PersonId(row["person_id"]),
        row["platform"],
        row["platform_id"],
        row["name"],
        Role(row["role"]),
    )


def _pairing(row: asyncpg.Record) -> Pairing:
    return Pairing(
        id=row["id"],
        code=row["code"],
        role=Role(row["role"]),
        platform=row["platform"],
        platform_id=row["platform_id"],
        name=row["name"],
        expires_at=row["expires_at"],
    )
