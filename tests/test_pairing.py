from datetime import UTC, datetime

import asyncpg
import pytest

from navi_bot.errors import PersonError
from navi_bot.messages import Role
from navi_bot.pairing import approve, overview, revoke
from navi_bot.store.people import PostgresPeople


@pytest.fixture
def people(database: asyncpg.Pool) -> PostgresPeople:
    return PostgresPeople(database)


async def lines(people: PostgresPeople, *platforms: str) -> tuple[str, ...]:
    return await overview(people, platforms, datetime.now(UTC))


async def test_list_makes_an_owners_code_once(people: PostgresPeople) -> None:
    """Where nobody owns the bot yet, the operator reads how to become the owner."""
    (first,) = await lines(people, "telegram", "console")
    assert "telegram" in first
    assert "/start " in first
    (again,) = await lines(people, "telegram", "console")
    assert again.partition("/start ")[2][:8] == first.partition("/start ")[2][:8]


async def test_list_shows_people_and_those_who_wait(people: PostgresPeople) -> None:
    """Each line holds what the next command needs."""
    await people.ensure("telegram", "42", "Ada", Role.OWNER)
    offered = await people.offer(Role.MEMBER, "telegram", "43", "Bob\x1b[2J")
    assert offered is not None
    known, waiting = await lines(people, "telegram")
    assert known == "owner   telegram:42  Ada"
    assert f"navi-bot pair approve {offered.code}" in waiting
    assert "telegram:43  Bob?[2J" in waiting
    assert "min left" in waiting


async def test_nobody_and_nothing_to_do_is_said(people: PostgresPeople) -> None:
    assert await lines(people, "console") == ("Nobody is let in yet, and nobody asks to be.",)


async def test_approved_code_lets_in_once(people: PostgresPeople) -> None:
    await people.ensure("telegram", "42", "Ada", Role.OWNER)
    offered = await people.offer(Role.MEMBER, "telegram", "43", "Bob")
    assert offered is not None
    assert await approve(people, offered.code) == "Let in: member  telegram:43  Bob"
    with pytest.raises(PersonError, match="pair list"):
        await approve(people, offered.code)


async def test_revoked_person_is_put_out(people: PostgresPeople) -> None:
    await people.ensure("matrix", "@ada:example.org", "Ada", Role.MEMBER)
    assert await revoke(people, "matrix", "@ada:example.org") == "Put out: matrix:@ada:example.org"
    with pytest.raises(PersonError, match="pair list"):
        await revoke(people, "telegram", "1")
