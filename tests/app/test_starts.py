"""Which starts count as crashes, on a real folder; a crash is a start that nobody took back."""

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest

from navi_bot.app.starts import FILE, Starts, counted
from navi_bot.errors import ConfigurationError, StoreUnavailable
from navi_bot.safe_mode import SafeMode

NOW = 1_800_000_000.0


def at(second: float) -> Callable[[], float]:
    return lambda: NOW + second


def crashed(folder: Path, *seconds: float) -> None:
    """Leave what so many daemons that were killed leave."""
    starts = Starts(folder)
    for second in seconds:
        starts.keep(*starts.earlier(), NOW + second)


async def begun(folder: Path, second: float) -> bool:
    """Start, look, end in order; return whether it was in safe mode."""
    async with counted(folder, at(second)) as safe:
        assert Starts(folder).earlier()[-1] == NOW + second, "known before anything can happen"
        return safe.on


async def test_three_crashes_in_a_row_begin_safe_mode(tmp_path: Path) -> None:
    crashed(tmp_path, 0, 4, 8)
    assert await begun(tmp_path, 12)


async def test_two_do_not(tmp_path: Path) -> None:
    crashed(tmp_path, 0, 4)
    assert not await begun(tmp_path, 12)


async def test_an_orderly_end_ends_the_row(tmp_path: Path) -> None:
    crashed(tmp_path, 0, 4, 8)
    assert await begun(tmp_path, 12)
    assert not (tmp_path / FILE).exists()
    crashed(tmp_path, 20, 24)
    assert not await begun(tmp_path, 28)


async def test_a_daemon_that_grew_old_ends_the_row(tmp_path: Path) -> None:
    crashed(tmp_path, 0, 4)
    async with counted(tmp_path, at(8), young=0.01):
        await forgotten(tmp_path)


async def forgotten(folder: Path) -> None:
    await holds(lambda: not (folder / FILE).exists())


async def holds(condition: Callable[[], bool]) -> None:
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise TimeoutError


ENDS: dict[str, tuple[BaseException, bool]] = {
    "a fault of ours": (ValueError("a bug"), True),
    "a sentence for the operator": (ConfigurationError("no token"), False),
    "several of them": (ExceptionGroup("", [StoreUnavailable("away")]), False),
    "one of them a bug": (ExceptionGroup("", [StoreUnavailable("away"), KeyError()]), True),
    "told to leave at once": (asyncio.CancelledError(), False),
}


@pytest.mark.parametrize(("error", "counts"), ENDS.values(), ids=ENDS)
async def test_an_end_with_a_fault_of_ours_is_a_crash(
    tmp_path: Path, error: BaseException, counts: bool
) -> None:
    with contextlib.suppress(type(error)):
        async with counted(tmp_path, at(0)):
            raise error
    assert bool(Starts(tmp_path).earlier()) is counts


async def test_safe_mode_is_over_after_quiet_and_the_row_begins_anew(tmp_path: Path) -> None:
    crashed(tmp_path, 0, 4, 8)
    async with counted(tmp_path, at(12), quiet=0.01) as safe:
        assert safe.on
        await asyncio.wait_for(safe.over.wait(), 5)
        await rewritten(tmp_path)
    assert not safe.on


async def rewritten(folder: Path) -> None:
    await holds(lambda: Starts(folder).earlier() == (NOW + 12,))


async def test_an_owner_ends_it_sooner(tmp_path: Path) -> None:
    crashed(tmp_path, 0, 4, 8)
    async with counted(tmp_path, at(12)) as safe:
        assert safe.leave("resumed")
        await rewritten(tmp_path)


async def test_a_folder_that_cannot_be_written_harms_nobody(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    async with counted(blocked, at(0)) as safe:
        assert not safe.on


@pytest.mark.parametrize("junk", ["", "yesterday\n", "1.0\nx\n"])
async def test_what_cannot_be_read_counts_as_nothing(tmp_path: Path, junk: str) -> None:
    (tmp_path / FILE).write_text(junk)
    assert not await begun(tmp_path, 0)


def test_a_token_that_is_off_is_over() -> None:
    assert SafeMode().over.is_set()
