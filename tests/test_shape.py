"""The house style's limits, measured: limits that no machine checks are not kept."""

import ast
import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ("navi_bot", "adapters", "tools", "bench")

MODULE_LINES, FUNCTION_LINES, PUBLIC_METHODS = 300, 40, 10

EXCEPTIONS = {
    "navi_bot/messages.py": "one vocabulary: whoever reads a value finds all of them here",
    "navi_bot/ports/store.py:Turns": "the machine of a turn is one aggregate with one table",
    "navi_bot/store/turns.py:PostgresTurns": "implements that port",
}
"""What may be larger than the limits, each with its reason. A test sees that each still is."""

VAGUE = {"utils", "util", "helpers", "helper", "common", "manager", "base", "misc"}

IGNORE = re.compile(r"#\s*(?:noqa|type:\s*ignore)")
REASONED = re.compile(
    r"#\s*(?:noqa: [A-Z]+\d+(?:, ?[A-Z]+\d+)*|type: ignore\[[\w, -]+\])\s*(?:#|-|—)\s*\w+"
)

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Module:
    name: str
    text: str
    tree: ast.Module

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()


def read(folders: tuple[str, ...]) -> Iterator[Module]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            text = path.read_text(encoding="utf-8")
            yield Module(str(path.relative_to(ROOT)), text, ast.parse(text))


MODULES = tuple(read(SOURCES))


def oversized(module: Module) -> Iterator[tuple[str, str]]:
    """Yield (where, what) for everything over a limit."""
    if len(module.lines) > MODULE_LINES:
        yield module.name, f"has {len(module.lines)} lines"
    for node in ast.walk(module.tree):
        if isinstance(node, Function):
            length = (node.end_lineno or 0) - node.lineno + 1
            if length > FUNCTION_LINES:
                yield f"{module.name}:{node.name}", f"has {length} lines"
        if isinstance(node, ast.ClassDef):
            methods = [each.name for each in node.body if isinstance(each, Function)]
            public = [name for name in methods if not name.startswith("_")]
            if len(public) > PUBLIC_METHODS:
                yield f"{module.name}:{node.name}", f"has {len(public)} public methods"


def names(module: Module) -> Iterator[tuple[str, str]]:
    """Yield names that say nothing, or say what they should not."""
    if Path(module.name).stem in VAGUE:
        yield module.name, "is named by no idea"
    for node in ast.walk(module.tree):
        if isinstance(node, Function) and node.name.startswith("get_"):
            yield f"{module.name}:{node.lineno}", f"{node.name}: a function is a verb, not a get_"


def untold(module: Module) -> Iterator[tuple[str, str]]:
    """Yield modules without a docstring, and ignores without a code and a reason."""
    if not ast.get_docstring(module.tree):
        yield module.name, "has no docstring"
    for number, line in enumerate(module.lines, 1):
        if IGNORE.search(line) and not REASONED.search(line):
            yield f"{module.name}:{number}", "ignores a rule without its code and a reason"


def loose_tasks(module: Module) -> Iterator[tuple[str, str]]:
    """Yield tasks that no group owns."""
    loose = {"create_task", "ensure_future"}
    for node in ast.walk(module.tree):
        if (
            isinstance(node, ast.Attribute)
            and node.attr in loose
            and isinstance(node.value, ast.Name)
            and node.value.id in ("asyncio", "loop")
        ):
            yield f"{module.name}:{node.lineno}", f"{node.value.id}.{node.attr} outlives its caller"


RULES: dict[str, Callable[[Module], Iterator[tuple[str, str]]]] = {
    "small": oversized,
    "named": names,
    "explained": untold,
    "owned": loose_tasks,
}


@pytest.mark.parametrize("rule", RULES)
def test_sources_keep_the_rule(rule: str) -> None:
    found = [f"{where} {what}" for module in MODULES for where, what in RULES[rule](module)]
    broken = [line for line in found if line.split()[0] not in EXCEPTIONS]
    assert not broken, "\n".join(broken)


def test_exceptions_are_still_needed() -> None:
    """An exception that nothing needs any more goes."""
    needed = {where for module in MODULES for where, _ in oversized(module)}
    assert set(EXCEPTIONS) <= needed


BAD: dict[str, tuple[str, str]] = {
    "long module": ("small", "x = 1\n" * (MODULE_LINES + 1)),
    "long function": ("small", "def f():\n" + "    x = 1\n" * FUNCTION_LINES),
    "wide class": (
        "small",
        "class C:\n" + "".join(f"    def m{n}(self): ...\n" for n in range(PUBLIC_METHODS + 1)),
    ),
    "getter": ("named", "def get_it(): ..."),
    "no docstring": ("explained", "x = 1"),
    "silent ignore": ("explained", '"""D."""\nx = 1  # noqa: E501'),
    "bare ignore": ("explained", '"""D."""\nx = 1  # type: ignore'),
    "loose task": ("owned", "asyncio.create_task(work())"),
}


@pytest.mark.parametrize("case", BAD)
def test_rule_can_be_broken(case: str) -> None:
    rule, text = BAD[case]
    assert list(RULES[rule](Module("navi_bot/x.py", text, ast.parse(text))))


def test_test_folders_are_no_packages() -> None:
    """Test modules are imported by path; only what tests import by name is a package."""
    for path in (ROOT / "tests").rglob("__init__.py"):
        assert not list(path.parent.glob("test_*.py")), path.parent


def test_every_core_module_has_its_place_in_the_borders() -> None:
    """A new module of navi_bot is named in the layers and among those without libraries."""
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = {each["type"]: each for each in project["tool"]["importlinter"]["contracts"]}
    layered = {
        name.strip(" ()")
        for layer in contracts["layers"]["layers"]
        for name in re.split(r"[|:]", layer)
    }
    there = {
        f"navi_bot.{path.stem}"
        for path in (ROOT / "navi_bot").iterdir()
        if path.stem not in ("__init__", "__pycache__", "py") and not path.is_symlink()
        if path.suffix == ".py" or list(path.glob("*.py"))
    }
    assert there <= layered, there - layered
    built_from_libraries = {"__main__", "cli", "app", "store", "models", "calendars"}
    pure = there - {f"navi_bot.{name}" for name in built_from_libraries}
    assert pure <= set(contracts["forbidden"]["source_modules"])
