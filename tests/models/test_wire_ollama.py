"""Requests and lines are translated without a loss."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scale import scaled

from navi_bot.messages import Message, ToolCall
from navi_bot.models.wire_ollama import Fault, Reply, Shown, chat_body, shown, think_value
from navi_bot.ports.model import UNREADABLE, Chunk, ModelInfo, ModelRequest, Think, ToolSchema

NAMES = [
    "message",
    "done",
    "error",
    "content",
    "thinking",
    "tool_calls",
    "function",
    "name",
    "arguments",
    "id",
]


def known(*abilities: str, context_length: int = 8192, levels_only: bool = False) -> Shown:
    info = ModelInfo(
        "m",
        context_length,
        tools="tools" in abilities,
        thinking="thinking" in abilities,
        vision="vision" in abilities,
    )
    return Shown(info, levels_only)


SCHEMA = {
    "type": "object",
    "properties": {
        "a": {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}], "default": None},
        "b": {"type": "object", "properties": {"c": {"type": "string"}}},
    },
}
CALL = ToolCall("call_abc12345", "clock", {"zone": "UTC"})
REQUEST = ModelRequest(
    model="m",
    messages=(
        Message("system", "be brief"),
        Message("user", "time?", images=("a.png", "gone.png")),
        Message("assistant", "", thinking="hm", tool_calls=(CALL,)),
        Message("tool", "12:00", name="clock", tool_call_id="call_abc12345"),
    ),
    tools=(ToolSchema("clock", "tells the time", SCHEMA),),
    num_ctx=65536,
    think=True,
)


def line(message: dict[str, Any] | None = None, **fields: Any) -> bytes:
    whole = {"model": "m", "message": message or {}, "done": False, **fields}
    return json.dumps(whole, ensure_ascii=False).encode()


def reply() -> Reply:
    return Reply(lambda: "call_made")


def test_a_request_keeps_ids_names_nested_schemas_and_pictures() -> None:
    """What Ollama's own client strips is sent."""
    body = chat_body(REQUEST, known("tools", "thinking", "vision"), {"a.png": "QUJD"}, None)
    system, user, assistant, tool = body["messages"]
    assert system == {"role": "system", "content": "be brief"}
    assert user == {"role": "user", "content": "time?", "images": ["QUJD"]}
    assert assistant == {
        "role": "assistant",
        "content": "",
        "thinking": "hm",
        "tool_calls": [
            {
                "id": "call_abc12345",
                "function": {"index": 0, "name": "clock", "arguments": {"zone": "UTC"}},
            }
        ],
    }
    assert tool == {
        "role": "tool",
        "content": "12:00",
        "tool_name": "clock",
        "tool_call_id": "call_abc12345",
    }
    assert body["tools"][0]["function"]["parameters"] == SCHEMA


def test_the_window_is_sent_and_nothing_is_truncated() -> None:
    """num_ctx is explicit, never above the model's own; the host drops no messages."""
    body = chat_body(REQUEST, known(context_length=8192), {}, None)
    assert body["options"]["num_ctx"] == 8192
    assert body["truncate"] is False
    assert "shift" not in body
    unknown = chat_body(REQUEST, known(context_length=0), {}, None)
    assert unknown["options"]["num_ctx"] == 65536


def test_a_model_is_not_asked_for_what_it_cannot_do() -> None:
    """Without the capability there are no tools, no think, no pictures."""
    body = chat_body(REQUEST, known(), {"a.png": "QUJD"}, None)
    assert not {"tools", "think", "keep_alive", "format"} & body.keys()
    assert "images" not in body["messages"][1]
    assert "thinking" not in body["messages"][2]


@pytest.mark.parametrize(
    ("think", "abilities", "levels_only", "sent"),
    [
        (True, ("thinking",), False, True),
        (False, ("thinking",), False, False),
        ("high", ("thinking",), False, "high"),
        (None, ("thinking",), False, None),
        (True, (), False, None),
        (False, (), False, None),
        (True, ("thinking",), True, "medium"),
        (False, ("thinking",), True, "low"),
        ("max", ("thinking",), True, "high"),
        ("low", ("thinking",), True, "low"),
    ],
)
def test_think_is_sent_as_the_model_understands_it(
    think: Think, abilities: tuple[str, ...], levels_only: bool, sent: Think
) -> None:
    """Never to a model that cannot think; as a level to one that knows only levels."""
    assert think_value(think, known(*abilities, levels_only=levels_only)) == sent


@pytest.mark.parametrize(
    ("text", "sent"), [("30m", "30m"), ("-1", -1.0), ("300", 300.0), ("1h30m", "1h30m")]
)
def test_keep_alive_without_a_unit_is_a_number(text: str, sent: object) -> None:
    """The host refuses "-1" as a duration."""
    assert chat_body(REQUEST, known(), {}, text)["keep_alive"] == sent


