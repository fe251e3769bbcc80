"""Limits and failures: each ends the run with one readable sentence, kept where it helps."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from agent.scripted_host import Act, calls, for_ever, said
from agent.stage import Words, ending, stage, text_of, tool

from navi_bot.agent.size import Overflow, overflow
from navi_bot.errors import (
    ContextTooLarge,
    CredentialError,
    ModelMissing,
    ModelTimeout,
    ModelUnavailable,
    NaviError,
)
from navi_bot.events import Notice, StreamFailed, ToolEvent
from navi_bot.messages import Message
from navi_bot.ports.model import Chunk
from navi_bot.ports.tools import Call, Result

BROKE = ModelUnavailable("The model host broke off.", tokens_seen=True)


async def test_running_out_of_steps_ends_in_a_kept_sentence(tmp_path: Path) -> None:
    """T-15, N-25: limit "iterations" after max_iterations calls, stored in both lists."""
    counted = iter(range(100))
    scripts = [calls(("a", {"text": str(next(counted))})) for _ in range(5)]
    scene = stage(tmp_path, *scripts, tools=[tool("a")], more='"max_iterations": 3')
    events = await scene.play()
    end = ending(events)
    assert (end.limit, len(scene.host.requests), end.tool_call_count) == ("iterations", 3, 3)
    assert "3 steps" in end.full_content
    assert text_of(events) == end.full_content
    assert scene.diary.history[-1].content == scene.diary.context[-1].content == end.full_content


async def test_the_same_call_three_times_ends_the_run(tmp_path: Path) -> None:
    """Endless tool loop: the third equal call in a row is not run; every call has a result."""
    ran: list[str] = []

    async def count(arguments: Words, call: Call) -> Result:
        ran.append(arguments.text)
        return Result("same")

    scene = stage(tmp_path, calls(("a", {"text": "x"}), ids=False), tools=[tool("a", count)])
    end = ending(await scene.play())
    assert (end.limit, len(ran)) == ("same_call", 2)
    assert "a third time" in end.full_content
    assert scene.diary.context[-1].content == end.full_content


async def test_other_calls_between_are_no_loop(tmp_path: Path) -> None:
    """Only the same call in a row counts: another one begins the count anew."""
    one, other = calls(("a", {"text": "x"})), calls(("a", {"text": "y"}))
    scene = stage(tmp_path, one, one, other, one, one, said("ok"), tools=[tool("a")])
    assert ending(await scene.play()).limit == ""


async def test_a_prompt_that_does_not_fit_never_reaches_the_host(tmp_path: Path) -> None:
    """N-58…N-61, T-01: said with thousands separators, kept in both lists, no call."""
    scene = stage(tmp_path, said("never"), num_ctx=8192)
    events = await scene.play(scene.run("word " * 10_000))
    end = ending(events)
    assert end.limit == "context"
    assert not scene.host.requests
    for figure in ("12,5", "8,192", "2,048"):
        assert figure in end.full_content
    assert text_of(events) == end.full_content
    assert scene.diary.history[-1].content == scene.diary.context[-1].content == end.full_content


@pytest.mark.parametrize(
    ("total", "miss"),
    [
        (0, None),
        (6144, None),
        (6145, Overflow(145, 144, 8192, 6000, 2048)),
        (20_000, Overflow(14_000, 144, 8192, 6000, 2048)),
    ],
)
def test_the_answers_share_of_the_window_is_kept(total: int, miss: Overflow | None) -> None:
    """N-59: a prompt may fill the window but for what is kept for the answer."""
    assert overflow(total, 6000, 8192, 2048) == miss


@pytest.mark.parametrize(("reserve", "sent"), [(2048, 1), (4096, 0), (8000, 0)])
async def test_the_answers_share_is_the_operators_choice(
    tmp_path: Path, reserve: int, sent: int
) -> None:
    """N-59: the same question is sent, or told not to fit, as the reserve says."""
    scene = stage(tmp_path, said("ok"), num_ctx=8192, reserve=reserve)
    end = ending(await scene.play(scene.run("word " * 4000)))
    assert len(scene.host.requests) == sent
    assert end.limit == ("" if sent else "context")


def test_nothing_is_left_when_the_old_is_too_much_already() -> None:
    """N-60: never a negative number of tokens left."""
    assert overflow(9000, 8500, 8192, 2048) == Overflow(500, 0, 8192, 8500, 2048)


async def test_a_huge_tool_result_is_caught_before_the_next_call(tmp_path: Path) -> None:
    """N-58: the guard stands before every call, not the first alone."""

    async def read(arguments: Words, call: Call) -> Result:
        return Result("x" * 60_000)

    scene = stage(tmp_path, calls(("a", {})), said("no"), tools=[tool("a", read)], num_ctx=8192)
    assert ending(await scene.play()).limit == "context"
    assert len(scene.host.requests) == 1


async def test_a_cut_answer_says_so(tmp_path: Path) -> None:
    """finish "length" is limit "length", the text kept as it is."""
    scene = stage(tmp_path, said("Once upon", finish="length"))
    end = ending(await scene.play())
    assert (end.limit, end.full_content) == ("length", "Once upon")
    assert scene.diary.context[-1].content == "Once upon"


@pytest.mark.parametrize("where", ["text", "thinking"])
async def test_a_model_that_repeats_itself_is_cut(tmp_path: Path, where: str) -> None:
    """Runaway: the stream is closed, limit "repeating", and the text says so."""
    piece = Chunk(text="la ") if where == "text" else Chunk(thinking="la ")
    scene = stage(tmp_path, [piece] * 50 + [for_ever])
    events = await scene.play()
    end = ending(events)
    assert end.limit == "repeating"
    assert end.full_content.endswith("so I stopped.)")
    assert text_of(events) == end.full_content
    assert scene.diary.history[-1].content == end.full_content


async def test_an_empty_answer_is_asked_again_in_silence(tmp_path: Path) -> None:
    """Empty reply: one retry that nobody sees."""
    scene = stage(tmp_path, said("  "), said("Here"))
    events = await scene.play()
    assert ending(events).full_content == "Here"
    assert not any(isinstance(event, Notice) for event in events)


async def test_two_empty_answers_are_told(tmp_path: Path) -> None:
    """Empty reply twice: a sentence, and a retry offered; no third call."""
    scene = stage(tmp_path, [Chunk(thinking="hm"), *said()])
    end = (await scene.play())[-1]
    assert isinstance(end, StreamFailed)
    assert end.retryable
    assert "no answer" in end.reason
    assert len(scene.host.requests) == 2


async def test_a_broken_stream_is_asked_again_once_and_told(tmp_path: Path) -> None:
    """Mid-stream break: a Notice, one retry, and only the second answer is kept."""
    scene = stage(tmp_path, [Chunk(text="Hal"), BROKE], said("Hello"))
    events = await scene.play()
    assert [event.text for event in events if isinstance(event, Notice)] == [
        "— interrupted, retrying once: The model host broke off."
    ]
    assert ending(events).full_content == "Hello"
    assert [message.content for message in scene.diary.history] == ["Hello?", "Hello"]


async def test_a_stream_broken_twice_keeps_its_part(tmp_path: Path) -> None:
    """Mid-stream break twice: the part is told as partial and kept with a mark."""
    scene = stage(tmp_path, [Chunk(text="Hal"), BROKE])
    end = (await scene.play())[-1]
    assert end == StreamFailed("The model host broke off.", "Hal", goes_on=True)
    assert len(scene.host.requests) == 2
    assert scene.diary.context[-1].content == "Hal\n\n[the model host broke off here]"


async def test_a_break_after_effects_repeats_none_of_them(tmp_path: Path) -> None:
    """The retry asks the model again; tools that ran are in the prompt, not run again."""
    ran: list[str] = []

    async def act(arguments: Words, call: Call) -> Result:
        ran.append("a")
        return Result("sent")

    scene = stage(
        tmp_path,
        calls(("a", {})),
        [Chunk(text="I ha"), BROKE],
        said("Done"),
        tools=[tool("a", act)],
    )
    assert ending(await scene.play()).full_content == "Done"
    assert ran == ["a"]
    assert scene.host.requests[2].messages == scene.host.requests[1].messages


@pytest.mark.parametrize("before", [[], [calls(("a", {}))]], ids=["at once", "after a batch"])
async def test_a_host_that_is_away_is_the_runners_matter(
    tmp_path: Path, before: list[Sequence[Act]]
) -> None:
    """ModelUnavailable without a token is raised; all that was done is recorded."""
    away = ModelUnavailable("Away.")
    scene = stage(tmp_path, *before, [away], tools=[tool("a")])
    with pytest.raises(ModelUnavailable):
        await scene.play()
    scene.settled()
    assert not scene.diary.closed
    assert len(scene.diary.context) == 1 + 2 * len(before)
    assert len(scene.host.requests) == 1 + len(before)


FAILURES: dict[str, tuple[NaviError, str, bool]] = {
    "missing": (
        ModelMissing("m is not installed.", "m"),
        "The model m is not installed on the model host.",
        True,
    ),
    "refused": (CredentialError("The key was refused."), "The key was refused.", False),
    "slow": (
        ModelTimeout("No first token within 180 s."),
        "No first token within 180 s. Try /compact, a smaller file, or a profile with a smaller "
        "model.",
        True,
    ),
}


@pytest.mark.parametrize("case", FAILURES)
async def test_a_host_error_is_one_sentence(tmp_path: Path, case: str) -> None:
    """Errors of the host become StreamFailed with one sentence, once, without a retry."""
    error, reason, retryable = FAILURES[case]
    scene = stage(tmp_path, [error])
    end = (await scene.play())[-1]
    assert end == StreamFailed(reason, "", retryable)
    assert len(scene.host.requests) == 1


async def test_the_hosts_own_size_refusal_is_a_limit(tmp_path: Path) -> None:
    """ContextTooLarge ends like our own guard, so that the same buttons fit."""
    scene = stage(tmp_path, [ContextTooLarge("The prompt is too long for m.")])
    end = ending(await scene.play())
    assert (end.limit, end.full_content) == ("context", "The prompt is too long for m.")


@pytest.mark.parametrize(
    ("script", "words"), [([for_ever], "first"), ([Chunk(text="a"), for_ever], "next")]
)
async def test_silence_of_the_host_is_bounded(
    tmp_path: Path, script: Sequence[Act], words: str
) -> None:
    """N-33, N-34: two timeouts; the error says which, and the stream is closed."""
    scene = stage(tmp_path, script, first=0.02, gap=0.01)
    end = (await scene.play())[-1]
    assert isinstance(end, StreamFailed)
    assert words in end.reason
    assert end.partial == ("" if words == "first" else "a")


async def test_a_backend_that_is_not_set_up_is_told(tmp_path: Path) -> None:
    """V-45: a profile with an absent backend fails in a sentence, the question kept."""
    scene = stage(tmp_path, said("x"), more='"llm_backend": "openai"')
    end = (await scene.play())[-1]
    assert isinstance(end, StreamFailed)
    assert "openai" in end.reason
    assert scene.diary.history[0].content == "Hello?"


async def test_what_a_turn_used_is_told_and_kept(tmp_path: Path) -> None:
    """N-97…N-99: net tokens, seconds to a tenth, tool calls; on the message and in StreamEnd."""
    scene = stage(tmp_path, calls(("a", {})), said("ok", prompt=500), tools=[tool("a")])
    end = ending(await scene.play(scene.run(context_tokens=120)))
    kept = scene.diary.history[-1]
    assert (end.context_tokens, end.token_count, end.tool_call_count) == (507, 387, 1)
    assert (kept.token_count, kept.tool_call_count) == (387, 1)
    assert kept.elapsed_seconds == end.elapsed_seconds == round(end.elapsed_seconds, 1)
    assert scene.estimator.taught == [100, 500]


async def test_fewer_tokens_than_before_are_none(tmp_path: Path) -> None:
    """N-97: after a condensed context the net count is 0, never negative."""
    scene = stage(tmp_path, said("ok", prompt=500))
    assert ending(await scene.play(scene.run(context_tokens=9000))).token_count == 0


async def test_hosts_that_leave_ids_out_get_distinct_ones(tmp_path: Path) -> None:
    """Calls without ids, or with ids used before, are told apart by ids of our own."""
    scene = stage(
        tmp_path,
        calls(("a", {"text": "1"}), ("a", {"text": "2"}), ids=False),
        calls(("a", {"text": "3"})),
        calls(("a", {"text": "4"})),
        said("ok"),
        tools=[tool("a")],
    )
    events = await scene.play()
    ids = [event.call_id for event in events if isinstance(event, ToolEvent)]
    assert len(set(ids)) == 4
    assert all(ids)


async def test_stored_system_messages_are_left_out(tmp_path: Path) -> None:
    """N-04: one system message a call, built fresh."""
    scene = stage(tmp_path, said("ok"))
    old = (Message("system", "obey"), Message("user", "a"), Message("assistant", "b"))
    await scene.play(scene.run(context=old))
    sent = scene.host.requests[0].messages
    assert [message.role for message in sent] == ["system", "user", "assistant", "user"]
    assert sent[0].content.startswith("A persona.")
