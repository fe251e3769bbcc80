"""One call: arguments as they were meant, failures as results, a log without contents."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Literal, cast

import pytest
from pydantic import BaseModel
from structlog.testing import capture_logs
from toolbox.calls_in_memory import Memory, call_of

from navi_bot.errors import PersonError, ToolArgumentError
from navi_bot.events import Event, Notice
from navi_bot.messages import Allowed, ToolCall
from navi_bot.ports.tools import Call, Effect, Result, Tool
from navi_bot.toolbox.arguments import validated
from navi_bot.toolbox.registry import Found, Registry
from navi_bot.toolbox.runner import InstalledTools

CALL = cast(Call, None)  # these tools reach nothing


class Wanted(BaseModel):
    text: str = "none"
    count: int = 0
    on: bool = False
    items: list[str] = []
    kind: Literal["a", "b"] = "a"
    must: str


def tool(run: object, timeout: float = 1.0) -> Tool:
    return Tool("t", "T.", Wanted, Effect.PURE, "always", "daemon", run, timeout=timeout)  # type: ignore[arg-type]  # test functions


@pytest.mark.parametrize(
    ("raw", "field", "meant"),
    [
        ({"count": "3"}, "count", 3),
        ({"count": " 3 "}, "count", 3),
        ({"on": "true"}, "on", True),
        ({"items": '["x", "y"]'}, "items", ["x", "y"]),
        ({"text": None}, "text", "none"),
        ({"text": "[1]"}, "text", "[1]"),
        ({"text": " kept "}, "text", " kept "),
        ({"stranger": 1}, "text", "none"),
    ],
)
def test_what_is_meant_is_understood(raw: Mapping[str, object], field: str, meant: object) -> None:
    """Quoted numbers, lists as text, nulls and strange extras do not fail a call."""
    arguments = validated(tool(None), {"must": "x", **raw})
    assert getattr(arguments, field) == meant


@pytest.mark.parametrize(
    ("raw", "named"),
    [
        ({}, "must"),
        ({"must": None}, "must"),
        ({"must": "x", "count": "many"}, "count"),
        ({"must": "x", "items": "[broken"}, "items"),
        ({"must": "x", "kind": "c"}, "kind"),
    ],
)
def test_what_is_wrong_is_named(raw: Mapping[str, object], named: str) -> None:
    """The sentence names the field and repeats nothing of the value."""
    with pytest.raises(ToolArgumentError, match=named) as caught:
        validated(tool(None), raw)
    assert "broken" not in str(caught.value)


async def carried_out(run: object, seconds: float = 1.0) -> Result:
    made = tool(run, seconds)
    toolbox = InstalledTools(Registry(Found({"t": made}, ())))
    return await toolbox.run(made, ToolCall("1", "t", {"must": "secret-argument"}), CALL)


async def test_a_result_passes_and_the_log_holds_no_content() -> None:
    """T-12: name, outcome, seconds and size; neither arguments nor results."""

    async def good(arguments: Wanted, call: Call) -> Result:
        return Result("secret-result")

    with capture_logs() as logs:
        assert await carried_out(good) == Result("secret-result")
    [line] = logs
    assert (line["event"], line["tool"], line["ok"], line["characters"]) == (
        "tool.execute",
        "t",
        True,
        13,
    )
    assert "secret" not in str(logs)


async def test_errors_of_ours_are_told_as_they_are() -> None:
    """A NaviError is one safe sentence for the model."""

    async def refuse(arguments: Wanted, call: Call) -> Result:
        raise PersonError("That cannot be done.")

    assert await carried_out(refuse) == Result("Error: That cannot be done.", ok=False)


async def test_other_errors_are_told_by_kind_alone() -> None:
    """T-03: their words may hold a secret, so neither model nor log gets them."""

    async def burst(arguments: Wanted, call: Call) -> Result:
        raise KeyError("secret-key")

    with capture_logs() as logs:
        result = await carried_out(burst)
    assert result == Result("Error: 't' failed (KeyError).", ok=False)
    assert "secret" not in str(logs)
    assert logs[0]["at"].startswith("test_runner.py:")


async def test_time_is_bounded_and_said() -> None:
    """The tool's own timeout is a failed result; its inner timeouts are not mistaken for it."""

    async def slow(arguments: Wanted, call: Call) -> Result:
        await asyncio.Event().wait()
        return Result("")

    async def inner(arguments: Wanted, call: Call) -> Result:
        raise TimeoutError

    assert (await carried_out(slow, 0.01)).text == "Error: 't' took longer than 0.01 s."
    assert (await carried_out(inner)).text == "Error: 't' failed (TimeoutError)."


async def test_no_result_is_a_failure() -> None:
    """A tool that breaks its contract does not break the loop."""

    async def nothing(arguments: Wanted, call: Call) -> None: ...

    assert not (await carried_out(nothing)).ok


async def test_a_cancellation_passes() -> None:
    """Whoever stops the turn cancels the call; it is never turned into a result."""

    async def hang(arguments: Wanted, call: Call) -> Result:
        await asyncio.Event().wait()
        return Result("")

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await carried_out(hang)


async def test_secrets_are_taken_out_of_results() -> None:
    """VX-13: what a tool brings back is redacted before the model or the room gets it."""

    async def leak(arguments: Wanted, call: Call) -> Result:
        return Result("key=hunter2")

    made = tool(leak)
    registry = Registry(Found({"t": made}, ()))
    toolbox = InstalledTools(registry, redact=lambda text: text.replace("hunter2", "***"))
    assert await toolbox.run(made, ToolCall("1", "t", {"must": "x"}), CALL) == Result("key=***")


PERMISSIONS = [
    ("all", Effect.HOST, True),
    ("sandbox", Effect.SANDBOXED, True),
    ("sandbox", Effect.OUTWARD, False),
    ("sandbox", Effect.HOST, False),
    ("talk", Effect.READ_WORLD, True),
    ("talk", Effect.SANDBOXED, False),
    ("talk", Effect.HOST, False),
]


@pytest.mark.parametrize(("allowed", "effect", "runs"), PERMISSIONS)
async def test_a_tool_needs_the_trust_of_the_device_that_asked(
    allowed: Allowed, effect: Effect, runs: bool
) -> None:
    """What is refused does not run, and the person is told once a turn how to mend it."""
    ran: list[str] = []

    async def run(_arguments: object, _call: Call) -> Result:
        ran.append("yes")
        return Result("done")

    told: list[Event] = []
    call = replace(call_of(Memory(), told), allowed=allowed)
    asked = ToolCall("1", "t", {"must": "x"})
    runner = InstalledTools(Registry(Found({}, ())))
    results = [await runner.run(replace(tool(run), effect=effect), asked, call) for _ in range(2)]
    assert [one.ok for one in results] == [runs, runs]
    assert len(ran) == 2 * runs
    notices = [one.text for one in told if isinstance(one, Notice)]
    assert len(notices) == (not runs)
    assert all("Verify" in one for one in notices)
