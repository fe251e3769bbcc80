"""The daemon: accounts side by side, told to stop by signals."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import structlog.testing
from app.strict_adapter import StrictAdapter, assembled

from navi_bot.app.core import Core
from navi_bot.app.daemon import Daemon
from navi_bot.errors import ConfigurationError, CredentialError, NotSent
from navi_bot.log import leaves


@pytest.fixture
async def core(dsn: str, tmp_path: Path) -> AsyncIterator[Core]:
    async with assembled(dsn, tmp_path) as core:
        yield core


@asynccontextmanager
async def serving(
    core: Core, adapters: Sequence[StrictAdapter], aside: Sequence[StrictAdapter] = ()
) -> AsyncIterator["asyncio.Task[None]"]:
    """Run a daemon; it ends with every adapter closed, whatever happened."""
    before = asyncio.all_tasks()
    task = asyncio.ensure_future(Daemon(core, adapters, aside).serve())
    try:
        yield task
    finally:
        if not task.done():
            os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait([task], timeout=10)
    assert task.done()
    assert all(adapter.closed for adapter in (*adapters, *aside))
    assert asyncio.all_tasks() <= before
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_every_account(core: Core, number: signal.Signals) -> None:
    adapters = [StrictAdapter("1"), StrictAdapter("2")]
    beside = StrictAdapter("beside")
    with structlog.testing.capture_logs() as lines:
        async with serving(core, adapters, [beside]) as task:
            for adapter in (*adapters, beside):
                await adapter.until("receiving")
            os.kill(os.getpid(), number)
            await asyncio.wait_for(task, 10)
    events = [line["event"] for line in lines]
    assert events.count("daemon_ready") == 1
    assert events[-1] == "daemon_stopped"


async def test_the_first_signal_lets_turns_finish_the_second_does_not(
    dsn: str, tmp_path: Path
) -> None:
    """The turn is answered by the next daemon; nobody sees a traceback."""
    adapter = StrictAdapter()
    async with (
        assembled(dsn, tmp_path, word_seconds=60.0, drain=30.0) as core,
        serving(core, [adapter]) as task,
    ):
        await adapter.until("receiving")
        adapter.told.put_nowait("hello")
        await adapter.until("progress")
        os.kill(os.getpid(), signal.SIGTERM)
        await adapter.until("received")
        await asyncio.sleep(0.05)
        assert not task.done()
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(task, 8)
    heir = StrictAdapter()
    async with assembled(dsn, tmp_path) as core, serving(core, [heir]):
        await heir.until("final:")


async def test_an_account_that_is_refused_leaves_the_others_running(core: Core) -> None:
    """When they are stopped later, that is a good end."""
    refused, served = StrictAdapter("1", CredentialError("wrong token")), StrictAdapter("2")
    with structlog.testing.capture_logs() as lines:
        async with serving(core, [refused, served]) as task:
            await served.until("receiving")
            await refused.until("closed")
            served.told.put_nowait("hello")
            await served.until("final:")
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.wait_for(task, 10)
    assert "wrong token" in [line.get("error") for line in lines]


async def test_the_daemon_ends_when_all_are_refused(core: Core) -> None:
    """Each says why; the one beside them does not keep it alive."""
    adapters = [StrictAdapter("1", CredentialError("one")), StrictAdapter("2")]
    beside = StrictAdapter("beside")
    async with serving(core, adapters, [beside]) as task:
        await adapters[1].until("receiving")
        adapters[1].told.put_nowait(CredentialError("two"))
        with pytest.raises(ConfigurationError) as caught:
            await asyncio.wait_for(task, 10)
    assert caught.value.faults == ("one", "two")


async def test_the_daemon_ends_with_its_console(core: Core) -> None:
    console, other = StrictAdapter("1"), StrictAdapter("2")
    async with serving(core, [console, other]) as task:
        await other.until("receiving")
        console.told.put_nowait(None)
        await asyncio.wait_for(task, 10)


async def test_a_fault_of_ours_ends_the_daemon_and_is_not_swallowed(core: Core) -> None:
    """The service manager starts it again; the other account is left in good order."""
    broken, other = StrictAdapter("1"), StrictAdapter("2")
    async with serving(core, [broken, other]) as task:
        await other.until("receiving")
        broken.told.put_nowait(ValueError("a bug"))
        with pytest.raises(ExceptionGroup) as caught:
            await asyncio.wait_for(task, 10)
    assert [str(error) for error in leaves(caught.value)] == ["a bug"]


async def test_it_is_ready_when_an_account_has_to_wait(core: Core) -> None:
    """The service manager must not think that the start failed."""
    waiting, online = StrictAdapter("1", NotSent("away")), StrictAdapter("2")
    with structlog.testing.capture_logs() as lines:
        async with serving(core, [waiting, online]):
            await online.until("receiving")
            await waiting.until("not connected")
            await asyncio.sleep(0.05)
            ready = [line for line in lines if line["event"] == "daemon_ready"]
    assert [line["adapters"] for line in ready] == [["strict"]]
