"""The imitated model server's window, cache, queue and connections behave as the real ones."""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from strict_ollama import Hold, Installed, Pause, Settings, StrictOllama, Text, say

TESTS = Path(__file__).resolve().parent.parent


@pytest_asyncio.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


def message(role: str, content: str, **more: Any) -> dict[str, Any]:
    return {"role": role, "content": content, **more}


async def ask(
    http: aiohttp.ClientSession, server: StrictOllama, *messages: dict[str, Any], **body: Any
) -> tuple[int, Any]:
    whole = {"model": "tiny", "messages": messages, "stream": False, **body}
    async with http.post(server.url + "/api/chat", json=whole) as response:
        return response.status, await response.json()


LONG = [
    message("system", "rules " * 10),
    message("user", "old " * 100),
    message("assistant", "older " * 100),
    message("user", "newest " * 10),
]


async def test_too_long_a_prompt_loses_its_oldest_messages_in_silence(
    http: aiohttp.ClientSession,
) -> None:
    """By default messages are dropped from the front; system and last ones stay."""
    async with StrictOllama(Installed("tiny", say("ok"))) as server:
        status, found = await ask(http, server, *LONG, options={"num_ctx": 128})
        (record,) = server.chats
    assert status == 200
    assert record.dropped_messages == 2
    assert "rules" in record.prompt
    assert "newest" in record.prompt
    assert "old " not in record.prompt
    assert found["prompt_eval_count"] < 128


async def test_what_is_still_too_long_keeps_about_half_a_window(
    http: aiohttp.ClientSession,
) -> None:
    """A single message over the window is cut in the middle of its text."""
    async with StrictOllama(Installed("tiny", say("ok"))) as server:
        _, found = await ask(http, server, message("user", "x" * 4000), options={"num_ctx": 256})
    assert 128 <= found["prompt_eval_count"] <= 140


async def test_without_truncation_the_runner_refuses(http: aiohttp.ClientSession) -> None:
    """truncate false: 400, with the runner's JSON as a string inside the error."""
    async with StrictOllama(Installed("tiny", say("ok"))) as server:
        status, found = await ask(http, server, *LONG, options={"num_ctx": 128}, truncate=False)
    assert status == 400
    inner = json.loads(found["error"])["error"]
    assert inner["type"] == "exceed_context_size_error"
    assert inner["n_ctx"] == 128
    assert inner["message"].startswith(f"request ({inner['n_prompt_tokens']} tokens) exceeds the")


async def test_without_shift_the_server_refuses_in_its_own_words(
    http: aiohttp.ClientSession,
) -> None:
    """truncate true and shift false: messages first, then 400."""
    async with StrictOllama(Installed("tiny", say("ok"))) as server:
        options = {"num_ctx": 256}
        status, found = await ask(
            http, server, message("user", "x" * 4000), options=options, shift=False
        )
    assert status == 400
    assert found["error"].startswith("the prompt is longer than the context length currently")


async def test_the_window_is_never_larger_than_the_models(http: aiohttp.ClientSession) -> None:
    """num_ctx above the model's own context length is lowered to it."""
    async with StrictOllama(Installed("tiny", say("ok"), context_length=512)) as server:
        await ask(http, server, message("user", "hi"), options={"num_ctx": 9999})
        assert server.chats[0].num_ctx == 512


async def test_only_what_follows_the_known_prefix_is_evaluated(
    http: aiohttp.ClientSession,
) -> None:
    """A slot keeps prompt and answer; a prompt that goes on from there costs only its end."""
    async with StrictOllama(
        Installed("tiny", say("fine thanks")), settings=Settings(prefill_rate=20_000)
    ) as server:
        history = [message("system", "s" * 4000), message("user", "how are you")]
        await ask(http, server, *history)
        history += [message("assistant", "fine thanks"), message("user", "good")]
        await ask(http, server, *history)
        changed = [message("system", "t" * 4000), *history[1:]]
        await ask(http, server, *changed)
        first, second, third = server.chats
    assert first.cached_tokens < 10
    assert second.prompt_tokens - second.cached_tokens < 30
    assert third.cached_tokens < 10
    assert second.first - second.started < (first.first - first.started) / 2


async def test_an_unevaluated_prompt_takes_time(http: aiohttp.ClientSession) -> None:
    """The first byte comes only after the evaluation: 500 tokens at 10,000/s take 50 ms."""
    async with StrictOllama(
        Installed("tiny", say("ok")), settings=Settings(prefill_rate=10_000)
    ) as server:
        began = time.monotonic()
        body = {"model": "tiny", "messages": [message("user", "x" * 2000)]}
        async with http.post(server.url + "/api/chat", json=body):
            assert time.monotonic() - began >= 0.05


async def test_another_window_reloads_the_model(http: aiohttp.ClientSession) -> None:
    """A change of num_ctx loads the model again and empties the cache."""
    async with StrictOllama(Installed("tiny", say("ok"), load_seconds=0.02)) as server:
        for window in (1024, 1024, 2048):
            await ask(http, server, message("user", "x" * 400), options={"num_ctx": window})
        assert [record.loaded for record in server.chats] == [True, False, True]
        assert server.chats[1].cached_tokens > 90
        assert server.chats[2].cached_tokens == 0


