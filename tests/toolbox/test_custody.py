"""A tool that does not end when it is told to holds nobody up."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from navi_bot.toolbox.custody import Custody, Overdue


@pytest.fixture
async def release() -> AsyncIterator[asyncio.Event]:
    """Lets the deaf go at the end of a test."""
    event = asyncio.Event()
    yield event
    event.set()
    await asyncio.sleep(0.01)


async def deaf(release: asyncio.Event) -> str:
    """Takes no notice of being cancelled."""
    while not release.is_set():
        try:
            await release.wait()
        except asyncio.CancelledError:
            continue
    return "late"


async def test_an_outcome_passes() -> None:
    async def good() -> str:
        return "done"

    async def bad() -> str:
        raise ValueError("no")

    custody = Custody()
    assert await custody.run("t", good(), 1.0) == "done"
    with pytest.raises(ValueError, match="no"):
        await custody.run("t", bad(), 1.0)
    assert custody.left == ()


async def test_a_deaf_tool_is_left_when_its_time_is_over(release: asyncio.Event) -> None:
    custody = Custody(clean_up=0.02)
    began = time.monotonic()
    with pytest.raises(Overdue), capture_logs() as logs:
        await custody.run("t", deaf(release), 0.02)
    assert time.monotonic() - began < 0.5
    assert custody.left == ("t",)
    assert [line["event"] for line in logs] == ["tool_left"]
    release.set()
    await asyncio.sleep(0.01)
    assert not custody.left


async def test_a_deaf_tool_is_left_by_a_cancellation(release: asyncio.Event) -> None:
    """Which is what a stop is made of."""
    custody = Custody(clean_up=0.02)
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02):
            await custody.run("t", deaf(release), 60)
    assert time.monotonic() - began < 0.5
    assert custody.left == ("t",)


async def test_a_tool_that_cleans_up_is_waited_for() -> None:
    cleaned: list[bool] = []

    async def tidy() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.02)
            cleaned.append(True)

    custody = Custody()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02):
            await custody.run("t", tidy(), 60)
    assert cleaned == [True]
    assert custody.left == ()


async def test_the_end_waits_for_those_that_end() -> None:
    """Their processes are gone before the daemon is."""
    cleaned: list[bool] = []

    async def slow() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await asyncio.sleep(0.05)
            cleaned.append(True)

    async with Custody(clean_up=0.0) as custody:
        with pytest.raises(Overdue):
            await custody.run("t", slow(), 0.01)
        assert cleaned == []
    assert cleaned == [True]


async def test_a_late_failure_is_logged_without_its_words() -> None:
    async def failing() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            raise ValueError("secret")

    custody = Custody()
    with capture_logs() as logs, pytest.raises(Overdue):
        await custody.run("t", failing(), 0.01)
    assert [(line["event"], line["fault"]) for line in logs] == [("tool_failed_late", "ValueError")]
    assert "secret" not in str(logs)


async def test_a_tool_that_cancels_itself_has_failed() -> None:
    """It is not a stop of the turn."""

    async def confused() -> None:
        raise asyncio.CancelledError

    with pytest.raises(RuntimeError):
        await Custody().run("t", confused(), 1.0)
