"""What ends a run that would not end, and what is offered then."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from agent.scripted_host import Act, calls, for_ever, said
from agent.stage import Stage, Words, ending, stage, text_of, tool

from navi_bot.agent.asking import LONGEST_ANSWER
from navi_bot.errors import ModelMissing, ModelUnavailable, Refused
from navi_bot.events import Notice, StreamFailed, ToolEvent
from navi_bot.ports.model import UNREADABLE, Chunk
from navi_bot.ports.tools import Call, Effect, Result

GARBAGE: dict[str, Sequence[Act]] = {
    "arguments that are no JSON": calls(("a", {UNREADABLE: '{"text": "x'})),
    "arguments of wrong types": calls(("a", {"number": "many"})),
    "a tool that is not there": calls(("fly", {"to": "the moon"})),
    "all of them at once": calls(("fly", {}), ("a", {UNREADABLE: "x"}), ("a", {"number": []})),
}


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE.keys())
async def test_calls_that_cannot_be_made_are_mended_twice(
    tmp_path: Path, garbage: Sequence[Act]
) -> None:
    """The model reads what was wrong, and goes on; nobody else hears of it."""
    scene = stage(tmp_path, garbage, garbage, said("Done"), tools=[tool("a")])
    events = await scene.play()
    assert ending(events).full_content == "Done"
    assert not any(isinstance(event, Notice) for event in events)
    told = [message.content for message in scene.host.requests[1].messages[-1:]]
    assert any(word in told[0] for word in ("could not be read", "bad arguments", "not found"))


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE.keys())
async def test_the_third_time_in_a_row_ends_the_run(tmp_path: Path, garbage: Sequence[Act]) -> None:
    """In a sentence, kept, with limit "calls"; no tool has run."""
    ran: list[str] = []

    async def act(arguments: Words, call: Call) -> Result:
        ran.append(arguments.text)
        return Result("done")

    varied = [_varied(garbage, number) for number in range(9)]
    scene = stage(tmp_path, *varied, tools=[tool("a", act, Effect.OUTWARD)])
    events = await scene.play()
    end = ending(events)
    assert (end.limit, len(scene.host.requests), ran) == ("calls", 3, [])
    assert "cannot be used" in end.full_content
    assert text_of(events) == end.full_content == scene.diary.context[-1].content
    assert not any(event.success for event in events if isinstance(event, ToolEvent))


def _varied(script: Sequence[Act], number: int) -> Sequence[Act]:
    """Make the calls differ from the last ones, so that they are no loop."""
    varied: list[Act] = []
    for act in script:
        if isinstance(act, Chunk) and act.tool_calls:
            made = [(each.name, {**each.arguments, "try": number}) for each in act.tool_calls]
            varied += calls(*made)[:1]
        else:
            varied.append(act)
    return varied


async def test_one_good_call_begins_the_count_anew(tmp_path: Path) -> None:
    """Also within a batch, and a tool that fails was understood."""

    async def fail(arguments: Words, call: Call) -> Result:
        return Result("no such page", ok=False)

    bad = [_varied(calls(("fly", {})), number) for number in range(6)]
    good, mixed = calls(("a", {"text": "x"})), calls(("fly", {}), ("b", {"text": "y"}))
    scene = stage(
        tmp_path, *bad[:2], good, *bad[2:4], mixed, *bad[4:], said("ok"),
        tools=[tool("a"), tool("b", fail)],
    )  # fmt: skip
    assert ending(await scene.play()).limit == ""


async def test_the_same_call_again_and_again_can_be_gone_on_from(tmp_path: Path) -> None:
    scene = stage(tmp_path, calls(("a", {"text": "x"}), ids=False), tools=[tool("a")])
    assert ending(await scene.play()).limit == "same_call"


class Clock:
    """Seconds that pass with each look."""

    def __init__(self, step: float) -> None:
        self.now = 0.0
        self.step = step

    def __call__(self) -> float:
        self.now += self.step
        return self.now


def hurried(tmp_path: Path, *scripts: Sequence[Act], step: float = 0.0) -> tuple[Stage, Clock]:
    clock = Clock(step)
    return stage(tmp_path, *scripts, tools=[tool("a")], clock=clock, seconds=900.0), clock


async def test_a_run_that_takes_too_long_ends_between_its_steps(tmp_path: Path) -> None:
    """What it found is kept, and it can be gone on from."""
    counted = iter(range(100))
    scripts = [calls(("a", {"text": str(next(counted))})) for _ in range(30)]
    scene, _ = hurried(tmp_path, *scripts, step=20.0)
    end = ending(await scene.play())
    assert end.limit == "time"
    assert "15 minutes" in end.full_content
    assert 1 < len(scene.host.requests) < 30
    assert scene.diary.context[-1].content == end.full_content


async def test_a_run_that_takes_too_long_is_cut_in_mid_answer(tmp_path: Path) -> None:
    """The stream is closed, the text so far stands before the sentence."""
    scene, clock = hurried(tmp_path)

    async def late() -> None:
        clock.now += 1000

    scene.host.scripts = [[Chunk(text="Once "), late, Chunk(text="upon "), for_ever]]
    end = ending(await scene.play())
    assert end.limit == "time"
    assert end.full_content.startswith("Once upon \n\nI stopped after 15 minutes")


async def test_an_answer_that_is_whole_counts_however_late(tmp_path: Path) -> None:
    scene, clock = hurried(tmp_path)

    async def late() -> None:
        clock.now += 1000

    scene.host.scripts = [[Chunk(text="Whole."), late, Chunk(finish="stop")]]
    end = ending(await scene.play())
    assert (end.limit, end.full_content) == ("", "Whole.")


async def test_waiting_for_the_model_host_is_no_work(tmp_path: Path) -> None:
    """A queue of others before it takes nothing of a run's time."""
    scene, clock = hurried(tmp_path, said("ok"))
    scene.gate.on_enter = lambda: setattr(clock, "now", clock.now + 5000)
    assert ending(await scene.play()).limit == ""


