"""Leases: one daemon an account, a loss noticed in time, a standby that takes over."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest

from navi_bot.errors import StoreUnavailable
from navi_bot.store.lease import CHECK_EVERY, CHECK_TIMEOUT, Leases, lock_number

ANNS = ("telegram", "1")


async def held_by(pool: asyncpg.Pool) -> list[int]:
    """Return the server processes that hold a lease."""
    rows = await pool.fetch(
        "SELECT l.pid FROM pg_locks l JOIN pg_stat_activity a USING (pid) "
        "WHERE l.locktype = 'advisory' AND l.granted AND a.datname = current_database() "
        "AND a.application_name = 'navi-bot lease'"
    )
    return [row["pid"] for row in rows]


async def test_an_account_has_one_holder(dsn: str) -> None:
    """Ten daemons at once; other accounts do not mind."""
    async with asyncio.TaskGroup() as group, Leases(dsn) as another:
        daemons = [Leases(dsn) for _ in range(10)]
        for daemon in daemons:
            await daemon.__aenter__()
        tries = [group.create_task(daemon.acquire(*ANNS)) for daemon in daemons]
        assert sorted([await each for each in tries])[-2:] == [False, True]
        assert await another.acquire("telegram", "2")
        assert await another.acquire("matrix", "1")
        for daemon in daemons:
            await daemon.__aexit__(None, None, None)


async def test_a_holder_keeps_what_it_has(dsn: str) -> None:
    async with Leases(dsn) as daemon:
        assert await daemon.acquire(*ANNS)
        assert await daemon.acquire(*ANNS)


async def test_a_standby_takes_over_when_the_holder_leaves(dsn: str) -> None:
    async with Leases(dsn) as standby:
        async with Leases(dsn) as holder:
            await holder.acquire(*ANNS)
            waiting = asyncio.ensure_future(standby.wait_for(*ANNS))
            await asyncio.sleep(0.05)
            assert not waiting.done()
        await asyncio.wait_for(waiting, 3)
        async with Leases(dsn) as third:
            assert not await third.acquire(*ANNS)


async def test_a_lost_connection_is_a_lost_lease_at_once(dsn: str, database: asyncpg.Pool) -> None:
    async with Leases(dsn) as holder:
        await holder.acquire(*ANNS)
        (pid,) = await held_by(database)
        began = time.monotonic()
        await database.execute("SELECT pg_terminate_backend($1)", pid)
        await asyncio.wait_for(holder.lost.wait(), 5)
        assert time.monotonic() - began < 1
        with pytest.raises(StoreUnavailable):
            await holder.acquire(*ANNS)
        async with Leases(dsn) as other:
            assert await other.acquire(*ANNS)


class Wire:
    """A way to the server that can fall silent: nothing arrives, nothing is closed."""

    def __init__(self) -> None:
        self.cut = False

    async def carry(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while chunk := await source.read(65536):
            if not self.cut:
                target.write(chunk)
        target.close()


@asynccontextmanager
async def wired(dsn: str) -> AsyncIterator[tuple[str, Wire]]:
    """Offer a DSN whose connections go through a wire."""
    folder = parse_qs(urlsplit(dsn).query)["host"][0]
    wire = Wire()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        theirs, ours = await asyncio.open_unix_connection(f"{folder}/.s.PGSQL.5432")
        async with asyncio.TaskGroup() as group:
            group.create_task(wire.carry(reader, ours))
            group.create_task(wire.carry(theirs, writer))

    server = await asyncio.start_server(connected, "127.0.0.1")
    port = server.sockets[0].getsockname()[1]
    parts = urlsplit(dsn)
    try:
        yield f"postgresql://{parts.netloc.rstrip(':')}127.0.0.1:{port}{parts.path}", wire
    finally:
        server.close()


async def test_a_server_that_falls_silent_is_noticed_within_five_seconds(dsn: str) -> None:
    """Another daemon could hold the lease by then, as seen from the server."""
    assert CHECK_EVERY + CHECK_TIMEOUT < 5
    async with wired(dsn) as (url, wire), Leases(url) as holder:
        assert await holder.acquire(*ANNS)
        wire.cut = True
        began = time.monotonic()
        await asyncio.wait_for(holder.lost.wait(), 10)
        assert time.monotonic() - began < 5


async def test_being_busy_is_not_being_lost(dsn: str) -> None:
    """Tries and signs of life share one connection, one after the other."""
    async with Leases(dsn) as holder, Leases(dsn) as standby:
        await holder.acquire(*ANNS)
        ends = time.monotonic() + CHECK_EVERY + 0.3
        while time.monotonic() < ends:
            tries = await asyncio.gather(*(standby.acquire(*ANNS) for _ in range(20)))
            assert not any(tries)
        assert not standby.lost.is_set()


async def test_no_database_is_said_so(dsn: str) -> None:
    with pytest.raises(StoreUnavailable):
        async with Leases("postgresql://navi:x@127.0.0.1:9/navi"):
            raise AssertionError("it was opened")


def test_lock_numbers_are_the_same_everywhere() -> None:
    """Two daemons of different versions must agree on them."""
    assert lock_number("telegram", "1") == -4514803303350212914
    numbers = {lock_number("telegram", str(one)) for one in range(1000)}
    assert len(numbers) == 1000
    assert all(-(2**63) <= number < 2**63 for number in numbers)
