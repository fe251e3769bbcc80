"""The Ollama backend over the wire, against a server that is as strict as the real one."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from hosted_ollama import ALL, asked, hosting, streamed
from strict_ollama import (
    Called,
    Calls,
    Cut,
    Done,
    Drop,
    Fail,
    Hold,
    Installed,
    Raw,
    Step,
    StrictOllama,
    Text,
    Thinking,
    in_turn,
    say,
)

from navi_bot.errors import (
    ModelUnavailable,
    Refused,
)
from navi_bot.messages import Message
from navi_bot.models.ollama import NUDGE, OllamaModel
from navi_bot.ports.model import ModelRequest, ToolSchema

TOOL = ToolSchema("clock", "tells the time", {"type": "object", "properties": {}})


async def test_an_answer_streams_chunk_by_chunk() -> None:
    """Thinking, then text, then the end with its counts."""
    async with hosting(Thinking("hm"), *say("one two")) as (model, server):
        chunks = await streamed(model, asked())
        assert [(c.thinking, c.text, c.finish) for c in chunks] == [
            ("hm", "", ""),
            ("", "one ", ""),
            ("", "two", ""),
            ("", "", "stop"),
        ]
        assert chunks[-1].prompt_tokens == server.chats[0].prompt_tokens
        assert chunks[-1].completion_tokens == 3


async def test_the_first_chunk_does_not_wait_for_the_second() -> None:
    """What is there is given away at once."""
    gate = asyncio.Event()
    async with hosting(Text("now"), Hold(gate), Text("later")) as (model, _):
        stream = model.stream_complete(asked())
        async with asyncio.timeout(1):
            assert (await anext(stream)).text == "now"
        gate.set()
        assert [chunk.text async for chunk in stream] == ["later", ""]


@pytest.mark.parametrize("mark", ["\u0085", "\u2028", "\u2029", "\x1c"])
async def test_strange_line_marks_in_a_text_arrive_whole(mark: str) -> None:
    """Escaped or not, they are part of the text."""
    text = f"a{mark}b"
    line = json.dumps({"message": {"content": text}, "done": False}, ensure_ascii=False)
    async with hosting(Text(text), Raw(line.encode() + b"\n")) as (model, _):
        assert (await model.complete(asked())).text == text * 2


async def test_tool_calls_of_several_chunks_are_all_kept_with_their_ids() -> None:
    """The next request sends the same ids back, and schemas as they are."""
    calls = (
        Calls((Called("clock", {"zone": "UTC"}, "call_aaaaaaaa"),)),
        Calls((Called("clock", {}, "call_bbbbbbbb"),)),
    )
    async with hosting(Text("look"), *calls) as (model, server):
        whole = await model.complete(asked(tools=(TOOL,)))
        assert [call.id for call in whole.tool_calls] == ["call_aaaaaaaa", "call_bbbbbbbb"]
        assert whole.tool_calls[0].arguments == {"zone": "UTC"}
        assert (whole.text, whole.finish) == ("look", "tool_calls")
        messages = (
            Message("user", "time?"),
            Message("assistant", whole.text, tool_calls=whole.tool_calls),
            Message("tool", "12:00", name="clock", tool_call_id="call_aaaaaaaa"),
            Message("tool", "13:00", name="clock", tool_call_id="call_bbbbbbbb"),
        )
        await model.complete(ModelRequest("tiny", messages, tools=(TOOL,)))
        sent = server.chats[1].body["messages"]
    assert [call["id"] for call in sent[1]["tool_calls"]] == ["call_aaaaaaaa", "call_bbbbbbbb"]
    assert sent[2]["tool_call_id"] == "call_aaaaaaaa"
    assert sent[2]["tool_name"] == "clock"


@pytest.mark.parametrize("given", [None, '{"zone": "UTC"}'])
async def test_null_and_text_arguments_do_not_end_the_stream(given: Any) -> None:
    """Ollama's own client dies of them."""
    async with hosting(Calls((Called("clock", given),)), Text("on")) as (model, _):
        whole = await model.complete(asked(tools=(TOOL,)))
    assert dict(whole.tool_calls[0].arguments) == ({"zone": "UTC"} if given else {})
    assert whole.text == "on"


async def test_thinking_that_leaks_into_the_text_is_taken_out() -> None:
    """A template that lets tags through does not show them."""
    async with hosting(*(Text(c) for c in "<think>hm</think>\nyes")) as (model, _):
        whole = await model.complete(asked())
    assert (whole.text, whole.thinking) == ("yes", "hm")


