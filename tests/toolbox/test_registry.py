"""Which tools are found, and what is said of those that are not usable."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from navi_bot.ports.tools import ProfileSummary
from navi_bot.toolbox.registry import Found, Registry, own_problems, shipped

GOOD = """
from pydantic import BaseModel
from navi_bot.ports.tools import Effect, Result

name = "{name}"
description = "A tool."
effect = Effect.PURE

class Arguments(BaseModel):
    pass

async def run(arguments, call):
    return Result("ok")
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An importable package of tool modules, forgotten afterwards."""
    folder = tmp_path / "some_tools"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield folder
    for name in [name for name in sys.modules if name.split(".")[0] == "some_tools"]:
        del sys.modules[name]


def test_modules_become_tools_in_a_fixed_order(package: Path) -> None:
    """Each module is a tool; private ones are left alone; the order is that of file names."""
    for name in ("b", "a", "_private"):
        (package / f"{name}.py").write_text(GOOD.format(name=f"tool_{name}"))
    found = shipped("some_tools")
    assert list(found.tools) == ["tool_a", "tool_b"]
    assert found.problems == ()


@pytest.mark.parametrize(
    ("module", "named"),
    [
        ("syntax error(", "cannot be imported (SyntaxError"),
        ("raise RuntimeError('x')", "cannot be imported (RuntimeError"),
        ("import no_such_library", "no_such_library"),
        ("", "has no name"),
        (GOOD.format(name="Bad Name"), "has no name of small letters"),
        (GOOD.format(name="x").replace("Effect.PURE", "'R0'"), "names no effect class"),
        (GOOD.format(name="x").replace("async def", "def"), "has no async function named run"),
        (GOOD.format(name="x") + "place = 'moon'", "has a place other than"),
        (GOOD.format(name="x") + "loading = 'never'", "has a loading other than"),
        (GOOD.format(name="x") + "timeout = 0", "timeout"),
        (GOOD.format(name="tool_good"), "another tool named 'tool_good'"),
    ],
)
def test_a_broken_module_is_named_and_skipped(package: Path, module: str, named: str) -> None:
    """NX-30: one broken file does not hurt the others, and the fault is told."""
    (package / "a_good.py").write_text(GOOD.format(name="tool_good"))
    (package / "broken.py").write_text(module)
    found = shipped("some_tools")
    assert list(found.tools) == ["tool_good"]
    [problem] = found.problems
    assert problem.startswith("Tool module some_tools/broken.py was skipped:")
    assert named in problem


def test_what_ships_is_sound() -> None:
    """N-116…N-118, N-131, N-132, NX-12, V-10: eleven tools, none skipped."""
    assert shipped().problems == ()
    assert list(shipped().tools) == [
        "calendar_agenda",
        "calendar_search",
        "clock",
        "list_profiles",
        "list_tools",
        "manage_recall",
        "schedule_recall",
        "scratchpad",
        "switch_profile",
        "todo",
        "tool_manual",
    ]


def test_own_tools_are_named_and_not_run(tmp_path: Path) -> None:
    """N-134: there is no sandbox yet, so nothing of theirs is even imported."""
    (tmp_path / "mine.py").write_text("raise SystemExit('was run')")
    (tmp_path / "enabled.json").write_text('["mine", "gone"]')
    assert own_problems(tmp_path) == (
        "enabled.json names the tool 'gone', but there is no gone.py beside it.",
        "Tool 'mine' is off: own tools need the sandbox, which this version does not have yet.",
    )


@pytest.mark.parametrize("content", ["{", '{"a": 1}', "[1]", "\udcff"])
def test_a_bad_list_of_own_tools_is_named(tmp_path: Path, content: str) -> None:
    """T-17: errors of enabled.json never vanish."""
    (tmp_path / "enabled.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    [problem] = own_problems(tmp_path)
    assert problem.startswith("enabled.json")


def test_no_folder_of_own_tools_is_no_problem(tmp_path: Path) -> None:
    """Unset: nothing to say. Set to a folder that is not there: said."""
    assert own_problems(None) == ()
    assert "is not there" in own_problems(tmp_path / "absent")[0]


def test_a_catalogue_has_what_the_profile_names() -> None:
    """Installed names in the profile's order, once; the others are absent, with no word."""
    registry = Registry(Found(shipped().tools, ("A.",)), own=("B.",))
    summary = ProfileSummary("p", "P", "", "", ("todo", "later"))
    catalogue = registry.catalogue(["todo", "later", "clock", "todo"], [summary], ["C."])
    assert [tool.name for tool in catalogue.tools()] == ["todo", "clock"]
    assert catalogue.find_tool("clock") is catalogue.tools()[1]
    assert catalogue.find_tool("scratchpad") is None
    assert catalogue.profiles()[0].tools == ("todo",)
    assert catalogue.problems() == ("A.", "B.", "C.")
