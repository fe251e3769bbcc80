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

_RANK = "array_position(ARRAY['blocked', 'guest', 'member', 'owner'], {0})"

_ENSURE = f"""
INSERT INTO identities (platform, platform_id, person_id, role, name)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (platform, platform_id) DO UPDATE SET
    name = excluded.name,
    role = CASE
        WHEN identities.role = 'blocked' THEN 'blocked'
        WHEN {_RANK.format("excluded.role")} > {_RANK.format("identities.role")}
            THEN excluded.role
        ELSE identities.role END
"""

_OFFER = """
INSERT INTO pairings (code, role, platform, platform_id, name, expires_at)
SELECT $1, $2, $3, $4, $5, now() + interval '1 hour'
WHERE $4 = '' OR (
    (SELECT count(*) FROM pairings WHERE platform = $3 AND platform_id <> ''
        AND used_at IS NULL AND expires_at > now()) < $6
    AND NOT EXISTS (SELECT FROM pairings WHERE platform = $3 AND platform_id = $4
        AND created_at > now() - interval '10 minutes'))
RETURNING id, code, role, platform, platform_id, name, expires_at
"""

_USE = """
UPDATE pairings SET used_at = now()
WHERE code = $1 AND used_at IS NULL AND expires_at > now() AND (platform_id = '') = $2
RETURNING role, platform, platform_id, name
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
            return await _ensure(connection, platform, platform_id, name, role)

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
                platform, platform_id, role.value,
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
        async with acquired(self._pool) as connection:
            row = await connection.fetchrow(
                _OFFER, code, role.value, platform, platform_id, clean(name), PENDING_LIMIT
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
        async with transaction(self._pool) as connection:
            if await connection.fetchval(_FAILURES, platform, platform_id) >= FAILURE_LIMIT:
                return None
            row = await connection.fetchrow(_USE, clean(code), True)
            if row is None or row["platform"] != platform:
                await connection.execute(
                    "INSERT INTO pairing_failures (platform, platform_id) VALUES ($1, $2)",
                    platform, platform_id,
                )  # fmt: skip
                return None
            role = Role(row["role"])
            await _ensure(connection, platform, platform_id, name, role)
        return role

    async def approve(self, code: str) -> Identity | None:
        async with transaction(self._pool) as connection:
            row = await connection.fetchrow(_USE, clean(code).upper(), False)
            if row is None:
                return None
            role = Role(row["role"])
            person = await _ensure(
                connection, row["platform"], row["platform_id"], row["name"], role
            )
        return Identity(person, row["platform"], row["platform_id"], row["name"], role)

    async def revoke(self, platform: str, platform_id: str) -> bool:
        return await self.set_role(platform, platform_id, Role.BLOCKED)


async def _ensure(
    connection: Connection, platform: str, platform_id: str, name: str, role: Role
) -> PersonId:
    known = await connection.fetchval(
        "SELECT person_id FROM identities WHERE platform = $1 AND platform_id = $2",
        platform, platform_id,
    )  # fmt: skip
    person = known or await connection.fetchval(
        "INSERT INTO people (name) VALUES ($1) RETURNING id", clean(name)
    )
    await connection.execute(_ENSURE, platform, platform_id, person, role.value, clean(name))
    found = await connection.fetchval(
        "SELECT person_id FROM identities WHERE platform = $1 AND platform_id = $2",
        platform, platform_id,
    )  # fmt: skip
    if found is None:
        raise Bug("An identity that was just written is not there.")
    return PersonId(found)


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
