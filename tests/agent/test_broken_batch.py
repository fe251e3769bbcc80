"""A fault of our own in the middle of a batch: what was done is not forgotten."""

from pathlib import Path

import pytest
from agent.scripted_host import calls
from agent.stage import assert_answered, stage, tool
from faults.here import failing_at

from navi_bot.agent import marks
from navi_bot.ports.tools import Effect


async def test_calls_of_a_batch_that_broke_are_kept_with_a_mark(tmp_path: Path) -> None:
    """The model must not make a call with an effect again because nobody told it of the first."""
    bell, lamp = tool("bell", effect=Effect.OUTWARD), tool("lamp")
    scene = stage(tmp_path, calls(("bell", {}), ("lamp", {})), tools=(bell, lamp))
    with failing_at("result_journalled", KeyError("a bug")), pytest.raises(KeyError):
        await scene.play()
    assert_answered(scene.diary.history)
    results = [message.content for message in scene.diary.context if message.role == "tool"]
    assert results == [marks.BROKE, marks.BROKE]
