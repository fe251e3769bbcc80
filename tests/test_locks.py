"""The lock files: complete, hashed, and the same versions for people and tests."""

import ast
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
RUNTIME, TEST = "requirements.lock", "requirements-test.lock"
"""For the calendar and its tests; its libraries ask for an older python-dateutil."""

MODULES = {
    "markdown-it-py": "markdown_it",
    "matrix-nio": "nio",
    "prompt-toolkit": "prompt_toolkit",
    "python-dateutil": "dateutil",
    "python-telegram-bot": "telegram",
}
"""Distributions whose module has another name; else dashes become underscores."""


def name_of(requirement: str) -> str:
    return re.split(r"[\[<>=;!~ ]", requirement)[0].lower()


def pins(lock: str) -> dict[str, str]:
    """Return requirement line → hashes of a lock."""
    text = (ROOT / lock).read_text(encoding="utf-8")
    found = re.findall(r"^(\S.*?) \\\n((?:    --hash=\S+(?: \\)?\n)+)", text, re.M)
    return dict(found)


@pytest.mark.parametrize("lock", [RUNTIME, TEST])
def test_every_pin_is_exact_and_hashed(lock: str) -> None:
    """pip takes nothing that the lock does not name byte for byte."""
    text = (ROOT / lock).read_text(encoding="utf-8")
    heads = [line for line in text.splitlines() if re.match(r"\S", line) and line[0] != "#"]
    found = pins(lock)
    assert len(heads) == len(found) > 50
    assert all("==" in head for head in found)
    assert all("sha256:" in hashes for hashes in found.values())


@pytest.mark.parametrize("lock", [RUNTIME, TEST])
def test_lock_names_no_server(lock: str) -> None:
    """Where packages come from is the installing machine's business."""
    assert not re.search(r"://|--index|--find-links|/simple", (ROOT / lock).read_text())


def test_tests_run_on_what_people_run() -> None:
    """The same versions, byte for byte; what tests add may need them on more interpreters."""
    tested = {head.split(" ;")[0]: hashes for head, hashes in pins(TEST).items()}
    for head, hashes in pins(RUNTIME).items():
        assert tested.get(head.split(" ;")[0]) == hashes, head


def test_locks_hold_what_the_project_needs() -> None:
    """A dependency that was added without `scripts/lock` is noticed."""
    build = PROJECT["dependency-groups"]["build"]
    runtime = {name_of(each) for each in PROJECT["project"]["dependencies"] + build}
    extras = PROJECT["project"]["optional-dependencies"]
    test = {name_of(each) for each in extras["test"]}
    assert {name_of(each) for each in extras["calendar"]} <= test
    assert runtime <= {name_of(pin) for pin in pins(RUNTIME)}
    assert runtime | test <= {name_of(pin) for pin in pins(TEST)}
    assert {name_of(each) for each in PROJECT["build-system"]["requires"]} <= runtime


def imported(folders: tuple[str, ...]) -> set[str]:
    found: set[str] = set()
    for folder in folders:
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    found |= {alias.name for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    found.add(node.module)
    tops = {name.partition(".")[0] for name in found}
    return tops - sys.stdlib_module_names - {"navi_bot", "adapters", "tools"}


def test_what_is_imported_is_a_dependency() -> None:
    """What we import is named in the project, not brought by chance."""
    project = PROJECT["project"]
    extras = [one for name, one in project["optional-dependencies"].items() if name != "test"]
    named = {name_of(each) for some in (project["dependencies"], *extras) for each in some}
    modules = {MODULES.get(name, name.replace("-", "_")) for name in named}
    strangers = imported(("navi_bot", "adapters", "tools")) - modules
    assert strangers <= {"pydantic_core"}  # comes with pydantic, in one version
