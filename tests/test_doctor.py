import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from navi_bot.doctor import Probe, diagnose, examine
from navi_bot.errors import CredentialError, OperatorError
from navi_bot.models.scripted import ScriptedModel
from navi_bot.probes import (
    database_probe,
    folder_probe,
    model_host_probe,
    model_probe,
    profiles_probe,
    settings_probe,
)
from navi_bot.settings import variables


async def well() -> str:
    return "Fine."


async def hangs() -> str:
    await asyncio.Event().wait()
    return "never"


async def refused() -> str:
    raise CredentialError("The token was refused; get a new one from @BotFather.")


async def broken() -> str:
    raise ZeroDivisionError("secret detail")


OUTCOMES: list[tuple[Callable[[], Awaitable[str]], str]] = [
    (well, "✓ part: Fine."),
    (refused, "✗ part: The token was refused; get a new one from @BotFather."),
    (hangs, "✗ part: No answer within 0 s."),
    (broken, "✗ part: A fault of navi-bot's own (ZeroDivisionError); it is in the log."),
]


@pytest.mark.parametrize(("check", "line"), OUTCOMES)
async def test_each_part_is_one_line_with_the_mend(
    check: Callable[[], Awaitable[str]], line: str
) -> None:
    async with asyncio.timeout(2):
        assert str(await examine(Probe("part", check, timeout=0.02))) == line


async def test_one_bad_part_hides_no_other() -> None:
    """Lines come in the parts' order, and one that fails makes the whole fail."""
    shown: list[str] = []
    checks = (hangs, well, broken, refused)
    parts = [Probe(check.__name__, check, timeout=0.02) for check in checks]
    assert not await diagnose(parts, shown.append)
    assert [line.split(":")[0] for line in shown] == ["✗ hangs", "✓ well", "✗ broken", "✗ refused"]
    assert await diagnose([Probe("well", well)], shown.append)


async def test_parts_are_asked_at_once() -> None:
    """Parts that wait for each other all get their turn."""
    both = asyncio.Barrier(2)

    async def meets() -> str:
        await both.wait()
        return "Met."

    assert await diagnose([Probe("a", meets, 0.5), Probe("b", meets, 0.5)], lambda line: None)


async def test_data_directory_is_made_and_written(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    assert "can be written" in await folder_probe(folder).check()
    assert folder.stat().st_mode & 0o777 == 0o700
    assert list(folder.iterdir()) == []


async def test_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OperatorError, match="NAVI_DATA_DIR"):
        await folder_probe(tmp_path / "file").check()


async def test_misspelt_variable_is_noticed() -> None:
    """A variable that nobody reads is a setting that does not work."""
    await settings_probe(["PATH", "NAVI_MODEL"], variables()).check()
    with pytest.raises(
        OperatorError, match="NAVI_OWNRES is not a setting; did you mean NAVI_OWNERS"
    ):
        await settings_probe(["NAVI_OWNRES"], variables()).check()


async def test_model_that_is_there_is_named() -> None:
    model = ScriptedModel()
    (name,) = await model.installed()
    assert "answers" in await model_host_probe(model, "http://host").check()
    assert name in await model_probe(model, name, 65536).check()


async def test_database_is_described() -> None:
    @dataclass(frozen=True)
    class Store:
        database: str

    @asynccontextmanager
    async def opened() -> AsyncIterator[Store]:
        yield Store("embedded PostgreSQL 18")

    assert (await database_probe(opened).check()).startswith("embedded PostgreSQL 18 answers")


async def test_profile_that_was_skipped_is_a_fault() -> None:
    assert await profiles_probe(["a", "b"], ()).check() == "a, b."
    with pytest.raises(OperatorError, match="skipped"):
        await profiles_probe(["a"], ["Profile 'b' was skipped."]).check()
