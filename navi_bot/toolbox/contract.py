"""What a tool module must define, and the tool that comes of it.

    name         the word by which the model calls it
    description  what it does, for the model; the first line stands alone
    Arguments    a pydantic model, flat, each field described
    effect       the worst it can do (ports.tools.Effect)
    run          async (arguments, call) -> Result

and may define: loading ("always" | "skill"), place ("daemon" | "sandbox"),
manual (a longer text for tool_manual), timeout (seconds), needs ("calendar":
where that is not configured, the tool is not there).
"""

import inspect
import re
from types import ModuleType

from pydantic import BaseModel

from navi_bot.errors import OperatorError
from navi_bot.ports.tools import Effect, Tool
from navi_bot.toolbox.schema import parameters_of

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
"""Hosts and chat templates agree on words of at most 64 such characters."""


EQUIPMENT = ("calendar",)
"""What an operator may configure, and a tool may not do without."""


class ContractBroken(OperatorError):
    """A module is not a tool; the sentence says what is missing or wrong."""


def tool_of(module: ModuleType, *, own: bool = False) -> Tool:
    """Return the tool that a module defines; ContractBroken names all its faults."""
    faults = list(_faults(module))
    if faults:
        raise ContractBroken(f"it {', '.join(faults)}")
    return Tool(
        name=module.name,
        description=inspect.cleandoc(module.description),
        arguments=module.Arguments,
        effect=module.effect,
        loading=getattr(module, "loading", "always"),
        place=getattr(module, "place", "daemon"),
        run=module.run,
        manual=inspect.cleandoc(getattr(module, "manual", "")),
        timeout=float(getattr(module, "timeout", 60.0)),
        own=own,
        needs=getattr(module, "needs", ""),
        parameters=parameters_of(module.Arguments),
    )


def _faults(module: ModuleType) -> list[str]:
    faults = []
    name = getattr(module, "name", None)
    arguments = getattr(module, "Arguments", None)
    timeout = getattr(module, "timeout", 60.0)
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        faults.append("has no name of small letters, digits and underscores")
    if not str(getattr(module, "description", "") or "").strip():
        faults.append("has no description")
    if not (isinstance(arguments, type) and issubclass(arguments, BaseModel)):
        faults.append("has no pydantic model named Arguments")
    if not isinstance(getattr(module, "effect", None), Effect):
        faults.append("names no effect class")
    if not inspect.iscoroutinefunction(getattr(module, "run", None)):
        faults.append("has no async function named run")
    if getattr(module, "loading", "always") not in ("always", "skill"):
        faults.append("has a loading other than always or skill")
    if getattr(module, "place", "daemon") not in ("daemon", "sandbox"):
        faults.append("has a place other than daemon or sandbox")
    if getattr(module, "needs", "") not in ("", *EQUIPMENT):
        faults.append(f"needs something other than {' or '.join(EQUIPMENT)}")
    if not isinstance(timeout, int | float) or timeout <= 0:
        faults.append("has a timeout that is not a number of seconds above 0")
    return faults