async def test_a_very_long_line_is_read() -> None:
    """A call with a whole file in it comes as one line of megabytes."""
    big = "x" * 3_000_000
    async with hosting(Calls((Called("write", {"text": big}),))) as (model, _):
        whole = await model.complete(asked(tools=(TOOL,)))
    assert whole.tool_calls[0].arguments["text"] == big


async def test_a_line_over_the_limit_is_a_broken_answer() -> None:
    """The limit is set where the model is made."""
    async with hosting(Text("x" * 5000), line_limit=2000) as (model, server):
        with pytest.raises(ModelUnavailable, match="more than 2000 bytes"):
            await streamed(model, asked())
        await server.idle()


BREAKS: list[tuple[str, tuple[Step, ...], bool, str]] = [
    ("an end without done", (Text("a"), Cut()), True, "broke off"),
    ("an end before anything", (Cut(),), False, "broke off"),
    ("a broken connection", (Text("a"), Drop()), True, "broke off"),
    ("a connection broken before anything", (Drop(),), False, "does not answer"),
    ("an error line after 200", (Text("a"), Fail("runner died")), True, "failed: runner died"),
    ("an error before the first chunk", (Fail("boom"),), False, "failed: boom"),
    ("garbage", (Text("a"), Raw(b"<html>\n")), True, "not JSON"),
    ("repeated tokens", tuple(Text("na ") for _ in range(40)), True, "broke off"),
    ("no memory", (Fail("cudaMalloc failed: out of memory"),), False, "too little memory"),
    ("half a line at the end", (Text("a"), Raw(b'{"message":'), Cut()), True, "broke off"),
]


@pytest.mark.parametrize(
    ("steps", "seen", "words"), [row[1:] for row in BREAKS], ids=[row[0] for row in BREAKS]
)
async def test_a_stream_that_breaks_is_unavailable_and_says_what_came(
    steps: tuple[Step, ...], seen: bool, words: str
) -> None:
    """Never a silent end: an answer without `done` is no answer."""
    async with hosting(*steps) as (model, _):
        with pytest.raises(ModelUnavailable, match=words) as caught:
            await streamed(model, asked())
    assert caught.value.tokens_seen is seen


UNREADABLE = Fail('error parsing tool call: raw=\'{"a": "b\nc"}\', err=invalid character')


def trying(*answers: tuple[Step, ...]) -> Installed:
    return Installed("tiny", in_turn(*answers), capabilities=ALL)


async def test_a_call_that_the_host_cannot_read_is_asked_for_again() -> None:
    """With a nudge at the end, the rest of the prompt unchanged."""
    good = (Calls((Called("clock", {}),)),)
    async with StrictOllama(trying((UNREADABLE,), (Thinking("hm"), UNREADABLE), good)) as server:
        model = OllamaModel(server.url, Path())
        whole = await model.complete(asked(tools=(TOOL,)))
        await model.close()
    first, second, third = (record.body for record in server.chats)
    assert whole.tool_calls[0].name == "clock"
    assert second["messages"] == third["messages"]
    assert second["messages"] == [*first["messages"], {"role": "user", "content": NUDGE}]
    assert first["tools"] == second["tools"] == third["tools"]


async def test_after_two_nudges_it_answers_without_tools() -> None:
    """The fourth attempt has none."""
    async with StrictOllama(
        trying((UNREADABLE,), (UNREADABLE,), (UNREADABLE,), say("in words"))
    ) as server:
        model = OllamaModel(server.url, Path())
        assert (await model.complete(asked(tools=(TOOL,)))).text == "in words"
        await model.close()
    assert ["tools" in record.body for record in server.chats] == [True, True, True, False]


async def test_unreadable_calls_end_somewhere() -> None:
    """Four attempts, then it is told: no wait would mend it."""
    async with StrictOllama(trying((UNREADABLE,))) as server:
        model = OllamaModel(server.url, Path())
        with pytest.raises(Refused, match="a tool call that its host cannot read"):
            await model.complete(asked(tools=(TOOL,)))
        await model.close()
    assert len(server.chats) == 4


async def test_nothing_is_asked_again_once_text_was_given_away() -> None:
    """The person would read it twice."""
    async with StrictOllama(trying((Text("I look"), UNREADABLE), say("again"))) as server:
        model = OllamaModel(server.url, Path())
        with pytest.raises(ModelUnavailable) as caught:
            await streamed(model, asked(tools=(TOOL,)))
        await model.close()
    assert caught.value.tokens_seen
    assert len(server.chats) == 1


async def test_a_length_that_was_reached_is_told() -> None:
    """The answer is cut, and says so."""
    async with hosting(Text("cut"), Done("length")) as (model, _):
        assert (await model.complete(asked())).finish == "length"
