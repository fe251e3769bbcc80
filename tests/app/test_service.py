"""One account's life: a strict adapter, a real PostgreSQL, the real rooms and turns."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest
import structlog.testing
from app.strict_adapter import PLATFORM, StrictAdapter, assembled

from navi_bot.app.core import Core
from navi_bot.app.service import Service
from navi_bot.errors import (
    CredentialError,
    NotSent,
    PlatformError,
    StoreError,
    StoreUnavailable,
)
from navi_bot.store.lease import Leases

WAITS = (0.01,)
NOBODY = "postgresql://navi@127.0.0.1:9/navi"


@pytest.fixture
async def core(dsn: str, tmp_path: Path) -> AsyncIterator[Core]:
    async with assembled(dsn, tmp_path) as core:
        yield core


class Run:
    """A service that runs."""

    def __init__(self, core: Core, adapter: StrictAdapter) -> None:
        self.adapter = adapter
        self.stopping = asyncio.Event()
        self.service = Service(adapter, core, self.stopping, waits=WAITS)
        self.task = asyncio.ensure_future(self.service.run())

    async def end(self) -> None:
        self.stopping.set()
        await asyncio.wait_for(self.task, 10)


@asynccontextmanager
async def running(core: Core, adapter: StrictAdapter) -> AsyncIterator[Run]:
    """Run a service; whatever the test did, nothing of it is left."""
    before = asyncio.all_tasks()
    run = Run(core, adapter)
    try:
        yield run
    finally:
        run.stopping.set()
        await asyncio.wait([run.task], timeout=10)
    assert adapter.closed
    assert run.service.state == "ended"
    assert asyncio.all_tasks() <= before


async def connections(core: Core) -> set[str]:
    rows = await core.parts.stores.pool.fetch(
        "SELECT application_name FROM pg_stat_activity WHERE datname = current_database()"
    )
    return {row["application_name"] for row in rows}


async def cut_lease(core: Core) -> None:
    await core.parts.stores.pool.fetch(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND application_name = 'navi-bot lease'"
    )


async def test_it_answers_until_it_is_told_to_stop(core: Core) -> None:
    async with running(core, StrictAdapter()) as run:
        await run.service.online.wait()
        assert run.service.state == "online"
        run.adapter.told.put_nowait("hello")
        await run.adapter.until("final:")
        assert await connections(core) >= {"navi-bot lease", "navi-bot queue"}
        await run.end()
    assert await connections(core) == {"navi-bot"}
    assert core.parts.online.all() == ()


async def test_a_platform_that_is_away_is_tried_again(core: Core) -> None:
    """It is known at once that this one has to wait, and said each time."""
    adapter = StrictAdapter("1", NotSent("away"), PlatformError("away still"))
    with structlog.testing.capture_logs() as lines:
        async with running(core, adapter) as run:
            await run.adapter.until("not connected")
            await asyncio.wait_for(run.service.settled.wait(), 0.01)
            await run.adapter.until("receiving")
    told = [line["error"] for line in lines if line["event"] == "account_not_connected"]
    assert told == ["away", "away still"]


async def test_refused_credentials_come_out_as_they_are(core: Core) -> None:
    async with running(core, StrictAdapter("1", CredentialError("wrong token"))) as run:
        with pytest.raises(CredentialError, match="wrong token"):
            await run.task
    assert run.adapter.life == ["not connected", "closed"]


async def test_a_connection_that_hangs_does_not_hold_up_the_end(core: Core) -> None:
    async with running(core, StrictAdapter("1", TimeoutError())) as run:
        await run.adapter.until("connecting")
        await asyncio.wait_for(run.end(), 1)
    assert run.adapter.life == ["connecting", "connecting ended", "closed"]


async def test_a_wait_for_the_platform_does_not_hold_up_the_end(core: Core) -> None:
    adapter = StrictAdapter("1", NotSent("away"))
    stopping = asyncio.Event()
    service = Service(adapter, core, stopping, waits=(60.0,))
    task = asyncio.ensure_future(service.run())
    await adapter.until("not connected")
    stopping.set()
    await asyncio.wait_for(task, 1)
    assert adapter.closed


async def test_an_account_that_another_serves_is_not_polled(core: Core) -> None:
    """It stands by, can be stopped there, and goes online when the other has ended."""
    async with Leases(core.parts.stores.dsn) as other:
        assert await other.acquire(PLATFORM, "1")
        async with running(core, StrictAdapter()) as idle:
            await asyncio.wait_for(idle.service.settled.wait(), 5)
            assert idle.service.state == "standing by"
            await asyncio.wait_for(idle.end(), 1)
        assert "receiving" not in idle.adapter.life
        assert not idle.service.online.is_set()
        async with running(core, StrictAdapter()) as heir:
            await asyncio.wait_for(heir.service.settled.wait(), 5)
            await other.__aexit__(None, None, None)
            await heir.adapter.until("receiving")
            assert heir.service.state == "online"


async def test_a_lost_lease_ends_taking_in_and_is_taken_again(core: Core) -> None:
    """Between the two it overhears: nothing is taken in then."""
    async with running(core, StrictAdapter()) as run:
        await run.adapter.until("receiving")
        first = run.service.online_since
        await cut_lease(core)
        await run.adapter.until("received")
        await run.adapter.until("receiving", nth=3)
        assert run.service.online_since > first
        run.adapter.told.put_nowait("hello")
        await run.adapter.until("final:")


@pytest.mark.parametrize(
    "error",
    [StoreUnavailable("away"), StoreError("disk full"), NotSent("reset")],
    ids=["store away", "store refuses", "platform"],
)
async def test_what_breaks_off_receiving_is_said_and_begun_again(
    core: Core, error: Exception
) -> None:
    with structlog.testing.capture_logs() as lines:
        async with running(core, StrictAdapter()) as run:
            run.adapter.told.put_nowait(error)
            await run.adapter.until("receiving", nth=2)
    assert [line["error"] for line in lines if line["event"] == "account_offline"] == [str(error)]


@pytest.mark.parametrize("error", [ValueError("a bug"), CredentialError("revoked")], ids=repr)
async def test_what_cannot_be_mended_comes_out_as_it_is(core: Core, error: Exception) -> None:
    async with running(core, StrictAdapter()) as run:
        run.adapter.told.put_nowait(error)
        with pytest.raises(type(error), match=str(error)):
            await run.task
    assert await connections(core) == {"navi-bot"}


async def test_an_adapter_with_nothing_more_to_receive_ends_it(core: Core) -> None:
    async with running(core, StrictAdapter()) as run:
        run.adapter.told.put_nowait(None)
        await asyncio.wait_for(run.task, 10)
    assert run.adapter.life == ["connected", "receiving", "received", "closed"]


async def test_a_database_that_is_away_is_waited_for(core: Core) -> None:
    away = replace(core.parts, stores=replace(core.parts.stores, dsn=NOBODY))
    with structlog.testing.capture_logs() as lines:
        async with running(replace(core, parts=away), StrictAdapter()) as run:
            await asyncio.wait_for(run.service.settled.wait(), 5)
            assert run.service.state == "connecting"
            await asyncio.sleep(0.05)
            await asyncio.wait_for(run.end(), 1)
    assert [line["event"] for line in lines].count("account_offline") > 1
    assert "receiving" not in run.adapter.life


async def test_at_the_end_polling_stops_first_then_the_turn_then_the_calls(
    dsn: str, tmp_path: Path
) -> None:
    async with (
        assembled(dsn, tmp_path, word_seconds=0.01) as core,
        running(core, StrictAdapter()) as run,
    ):
        run.adapter.told.put_nowait("hello")
        await run.adapter.until("progress")
        await run.end()
    order = [event.partition(":")[0] for event in run.adapter.life if event != "progress"]
    assert order == ["connected", "receiving", "received", "final", "closed"]


async def test_a_turn_past_its_drain_is_given_back_and_answered_by_the_next(
    dsn: str, tmp_path: Path
) -> None:
    async with (
        assembled(dsn, tmp_path, word_seconds=60.0, drain=0.05) as core,
        running(core, StrictAdapter()) as run,
    ):
        run.adapter.told.put_nowait("hello")
        await run.adapter.until("progress")
        await run.end()
    assert not any(event.startswith("final") for event in run.adapter.life)
    async with assembled(dsn, tmp_path) as core, running(core, StrictAdapter()) as run:
        await run.adapter.until("final:")


async def test_cancelled_it_leaves_nothing_behind(core: Core, database: asyncpg.Pool) -> None:
    async with running(core, StrictAdapter()) as run:
        await run.adapter.until("receiving")
        run.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run.task
    assert await connections(core) == {"navi-bot"}
