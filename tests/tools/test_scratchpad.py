"""The scratchpad: named sections of notes."""

import pytest
from toolbox.calls_in_memory import Memory, call_of

from navi_bot.errors import ToolArgumentError
from tools import scratchpad


async def noted(memory: Memory, **asked: object) -> str:
    arguments = scratchpad.Arguments.model_validate(asked)
    return (await scratchpad.run(arguments, call_of(memory))).text


async def test_sections_are_written_read_listed_and_cleared() -> None:
    """N-117: the pad's actions; names in any case mean the same section."""
    memory = Memory()
    await noted(memory, action="write", section="Findings", text="a")
    await noted(memory, action="append", section="findings", text="b")
    await noted(memory, action="write", section="next steps", text="c")
    assert memory.pad == {"findings": "a\nb", "next_steps": "c"}
    assert await noted(memory, action="read", section="findings") == "a\nb"
    assert await noted(memory, action="read") == "## findings\na\nb\n\n## next_steps\nc"
    assert await noted(memory) == "findings: 3 characters\nnext_steps: 1 characters"
    await noted(memory, action="clear", section="findings")
    assert list(memory.pad) == ["next_steps"]
    await noted(memory, action="clear")
    assert await noted(memory) == "The pad is empty."


async def test_appending_again_after_a_crash_leaves_no_double_note() -> None:
    """The call may run again when its result was lost."""
    memory = Memory()
    for _ in range(2):
        await noted(memory, action="append", section="plan", text="one")
        await noted(memory, action="append", section="plan", text="two\n")
        await noted(memory, action="append", section="plan", text="two")
    assert memory.pad["plan"] == "one\ntwo\none\ntwo"


async def test_a_section_that_is_not_there_is_a_failure() -> None:
    """With the names of those that are."""
    memory = Memory()
    memory.pad["plan"] = "x"
    arguments = scratchpad.Arguments(action="read", section="errors")
    result = await scratchpad.run(arguments, call_of(memory))
    assert (result.ok, result.text) == (False, "No section 'errors'; there are: plan.")


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ({"action": "write", "text": "x"}, "section"),
        ({"action": "write", "section": "a", "text": " "}, "text"),
        ({"action": "write", "section": "a/../b", "text": "x"}, "section"),
        ({"action": "write", "section": "x" * 61, "text": "x"}, "section"),
        ({"action": "write", "section": "a", "text": "x" * 20_001}, "text"),
        ({"action": "append", "section": "full", "text": "x" * 9}, "text"),
        ({"action": "write", "section": "one-more", "text": "x"}, "section"),
    ],
)
async def test_limits_are_named(asked: dict[str, object], named: str) -> None:
    """Names are short plain words; sections and pad are bounded."""
    memory = Memory()
    memory.pad = {"full": "y" * 19_995}
    if asked.get("section") == "one-more":
        memory.pad = {f"s{number}": "x" for number in range(40)}
    with pytest.raises(ToolArgumentError, match=f"^{named}:"):
        await noted(memory, **asked)