def test_capabilities_and_window_are_read_from_show() -> None:
    """The context length stands under the architecture's own name."""
    found = shown(
        "m", ["completion", "tools"], {"general.architecture": "q", "q.context_length": 9}, "q"
    )
    assert found.info == ModelInfo("m", 9, tools=True, thinking=False, vision=False)
    assert shown("m", [], {}, "gptoss") == Shown(ModelInfo("m", 0, False, False, False), True)


def test_a_chunk_may_hold_everything_at_once() -> None:
    """Thinking, text and calls of one line come in one chunk."""
    found = reply().take(
        line(
            {
                "content": "yes",
                "thinking": "hm",
                "tool_calls": [{"id": "call_1", "function": {"name": "f", "arguments": {"a": 1}}}],
            }
        )
    )
    assert found == Chunk("yes", "hm", (ToolCall("call_1", "f", {"a": 1}),))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, {}),
        ("", {}),
        ('{"a": 1}', {"a": 1}),
        ("{broken", {UNREADABLE: "{broken"}),
        ("[1]", {UNREADABLE: [1]}),
        ([1], {UNREADABLE: [1]}),
        ({"a": None}, {"a": None}),
    ],
)
def test_arguments_that_are_no_object_do_not_break_the_answer(
    given: object, expected: dict[str, object]
) -> None:
    """null is none, a string is read, the rest is handed to the tool's validation."""
    found = reply().take(line({"tool_calls": [{"function": {"name": "f", "arguments": given}}]}))
    assert found is not None
    assert found.tool_calls == (ToolCall("call_made", "f", expected),)


@pytest.mark.parametrize("calls", [[None], ["x"], [{}], [{"function": 3}]])
def test_a_call_that_is_none_becomes_a_nameless_one(calls: list[object]) -> None:
    """The tool box answers a nameless call; the stream goes on."""
    found = reply().take(line({"tool_calls": calls}))
    assert found is not None
    assert found.tool_calls[0].name == ""


def test_the_last_line_carries_counts_and_reason() -> None:
    """Tool calls in any chunk make the reason; durations become seconds."""
    answer = reply()
    answer.take(line({"tool_calls": [{"function": {"name": "f", "arguments": {}}}]}))
    last = answer.take(
        line(
            done=True,
            done_reason="stop",
            prompt_eval_count=7,
            eval_count=3,
            prompt_eval_duration=1_500_000_000,
        )
    )
    assert last == Chunk(
        finish="tool_calls", prompt_tokens=7, completion_tokens=3, prompt_seconds=1.5
    )
    assert answer.ended


def test_what_was_held_back_comes_with_the_last_line() -> None:
    """Half a tag at the end is text after all."""
    answer = reply()
    assert answer.take(line({"content": "<thi"})) is None
    last = answer.take(line(done=True, done_reason="length"))
    assert last == Chunk(text="<thi", finish="length")


@pytest.mark.parametrize("data", [b"", b"\r", b'{"done":false}', b'{"message":null}'])
def test_lines_that_bring_nothing_are_passed_over(data: bytes) -> None:
    """An empty line or message is no chunk."""
    assert reply().take(data) is None


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b'{"error":"out of memory"}', "out of memory"),
        (b"<html>", "it sent a line that is not JSON"),
        (b"\xff{}", "it sent a line that is not JSON"),
        (b"[]", "it sent a line that is no object"),
    ],
)
def test_a_line_that_is_none_or_an_error_is_a_fault(data: bytes, text: str) -> None:
    """The stream has failed; the host's words are kept."""
    with pytest.raises(Fault, match=text):
        reply().take(data)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=scaled(300, 10_000), deadline=None)
@given(st.lists(JSON, max_size=4))
def test_no_json_of_a_host_breaks_the_reader(found: list[Any]) -> None:
    """Whatever stands in a line is a chunk, nothing, or a fault."""
    answer = reply()
    for each in found:
        try:
            chunk = answer.take(json.dumps(each).encode())
        except Fault:
            return
        assert chunk is None or isinstance(chunk.text, str)
        for call in chunk.tool_calls if chunk else ():
            assert isinstance(call.arguments, dict)


def test_json_that_is_too_deep_is_a_fault() -> None:
    """Instead of the end of the process."""
    with pytest.raises(Fault):
        reply().take(b"[" * 200_000)
    deep = reply().take(line({"tool_calls": [{"function": {"arguments": "[" * 200_000}}]}))
    assert deep is not None
    assert UNREADABLE in deep.tool_calls[0].arguments
