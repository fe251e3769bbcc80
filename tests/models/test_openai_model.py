"""The OpenAI backend over the wire: a real llama.cpp, and a scripted server for the rest."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from strict_ollama import (
    Called,
    Calls,
    Cut,
    Drop,
    Fail,
    Installed,
    Pause,
    Settings,
    Step,
    StrictOllama,
    Text,
    Thinking,
    say,
)
from tiny_model.make import WINDOW, make

from navi_bot.errors import (
    ContextTooLarge,
    CredentialError,
    ModelMissing,
    ModelTimeout,
    ModelUnavailable,
    NaviError,
)
from navi_bot.messages import Message
from navi_bot.models.openai import OpenAIModel
from navi_bot.ports.model import Chunk, ModelRequest, ToolSchema

TESTS = Path(__file__).resolve().parent.parent
TOOL = ToolSchema("clock", "tells the time", {"type": "object", "properties": {}})


def asked(content: str = "hi", **more: Any) -> ModelRequest:
    return ModelRequest("tiny", (Message("user", content),), **more)


async def streamed(model: OpenAIModel, request: ModelRequest) -> list[Chunk]:
    async with aclosing(model.stream_complete(request)) as chunks:
        return [chunk async for chunk in chunks]


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real llama.cpp server with a tiny model; ends with its standard input."""
    file = tmp_path_factory.mktemp("model") / "tiny.gguf"
    make(file)
    with subprocess.Popen(
        [sys.executable, "-m", "tiny_model.serve", str(file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        text=True,
    ) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip() + "/v1"
        process.communicate(timeout=10)


@asynccontextmanager
async def real(llama: str) -> AsyncIterator[OpenAIModel]:
    model = OpenAIModel(llama, Path())
    try:
        yield model
    finally:
        await model.close()


async def test_a_real_server_streams_text_and_counts(llama: str) -> None:
    """Noise, but streamed, and ended with a reason and both counts."""
    async with real(llama) as model:
        stream = model.stream_complete(asked())
        async with aclosing(stream) as chunks:
            found = [await anext(chunks) for _ in range(5)]
        assert "".join(chunk.text for chunk in found)
        schema = {"type": "object", "properties": {"n": {"enum": [1, 2]}}, "required": ["n"]}
        last = await model.complete(asked(schema=schema))
    assert last.prompt_tokens > 5
    assert last.completion_tokens > 5
    assert last.finish == "stop"


async def test_a_real_server_obeys_a_schema_exactly(llama: str) -> None:
    """Random weights write valid JSON when they are held to it."""
    schema = {
        "type": "object",
        "properties": {"n": {"enum": [1, 2, 3]}, "ok": {"type": "boolean"}},
        "required": ["n", "ok"],
    }
    async with real(llama) as model:
        whole = await model.complete(asked(schema=schema, temperature=0.0))
    found = json.loads(whole.text)
    assert found["n"] in (1, 2, 3)
    assert isinstance(found["ok"], bool)


async def test_a_real_server_refuses_what_does_not_fit(llama: str) -> None:
    """With its numbers in our sentence."""
    async with real(llama) as model:
        with pytest.raises(ContextTooLarge, match=rf"\d+ tokens does not fit .* which is {WINDOW}"):
            await model.complete(asked("x" * 9000))


async def test_a_real_server_is_described(llama: str) -> None:
    """Its window is what one of its slots has; it lists its one model."""
    async with real(llama) as model:
        (name,) = await model.installed()
        assert (await model.describe(name)).context_length == WINDOW


async def test_leaving_a_real_stream_frees_the_server(llama: str) -> None:
    """Ten abandoned answers on two slots: the eleventh is answered at once."""
    async with real(llama) as model:
        for _ in range(10):
            async with aclosing(model.stream_complete(asked())) as chunks:
                await anext(chunks)
        schema = {"type": "object", "properties": {"n": {"enum": [1]}}, "required": ["n"]}
        async with asyncio.timeout(5):
            assert (await model.complete(asked(schema=schema))).text


@asynccontextmanager
async def hosting(
    *steps: Step, settings: Settings | None = None, **options: Any
) -> AsyncIterator[tuple[OpenAIModel, StrictOllama]]:
    installed = Installed("tiny", steps, capabilities=("completion", "tools", "thinking"))
    async with StrictOllama(installed, settings=settings) as server:
        model = OpenAIModel(server.url + "/v1", Path(), **options)
        try:
            yield model, server
        finally:
            await model.close()


async def test_thinking_text_and_calls_come_through() -> None:
    """As over the native way."""
    script: tuple[Step, ...] = (
        Thinking("hm"),
        *say("I look"),
        Calls((Called("clock", {"z": 1}, "call_1"),)),
    )
    async with hosting(*script) as (model, _):
        whole = await model.complete(asked(tools=(TOOL,)))
    assert (whole.thinking, whole.text) == ("hm", "I look")
    assert [(call.id, dict(call.arguments)) for call in whole.tool_calls] == [("call_1", {"z": 1})]
    assert whole.finish == "tool_calls"
    assert whole.prompt_tokens > 0


BREAKS: list[tuple[str, tuple[Step, ...], bool]] = [
    ("an end without a reason", (Text("a"), Cut()), True),
    ("a broken connection", (Text("a"), Drop()), True),
    ("an error after 200", (Text("a"), Fail("runner died")), True),
]


@pytest.mark.parametrize(
    ("steps", "seen"), [row[1:] for row in BREAKS], ids=[row[0] for row in BREAKS]
)
async def test_a_stream_that_breaks_is_unavailable(steps: tuple[Step, ...], seen: bool) -> None:
    """Never a silent end."""
    async with hosting(*steps) as (model, _):
        with pytest.raises(ModelUnavailable) as caught:
            await streamed(model, asked())
    assert caught.value.tokens_seen is seen


async def test_a_missing_model_names_those_that_are_there() -> None:
    """404, with the list."""
    async with hosting() as (model, _):
        with pytest.raises(ModelMissing) as caught:
            await model.complete(ModelRequest("gone", (Message("user", "hi"),)))
    assert caught.value.installed == ("tiny:latest",)


@pytest.mark.parametrize(
    ("settings", "kind"),
    [(Settings(api_key="right"), CredentialError), (Settings(num_ctx=64), None)],
)
async def test_a_refusal_is_of_the_right_kind(
    settings: Settings, kind: type[NaviError] | None
) -> None:
    """401 is the operator's; a server that truncates by itself is none of ours to stop."""
    async with hosting(*say("ok"), settings=settings) as (model, _):
        if kind is None:
            assert (await model.complete(asked("x" * 4000))).text == "ok"
        else:
            with pytest.raises(kind):
                await model.complete(asked())


async def test_a_server_that_is_down_is_told() -> None:
    """With its address."""
    async with hosting() as (model, server):
        await server.stop()
        with pytest.raises(ModelUnavailable, match="does not answer"):
            await model.describe("tiny")


@pytest.mark.parametrize(
    "steps", [(Pause(30.0),), tuple(Text(f"word{n} ", 0.002) for n in range(5000))]
)
async def test_leaving_a_stream_stops_the_generation(steps: tuple[Step, ...]) -> None:
    """In prefill and in mid-stream."""
    async with hosting(*steps) as (model, server):
        leaving = asyncio.ensure_future(streamed(model, asked()))
        async with asyncio.timeout(5):
            while not (server.requests and server.requests[-1].path.endswith("/completions")):  # noqa: ASYNC110 - the server tells by its record alone
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        leaving.cancel()
        await asyncio.wait((leaving,))
        await server.idle(2)
        assert server.requests[-1].outcome == "disconnected"


async def test_a_whole_answer_has_its_time() -> None:
    """complete_timeout."""
    async with hosting(Pause(30.0), complete_timeout=0.1) as (model, _):
        with pytest.raises(ModelTimeout):
            await model.complete(asked())
