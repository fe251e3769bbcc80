"""One tool call, carried out: arguments checked, time bounded, failures made results.

A tool's failure is something for the model to read and never ends a turn.
Only a cancellation passes: whoever stops the turn cancels the call and waits
until the tool has cleaned up, or for a moment if it does not (`custody`).
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import structlog
from pydantic import BaseModel

from navi_bot.errors import NaviError, ToolArgumentError
from navi_bot.events import Notice
from navi_bot.fault_points import reached
from navi_bot.messages import ToolCall
from navi_bot.ports.tools import Call, Catalogue, ProfileSummary, Result, Tool
from navi_bot.texts import turn as texts
from navi_bot.toolbox.arguments import validated
from navi_bot.toolbox.custody import Custody, Overdue
from navi_bot.toolbox.registry import Registry

log = structlog.get_logger()

HEADLESS = (
    "Not run: nobody reads along now, so nobody can be asked, and only tools that look are run. "
    "Say in your answer what should be done."
)
"""For the model, in a turn that a recall started."""


UNTRUSTED = "Not run. The person has been told why; say in your answer what remains to be done."
"""For the model, in a turn that was asked from a device that is not trusted with the tool."""


class InstalledTools:
    """The toolbox of the daemon: the registry's catalogues, and calls to its tools."""

    def __init__(
        self,
        registry: Registry,
        redact: Callable[[str], str] = str,
        clock: Callable[[], float] = time.monotonic,
        custody: Custody | None = None,
    ) -> None:
        """`redact` takes secrets out of results before anybody sees them."""
        self._registry = registry
        self._custody = custody or Custody()
        self._redact = redact
        self._clock = clock

    def catalogue(
        self,
        names: Sequence[str],
        profiles: Sequence[ProfileSummary],
        problems: Sequence[str] = (),
    ) -> Catalogue:
        return self._registry.catalogue(names, profiles, problems)

    async def run(self, tool: Tool, asked: ToolCall, call: Call) -> Result:
        """Carry out one call; never raises but for a cancellation.

        The log gets the tool's name, the time and the size of the answer:
        arguments and results may hold what no log should.
        """
        began = self._clock()
        result = await self._result(tool, asked, call)
        result = replace(result, text=self._redact(result.text))
        log.info(
            "tool.execute",
            tool=tool.name,
            ok=result.ok,
            seconds=round(self._clock() - began, 3),
            characters=len(result.text),
        )
        return result

    async def _result(self, tool: Tool, asked: ToolCall, call: Call) -> Result:
        if tool.effect.value.startswith("W") and (why := _withheld(tool, call)):
            return Result(why, ok=False)
        try:
            arguments = validated(tool, asked.arguments)
        except ToolArgumentError as error:
            return Result(str(error), ok=False, understood=False)
        work = _run(tool, arguments, call)
        try:
            result = await self._custody.run(tool.name, work, tool.timeout)
        except NaviError as error:
            return Result(f"Error: {error}", ok=False)
        except Overdue:
            return Result(f"Error: '{tool.name}' took longer than {tool.timeout:g} s.", ok=False)
        except Exception as error:  # noqa: BLE001 - the boundary of a call: a tool never ends a turn
            log.error("tool_failed", tool=tool.name, fault=type(error).__name__, at=_place(error))
            return Result(f"Error: '{tool.name}' failed ({type(error).__name__}).", ok=False)
        if not isinstance(result, Result):
            log.error("tool_failed", tool=tool.name, fault="no Result", at="")
            return Result(f"Error: '{tool.name}' gave no result.", ok=False)
        return result


def _withheld(tool: Tool, call: Call) -> str:
    """Return why a tool that changes something is not run here, "" if it is.

    The person is told, once a turn, what would mend it.
    """
    if call.headless:
        return HEADLESS
    if tool.effect.is_within(call.allowed):
        return ""
    if "untrusted" not in call.turn_data:
        call.turn_data["untrusted"] = True
        call.emit(Notice(texts.UNTRUSTED()))
    return UNTRUSTED


async def _run(tool: Tool, arguments: BaseModel, call: Call) -> Result:
    await reached("tool_called")
    result = await tool.run(arguments, call)
    await reached("tool_answered")
    return result


def _place(error: Exception) -> str:
    """Return "file:line" of where it was raised; the message may hold a secret."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return ""
    return f"{trace.tb_frame.f_code.co_filename.rpartition('/')[2]}:{trace.tb_lineno}"
