"""The tools about tools and profiles."""

from dataclasses import replace

import pytest
from toolbox.calls_in_memory import Memory, call_of

from tools import list_profiles, list_tools, switch_profile, tool_manual


async def test_the_list_has_every_tool_and_every_problem() -> None:
    """N-131, T-17: one line a tool, then what could not be loaded."""
    text = (await list_tools.run(list_tools.Arguments(), call_of(Memory()))).text
    assert "- clock: Tell the time" in text
    assert text.endswith("Not available:\n- Broken.")


async def test_a_manual_has_text_and_arguments() -> None:
    """N-132: the longer text, and each argument with its type and meaning."""
    call = call_of(Memory())
    text = (await tool_manual.run(tool_manual.Arguments(tool=" clock "), call)).text
    assert "action=diff" in text
    assert "- days (integer): for add: days to add" in text
    text = (await tool_manual.run(tool_manual.Arguments(tool="tool_manual"), call)).text
    assert "- tool (string, required): the tool's name" in text
    text = (await tool_manual.run(tool_manual.Arguments(tool="list_tools"), call)).text
    assert text.endswith("It takes no arguments.")


async def test_a_manual_of_nothing_names_what_there_is() -> None:
    """An unknown name is a failure that helps."""
    result = await tool_manual.run(tool_manual.Arguments(tool="clokc"), call_of(Memory()))
    assert not result.ok
    assert "clock" in result.text


async def test_profiles_are_listed_with_their_tools() -> None:
    """N-112: what each is for, the current one marked, tools that are installed."""
    text = (await list_profiles.run(list_profiles.Arguments(), call_of(Memory()))).text
    assert text == (
        "cook (current): Cook\nCooks.\nTools: clock, todo\n\nguide: Guide\nGuides.\nTools: none"
    )


async def test_a_switch_is_written_once_a_turn() -> None:
    """N-110: validated, not the same, and never back and forth within a turn."""
    memory = Memory()
    call = call_of(memory)
    wanted = switch_profile.Arguments(profile_id="guide")
    assert (await switch_profile.run(wanted, call)).ok
    assert memory.profile == "guide"
    back = replace(call, profile_id="guide")
    result = await switch_profile.run(switch_profile.Arguments(profile_id="cook"), back)
    assert (result.ok, memory.profile) == (False, "guide")
    later = call_of(memory)
    result = await switch_profile.run(wanted, replace(later, profile_id="cook"))
    assert result.ok


@pytest.mark.parametrize(("wanted", "named"), [("nobody", "cook, guide"), ("cook", "already")])
async def test_a_switch_to_nothing_new_is_refused(wanted: str, named: str) -> None:
    """An unknown profile names those there are; the current one is told as such."""
    memory = Memory()
    result = await switch_profile.run(switch_profile.Arguments(profile_id=wanted), call_of(memory))
    assert not result.ok
    assert named in result.text
    assert memory.profile == "cook"
