"""Who owns the bot, and the link for whoever shall, on a real PostgreSQL."""

from dataclasses import dataclass
from typing import cast

import asyncpg
import pytest

from navi_bot.app.owners import ensure_owners, owner_link
from navi_bot.messages import Role
from navi_bot.ports.platform import Adapter
from navi_bot.store.people import PostgresPeople


@dataclass
class Account:
    platform: str = "telegram"
    name: str = "navi_bot"


TELEGRAM = cast("Adapter", Account())


@pytest.fixture
def people(database: asyncpg.Pool) -> PostgresPeople:
    return PostgresPeople(database)


async def roles(people: PostgresPeople) -> dict[str, Role]:
    found = await people.identities()
    return {f"{one.platform}:{one.platform_id}": one.role for one in found}


async def test_the_console_and_those_named_are_owners(people: PostgresPeople) -> None:
    """Once or often: the settings are read at every start."""
    for _ in range(2):
        await ensure_owners(people, [("telegram", "5")])
    assert await roles(people) == {"console:operator": Role.OWNER, "telegram:5": Role.OWNER}


async def test_who_was_put_out_and_is_named_owns_again(people: PostgresPeople) -> None:
    await ensure_owners(people, [("telegram", "5")])
    assert await people.revoke("telegram", "5")
    await ensure_owners(people, [("telegram", "5")])
    assert (await roles(people))["telegram:5"] is Role.OWNER


async def test_the_console_alone_leaves_the_chats_unowned(people: PostgresPeople) -> None:
    """The link is there until somebody owns the bot in a chat, and stays the same."""
    await ensure_owners(people, [])
    link = await owner_link(people, TELEGRAM)
    assert link.startswith("https://t.me/navi_bot?start=")
    assert await owner_link(people, TELEGRAM) == link
    await people.redeem(link.partition("=")[2], "telegram", "5", "Ann")
    assert await owner_link(people, TELEGRAM) == ""


async def test_only_telegram_has_such_a_link(people: PostgresPeople) -> None:
    assert await owner_link(people, cast("Adapter", Account("console", ""))) == ""


async def test_a_named_owner_needs_no_link(people: PostgresPeople) -> None:
    await ensure_owners(people, [("telegram", "5")])
    assert await owner_link(people, TELEGRAM) == ""
