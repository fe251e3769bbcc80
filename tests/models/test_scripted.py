"""The model that needs no host: labelled, and a pure function of the conversation."""

import pytest

from navi_bot.messages import Message
from navi_bot.models.scripted import LABEL, NAME, PLAN, ScriptedModel, play
from navi_bot.ports.model import Chunk, ModelRequest, ToolSchema

ALL = frozenset({"todo", "clock"})


def conversation(question: str, tools: frozenset[str]) -> list[Message]:
    """Play a whole turn, answering every call with a plain result."""
    messages = [Message("system", "s"), Message("user", question)]
    for _ in range(20):
        part = play(messages, tools)
        messages.append(Message("assistant", part.text, tool_calls=part.calls))
        if not part.calls:
            return messages
        messages += [
            Message("tool", f"result of {call.name}", tool_call_id=call.id, name=call.name)
            for call in part.calls
        ]
    raise AssertionError("the part never ends")


@pytest.mark.parametrize("tools", [ALL, frozenset({"clock"}), frozenset({"todo"}), frozenset()])
def test_every_answer_is_labelled_and_comes_after_its_tools(tools: frozenset[str]) -> None:
    messages = conversation("hello", tools)
    assert messages[-1].content.startswith(LABEL)
    assert "hello" in messages[-1].content
    called = {call.name for message in messages for call in message.tool_calls}
    assert called == tools


def test_no_call_id_is_used_twice_in_a_turn() -> None:
    calls = [call.id for message in conversation("hi", ALL) for call in message.tool_calls]
    assert len(calls) == len(set(calls)) == len(PLAN) + 2


def test_what_the_clock_said_is_in_the_answer() -> None:
    assert "result of clock" in conversation("hi", ALL)[-1].content


def test_a_second_question_is_played_from_the_beginning() -> None:
    first = conversation("one", ALL)
    again = play([*first, Message("user", "two")], ALL)
    assert again.calls[0].name == "todo"


def test_the_facts_of_the_prompt_are_not_repeated() -> None:
    """The tail of the prompt is for the model, not for the person."""
    messages = conversation("<facts>\nnow: noon\n</facts>\nhello", frozenset())
    assert "noon" not in messages[-1].content


async def streamed(question: str, *tools: str) -> list[Chunk]:
    schemas = tuple(ToolSchema(name, "", {"type": "object"}) for name in tools)
    request = ModelRequest(NAME, (Message("user", question),), schemas)
    return [chunk async for chunk in ScriptedModel(0.0).stream_complete(request)]


async def test_it_streams_word_by_word_and_ends_once() -> None:
    chunks = await streamed("hello")
    assert sum(bool(chunk.text) for chunk in chunks) > 5
    assert [chunk.finish for chunk in chunks if chunk.finish] == ["stop"]
    assert chunks[-1].completion_tokens > 5
    whole = await ScriptedModel(0.0).complete(ModelRequest(NAME, (Message("user", "hello"),)))
    assert whole.text == "".join(chunk.text for chunk in chunks)
    assert whole.finish == "stop"


async def test_calls_come_before_the_end() -> None:
    chunks = await streamed("hello", "todo", "clock")
    assert chunks[-1].finish == "tool_calls"
    assert chunks[-2].tool_calls
    assert any(chunk.thinking for chunk in chunks)