async def test_requests_wait_for_a_slot_in_order(http: aiohttp.ClientSession) -> None:
    """NUM_PARALLEL requests run; the others wait their turn."""
    order: list[str] = []

    def script(body: dict[str, Any]) -> list[Text | Pause]:
        order.append(body["messages"][0]["content"])
        return [Pause(0.01), Text("ok")]

    async with StrictOllama(Installed("tiny", script), settings=Settings(parallel=2)) as server:
        async with asyncio.TaskGroup() as group:
            for name in "abcd":
                group.create_task(ask(http, server, message("user", name)))
                await asyncio.sleep(0.002)
        starts = [record.started for record in server.chats]
    assert order == ["a", "b", "c", "d"]
    assert starts[2] - starts[0] >= 0.009


async def test_a_full_queue_is_503(http: aiohttp.ClientSession) -> None:
    """More than max_queue waiting requests are turned away."""
    gate = asyncio.Event()
    async with (
        StrictOllama(
            Installed("tiny", (Hold(gate), Text("ok"))), settings=Settings(max_queue=1)
        ) as server,
        asyncio.TaskGroup() as group,
    ):
        for _ in range(2):
            group.create_task(ask(http, server, message("user", "hi")))
            await asyncio.sleep(0.01)
        status, found = await ask(http, server, message("user", "hi"))
        gate.set()
    assert status == 503
    assert found["error"] == "server busy, please try again.  maximum pending requests exceeded"


@pytest.mark.parametrize("script", [(Pause(30.0),), tuple(Text("x", 0.01) for _ in range(3000))])
async def test_a_client_that_leaves_stops_the_generation(
    http: aiohttp.ClientSession, script: tuple[Pause | Text, ...]
) -> None:
    """In prefill and in mid-stream, a closed connection ends the request and frees the slot."""
    async with StrictOllama(Installed("tiny", script)) as server:
        body = {"model": "tiny", "messages": [message("user", "hi")]}
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05), http.post(server.url + "/api/chat", json=body) as it:
                await it.read()
        await server.idle(1.0)
        assert server.chats[0].outcome == "disconnected"
        assert server.engine.runners["tiny:latest"].busy == 0
        assert server.open_connections == 0


async def test_a_stopped_server_comes_back_on_its_port(http: aiohttp.ClientSession) -> None:
    """stop closes everything; start listens on the same port."""
    async with StrictOllama(Installed("tiny", say("ok"))) as server:
        url = server.url
        await server.stop()
        with pytest.raises(aiohttp.ClientConnectorError):
            await ask(http, server, message("user", "hi"))
        await server.start()
        assert server.url == url
        assert (await ask(http, server, message("user", "hi")))[0] == 200


async def test_the_openai_shape_has_the_same_models(http: aiohttp.ClientSession) -> None:
    """/v1 streams server-sent events, with a usage event when asked, and [DONE]."""
    async with StrictOllama(Installed("tiny", say("one two"))) as server:
        body = {
            "model": "tiny",
            "messages": [message("user", "hi")],
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        async with http.post(server.url + "/v1/chat/completions", json=body) as response:
            events = (await response.text()).strip().split("\n\n")
        body["model"] = "gone"
        async with http.post(server.url + "/v1/chat/completions", json=body) as response:
            missing = await response.json()
    assert events[-1] == "data: [DONE]"
    assert json.loads(events[-2].removeprefix("data: "))["usage"]["completion_tokens"] == 2
    assert missing["error"]["type"] == "not_found_error"
    assert missing["error"]["message"] == "model 'gone' not found"


async def test_it_runs_as_a_process_with_a_script_file(
    http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    """python -m strict_ollama prints its URL, obeys rules, and tells what it was asked."""
    script = {
        "models": [
            {
                "name": "tiny",
                "rules": [{"when": "time", "answer": [{"call": {"name": "clock"}}]}],
                "answers": [[{"text": "ha ", "times": 3}, {"done": "length"}]],
            }
        ]
    }
    file = tmp_path / "script.json"
    file.write_text(json.dumps(script))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "strict_ollama", "--script", str(file), "--seconds", "20"),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(TESTS)},
    )
    assert process.stdout is not None
    url = (await process.stdout.readline()).decode().strip()
    body = {"model": "tiny", "stream": False, "tools": [{"type": "function"}]}
    async with http.post(
        url + "/api/chat", json={**body, "messages": [message("user", "what time is it")]}
    ) as response:
        assert "tool_calls" in (await response.json())["message"]
    async with http.post(
        url + "/api/chat", json={**body, "messages": [message("user", "x")]}
    ) as response:
        assert (await response.json())["message"]["content"] == "ha ha ha "
    async with http.get(url + "/_strict/state") as response:
        state = await response.json()
    assert [record["path"] for record in state["requests"]] == ["/api/chat", "/api/chat"]
    process.send_signal(signal.SIGTERM)
    assert await process.wait() == 0
