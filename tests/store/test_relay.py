"""Between a terminal and the daemon: each word once, the newest page always."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from store.stage import said

from navi_bot.errors import StoreUnavailable
from navi_bot.messages import Line, Page
from navi_bot.store.pool import open_pool
from navi_bot.store.relay import PostgresRelay


def page(text: str) -> Page:
    return Page((Line(text),))


async def next_of(news: AsyncIterator[str]) -> str:
    return await asyncio.wait_for(anext(news), 5)


async def test_what_is_typed_is_taken_once_in_order(database: asyncpg.Pool) -> None:
    terminal, daemon = PostgresRelay(database), PostgresRelay(database)
    typed = [said(str(number), key=str(number)) for number in range(20)]
    async with daemon.news("daemon") as news:
        for each in typed:
            await terminal.say(each)
        assert await next_of(news) == ""
    taken = await asyncio.gather(*(daemon.take() for _ in range(5)))
    together = [each for some in taken for each in some]
    assert len(together) == len(typed)
    for some in taken:
        assert list(some) == [each for each in typed if each in some]
    assert await daemon.take() == ()


async def test_a_page_is_heard_of_and_drawn_as_it_is_now(database: asyncpg.Pool) -> None:
    relay = PostgresRelay(database)
    async with relay.news("terminal") as news:
        await relay.draw("1", page("one"), False)
        assert await next_of(news) == "1"
        assert await relay.drawn("1") == (page("one"), False)
        await relay.draw("1", page("two"), True)
        assert await next_of(news) == "1"
        assert await relay.drawn("1") == (page("two"), True)
    assert await relay.drawn("2") is None


async def test_a_terminal_that_is_slow_misses_no_message(database: asyncpg.Pool) -> None:
    """It hears of each message once more, however often it changed meanwhile."""
    relay = PostgresRelay(database)
    async with relay.news("terminal") as news:
        for _ in range(3):
            async with database.acquire() as connection:
                await connection.execute(
                    "SELECT pg_notify('navi_relay_out', n::text) FROM generate_series(1, 1500) n"
                )
        await relay.draw("last", page("x"), True)
        heard = [await next_of(news)]
        while heard[-1] != "last":
            heard.append(await next_of(news))
    assert {str(number) for number in range(1, 1501)} <= set(heard)
    assert len(heard) < 4501, "changes that were not looked at yet are one piece of news"


async def test_sides_hear_only_what_is_for_them(database: asyncpg.Pool) -> None:
    relay = PostgresRelay(database)
    async with relay.news("daemon") as news:
        await relay.draw("1", page("one"), False)
        await relay.say(said("hi", key="k"))
        assert await next_of(news) == ""


async def test_a_lost_database_is_heard_of_at_once(dsn: str, database: asyncpg.Pool) -> None:
    """After what had been heard before, so that nothing is missed."""
    async with open_pool(dsn, application_name="listening") as pool:
        relay = PostgresRelay(pool)
        async with relay.news("terminal") as news:
            await relay.draw("1", page("one"), False)
            await asyncio.sleep(0.05)
            await database.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name = 'listening'"
            )
            assert await next_of(news) == "1"
            with pytest.raises(StoreUnavailable):
                await next_of(news)


async def test_old_pages_are_forgotten(database: asyncpg.Pool) -> None:
    relay = PostgresRelay(database)
    await relay.draw("old", page("x"), True)
    await database.execute("UPDATE relay_pages SET updated_at = now() - interval '61 minutes'")
    await relay.draw("new", page("y"), False)
    assert await relay.drawn("old") is None
    assert await relay.drawn("new") == (page("y"), False)
