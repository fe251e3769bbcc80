"""A migrated database with two people in it."""

import asyncpg
import pytest
from store.stage import Store

from navi_bot.messages import Role


@pytest.fixture
async def store(database: asyncpg.Pool) -> Store:
    store = Store(database)
    store.ann = await store.people.ensure("telegram", "5", "Ann", Role.OWNER)
    store.bob = await store.people.ensure("telegram", "6", "Bob", Role.MEMBER)
    return store
