"""The OpenAI shapes are translated without a loss, whatever server makes them."""

from typing import Any

import pytest
from openai.types.chat import ChatCompletionChunk

from navi_bot.messages import Message, ToolCall
from navi_bot.models.wire_openai import Deltas, chat_arguments, model_info
from navi_bot.ports.model import UNREADABLE, Chunk, ModelInfo, ModelRequest, ToolSchema

SCHEMA = {"type": "object", "properties": {"z": {"anyOf": [{"type": "string"}], "default": "a"}}}
REQUEST = ModelRequest(
    model="m",
    messages=(
        Message("system", "be brief"),
        Message("user", "look", images=("a.png",)),
        Message("assistant", "", thinking="hm", tool_calls=(ToolCall("c1", "f", {"é": 1}),)),
        Message("tool", "done", name="f", tool_call_id="c1"),
    ),
    tools=(ToolSchema("f", "does it", SCHEMA),),
    think="max",
)


def event(delta: dict[str, Any] | None = None, finish: str | None = None) -> ChatCompletionChunk:
    choices = [{"index": 0, "delta": delta or {}, "finish_reason": finish}]
    return ChatCompletionChunk.model_validate(
        {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
        | {"choices": choices}
    )


def usage() -> ChatCompletionChunk:
    whole = event().model_dump() | {"choices": []}
    counts = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
    return ChatCompletionChunk.model_validate({**whole, "usage": counts})


def played(*events: ChatCompletionChunk) -> list[Chunk]:
    deltas = Deltas(lambda: "made")
    found = [chunk for each in events if (chunk := deltas.take(each)) is not None]
    return [*found, deltas.end()]


def test_a_request_has_the_standard_shape() -> None:
    """Arguments as text, pictures as data addresses, tools as they are."""
    made = chat_arguments(REQUEST, {"a.png": "iVBORw0KGgo="})
    _, user, assistant, tool = made["messages"]
    assert user["content"][1] == {
        "type": "image_url",
        "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="},
    }
    assert assistant["tool_calls"] == [
        {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"é": 1}'}}
    ]
    assert tool == {"role": "tool", "content": "done", "tool_call_id": "c1"}
    assert made["tools"][0]["function"]["parameters"] == SCHEMA
    assert made["reasoning_effort"] == "high"
    assert made["stream_options"] == {"include_usage": True}


def test_a_schema_is_a_response_format() -> None:
    """And nothing is sent that was not asked for."""
    made = chat_arguments(ModelRequest("m", (Message("user", "x"),), schema=SCHEMA, think=True), {})
    assert made["response_format"]["json_schema"]["schema"] == SCHEMA
    assert not {"tools", "reasoning_effort"} & made.keys()


def test_calls_are_put_together_from_their_pieces() -> None:
    """Interleaved by index; given whole, at the end."""
    found = played(
        event({"content": "I look."}),
        event(
            {"tool_calls": [{"index": 0, "id": "c0", "function": {"name": "f", "arguments": ""}}]}
        ),
        event({"tool_calls": [{"index": 1, "id": "c1", "function": {"name": "g"}}]}),
        event({"tool_calls": [{"index": 0, "function": {"arguments": '{"a":'}}]}),
        event({"tool_calls": [{"index": 1, "function": {"arguments": "{broken"}}]}),
        event({"tool_calls": [{"index": 0, "function": {"arguments": " 1}"}}]}),
        event(finish="tool_calls"),
        usage(),
    )
    assert found == [
        Chunk(text="I look."),
        Chunk(
            tool_calls=(
                ToolCall("c0", "f", {"a": 1}),
                ToolCall("c1", "g", {UNREADABLE: "{broken"}),
            ),
            finish="tool_calls",
            prompt_tokens=7,
            completion_tokens=3,
        ),
    ]


def test_a_call_without_id_gets_one() -> None:
    """Some servers leave it out; some say stop although there are calls."""
    call = {"index": 0, "function": {"name": "f", "arguments": "{}"}}
    (last,) = played(event({"tool_calls": [call]}), event(finish="stop"))
    assert last.tool_calls == (ToolCall("made", "f", {}),)
    assert last.finish == "tool_calls"


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
def test_thinking_has_two_names(name: str) -> None:
    """llama.cpp and DeepSeek write one, Ollama, vLLM and OpenRouter the other."""
    first, second, _ = played(event({name: "hm"}), event({"content": "yes"}), event(finish="stop"))
    assert (first, second) == (Chunk(thinking="hm"), Chunk(text="yes"))


def test_leaked_tags_are_thinking_here_too() -> None:
    """A server without a reasoning parser lets them through."""
    found = played(event({"content": "<think>hm</think>yes"}), event(finish="length"))
    assert found[0] == Chunk(text="yes", thinking="hm")
    assert found[-1].finish == "length"


@pytest.mark.parametrize(
    ("entry", "properties", "window", "vision"),
    [
        (None, {}, 0, False),
        ({"max_model_len": 4096}, {}, 4096, False),
        ({"meta": {"n_ctx_train": 2048}}, {}, 2048, False),
        (
            {"meta": {"n_ctx_train": 2048}},
            {"default_generation_settings": {"n_ctx": 1024}, "modalities": {"vision": True}},
            1024,
            True,
        ),
        ({"max_context_length": 32768, "capabilities": {"vision": True}}, {}, 32768, True),
        ({"max_model_len": "big", "meta": None}, {"modalities": 1}, 0, False),
    ],
)
def test_a_model_is_described_as_far_as_its_server_tells(
    entry: dict[str, Any] | None, properties: dict[str, Any], window: int, vision: bool
) -> None:
    """vLLM, llama.cpp and Mistral tell the window, each in its own way."""
    expected = ModelInfo("m", window, tools=True, thinking=True, vision=vision)
    assert model_info("m", entry, properties) == expected