async def test_an_answer_has_a_longest_length(tmp_path: Path) -> None:
    """What is left of the window, and no more than any sensible answer takes."""
    scene = stage(tmp_path, said("ok"))
    await scene.play()
    assert scene.host.requests[0].max_tokens == LONGEST_ANSWER
    small = stage(tmp_path, said("ok"), num_ctx=8192)
    await small.play()
    assert 2048 <= small.host.requests[0].max_tokens < 8192


BROKE = ModelUnavailable("The model host broke off.", tokens_seen=True)
WAYS: dict[str, tuple[list[Sequence[Act]], bool]] = {
    "nothing came": ([[Chunk(thinking="hm"), BROKE]], False),
    "a part came": ([[Chunk(text="Hal"), BROKE]], True),
    "tools had run": ([calls(("a", {})), [Chunk(thinking="hm"), BROKE]], True),
}


@pytest.mark.parametrize("case", WAYS)
async def test_what_is_kept_can_be_gone_on_from(tmp_path: Path, case: str) -> None:
    """Asked again from the beginning, tools would run a second time."""
    scripts, goes_on = WAYS[case]
    scene = stage(tmp_path, *scripts, tools=[tool("a", effect=Effect.OUTWARD)])
    end = (await scene.play())[-1]
    assert isinstance(end, StreamFailed)
    assert (end.retryable, end.goes_on) == (True, goes_on)


async def test_a_missing_model_offers_others(tmp_path: Path) -> None:
    scene = stage(tmp_path, [ModelMissing("m is not installed.", "m", ("x", "y"))])
    end = (await scene.play())[-1]
    assert isinstance(end, StreamFailed)
    assert (end.models, end.retryable) == (("x", "y"), True)
    assert end.reason == "The model m is not installed on the model host. Available: x, y."


async def test_a_call_that_no_host_can_read_is_one_sentence(tmp_path: Path) -> None:
    reason = "The model wrote a tool call that its host cannot read."
    scene = stage(tmp_path, [Refused(reason)])
    assert (await scene.play())[-1] == StreamFailed(reason)
