"""The tools that are installed, found by a scan and kept in one fixed order.

A broken module is named in `problems` and skipped; the others load. Tools of
people's own are named as well but not run: running them needs the sandbox.
"""

import importlib
import json
import pkgutil
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import structlog

from navi_bot.ports.tools import Catalogue, ProfileSummary, Tool
from navi_bot.toolbox.contract import ContractBroken, tool_of

log = structlog.get_logger()

SHIPPED = ("tools",)
"""Packages whose modules are tools."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a scan found: tools by name, and a sentence per thing that was skipped."""

    tools: Mapping[str, Tool]
    problems: tuple[str, ...]


def shipped(*packages: str) -> Found:
    """Load every module of these packages; of none: of the one that ships with the daemon."""
    tools: dict[str, Tool] = {}
    problems: list[str] = []
    for package, name in _modules(*(packages or SHIPPED)):
        try:
            tool = tool_of(importlib.import_module(f"{package}.{name}"))
        except ContractBroken as error:
            problems.append(f"Tool module {package}/{name}.py was skipped: {error}.")
        except Exception as error:  # noqa: BLE001 - one broken module must not stop the others
            problems.append(
                f"Tool module {package}/{name}.py was skipped: "
                f"it cannot be imported ({type(error).__name__}: {error})."
            )
        else:
            if tool.name in tools:
                problems.append(
                    f"Tool module {package}/{name}.py was skipped: "
                    f"there is another tool named '{tool.name}'."
                )
            else:
                tools[tool.name] = tool
    return Found(tools, tuple(problems))


def _modules(*packages: str) -> Iterator[tuple[str, str]]:
    for package in packages:
        path = importlib.import_module(package).__path__
        for name in sorted(each.name for each in pkgutil.iter_modules(path)):
            if name[0] != "_":
                yield package, name


def own_problems(directory: Path | None) -> tuple[str, ...]:
    """Name the tools of people's own in a directory, and faults of its enabled.json.

    They are not run: each is a problem that says so.
    """
    if directory is None:
        return ()
    if not directory.is_dir():
        return (f"The tools folder {directory} is not there.",)
    files = sorted(path.stem for path in directory.glob("*.py") if path.name[0] != "_")
    enabled, problems = _enabled(directory / "enabled.json")
    problems += [
        f"enabled.json names the tool '{name}', but there is no {name}.py beside it."
        for name in enabled
        if name not in files
    ]
    problems += [
        f"Tool '{name}' is off: own tools need the sandbox, which this version does not have yet."
        for name in files
    ]
    return tuple(problems)


def _enabled(path: Path) -> tuple[list[str], list[str]]:
    if not path.exists():
        return [], []
    try:
        names = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        return [], [f"enabled.json cannot be read, so it enables nothing: {error}."]
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return [], ["enabled.json enables nothing: it is not a list of tool names."]
    return names, []


class Registry:
    """All installed tools. Catalogues of turns are cut out of it."""

    def __init__(
        self, found: Found, own: Sequence[str] = (), equipment: Collection[str] = ()
    ) -> None:
        """`equipment`: what is configured; tools that need something else are not there."""
        self._tools = {
            name: tool for name, tool in found.tools.items() if tool.needs in ("", *equipment)
        }
        self.problems = (*found.problems, *own)
        for problem in self.problems:
            log.warning("tool_skipped", problem=problem)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._tools)

    def catalogue(
        self,
        names: Sequence[str],
        profiles: Sequence[ProfileSummary],
        problems: Sequence[str] = (),
    ) -> Catalogue:
        """Return what a turn with these tool names may use, in the names' order."""
        return TurnCatalogue(
            tuple(self._tools[name] for name in _once(names) if name in self._tools),
            tuple(replace(each, tools=self._installed(each.tools)) for each in profiles),
            (*self.problems, *problems),
        )

    def _installed(self, names: Sequence[str]) -> tuple[str, ...]:
        return tuple(name for name in names if name in self._tools)


def _once(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


class TurnCatalogue:
    """What one turn may know of tools and profiles; never changes."""

    def __init__(
        self,
        tools: tuple[Tool, ...],
        profiles: tuple[ProfileSummary, ...],
        problems: tuple[str, ...],
    ) -> None:
        self._tools = tools
        self._profiles = profiles
        self._problems = problems

    def tools(self) -> tuple[Tool, ...]:
        return self._tools

    def find_tool(self, name: str) -> Tool | None:
        return next((tool for tool in self._tools if tool.name == name), None)

    def profiles(self) -> Sequence[ProfileSummary]:
        return self._profiles

    def problems(self) -> tuple[str, ...]:
        return self._problems
