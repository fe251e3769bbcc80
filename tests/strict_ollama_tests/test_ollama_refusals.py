"""The imitated model server refuses, lists and pulls in the real one's words."""

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from strict_ollama import (
    Installed,
    Settings,
    StrictOllama,
    Text,
    Thinking,
    say,
)

USER = [{"role": "user", "content": "hello"}]
TOOL = {"type": "function", "function": {"name": "clock", "parameters": {"type": "object"}}}


@pytest_asyncio.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def lines(http: aiohttp.ClientSession, server: StrictOllama, **body: Any) -> list[Any]:
    async with http.post(server.url + "/api/chat", json={"messages": USER, **body}) as response:
        assert response.status == 200, await response.text()
        assert response.headers["Content-Type"] == "application/x-ndjson"
        return [json.loads(line) for line in (await response.read()).split(b"\n") if line]


async def refused(
    http: aiohttp.ClientSession, server: StrictOllama, **body: Any
) -> tuple[int, Any]:
    async with http.post(server.url + "/api/chat", json={"messages": USER, **body}) as response:
        return response.status, (await response.json())["error"]


CAPABLE = Installed(
    "qwen3", (Thinking("hm"), Text("yes")), capabilities=("completion", "tools", "thinking")
)
PLAIN = Installed("plain", say("yes"), capabilities=("completion",))
EMBEDS = Installed("embeds", capabilities=("embedding",))
REFUSALS: list[tuple[str, dict[str, Any], int, str]] = [
    ("unknown model", {"model": "gone"}, 404, "model 'gone' not found"),
    ("no model", {}, 400, "model is required"),
    ("thinking", {"model": "plain", "think": True}, 400, '"plain" does not support thinking'),
    (
        "tools",
        {"model": "plain", "tools": [TOOL]},
        400,
        "registry.ollama.ai/library/plain:latest does not support tools",
    ),
    ("no chat", {"model": "embeds"}, 400, '"embeds" does not support chat'),
    (
        "think level",
        {"model": "plain", "think": "hard"},
        400,
        'invalid think value: "hard" (must be "high", "medium", "low", "max", true, or false)',
    ),
    (
        "option type",
        {"model": "plain", "options": {"num_ctx": "big"}},
        500,
        'option "num_ctx" must be of type integer',
    ),
    (
        "field type",
        {"model": "plain", "stream": "yes"},
        400,
        "json: cannot unmarshal string into Go struct field ChatRequest.stream of type bool",
    ),
    (
        "arguments as text",
        {
            "model": "plain",
            "messages": [
                {
                    "role": "assistant",
                    "tool_calls": [{"function": {"name": "f", "arguments": "{}"}}],
                }
            ],
        },
        400,
        "json: cannot unmarshal string into Go struct field "
        "ChatRequest.messages.tool_calls.function.arguments of type map[string]interface {}",
    ),
    (
        "keep_alive",
        {"model": "plain", "keep_alive": "30"},
        400,
        'time: missing unit in duration "30"',
    ),
    (
        "logprobs",
        {"model": "plain", "top_logprobs": 21},
        400,
        "top_logprobs must be between 0 and 20",
    ),
]


@pytest.mark.parametrize(
    ("body", "status", "text"), [row[1:] for row in REFUSALS], ids=[row[0] for row in REFUSALS]
)
async def test_a_wrong_request_is_refused_in_the_servers_words(
    http: aiohttp.ClientSession, body: dict[str, Any], status: int, text: str
) -> None:
    """Each fault has its status and its text."""
    async with StrictOllama(PLAIN, EMBEDS) as server:
        assert await refused(http, server, **body) == (status, text)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "missing request body"),
        (b"{", "unexpected EOF"),
        (b"hello", "invalid character 'h' looking for beginning of value"),
    ],
)
async def test_a_body_that_is_no_json_is_refused(
    http: aiohttp.ClientSession, data: bytes, text: str
) -> None:
    """A missing or broken body is 400 with the decoder's words."""
    async with (
        StrictOllama(PLAIN) as server,
        http.post(server.url + "/api/chat", data=data) as response,
    ):
        assert (response.status, await response.json()) == (400, {"error": text})


async def test_unknown_fields_and_options_are_ignored(http: aiohttp.ClientSession) -> None:
    """Unknown names are no error."""
    async with StrictOllama(PLAIN) as server:
        assert await lines(http, server, model="plain", new=1, options={"new": 2})


@pytest.mark.parametrize(("keep_alive", "reason"), [(None, "load"), (0, "unload")])
async def test_a_chat_without_messages_loads_or_unloads(
    http: aiohttp.ClientSession, keep_alive: int | None, reason: str
) -> None:
    """Empty messages preload the model; keep_alive 0 unloads it."""
    async with StrictOllama(PLAIN) as server:
        body = {"model": "plain", "keep_alive": keep_alive}
        async with http.post(server.url + "/api/chat", json=body) as response:
            assert (await response.json())["done_reason"] == reason
        async with http.get(server.url + "/api/ps") as response:
            running = (await response.json())["models"]
    assert len(running) == (reason == "load")


async def test_models_are_listed_and_shown(http: aiohttp.ClientSession) -> None:
    """/api/tags lists full names; /api/show has capabilities and the context length."""
    async with StrictOllama(CAPABLE) as server:
        async with http.get(server.url + "/api/tags") as response:
            (listed,) = (await response.json())["models"]
        async with http.post(server.url + "/api/show", json={"model": "qwen3"}) as response:
            shown = await response.json()
        async with http.post(server.url + "/api/show", json={"model": "x"}) as response:
            assert (response.status, await response.json()) == (
                404,
                {"error": "model 'x' not found"},
            )
    assert listed["name"] == listed["model"] == "qwen3:latest"
    assert shown["model_info"]["llama.context_length"] == 131072
    assert shown["capabilities"] == ["completion", "tools", "thinking"]


async def test_small_routes_answer_as_the_real_ones(http: aiohttp.ClientSession) -> None:
    """/, /api/version, unknown paths and wrong methods."""
    async with StrictOllama(PLAIN) as server:
        for path, status, text in [
            ("/", 200, "Ollama is running"),
            ("/api/version", 200, '{"version":"0.33.0"}'),
            ("/api/nothing", 404, "404 page not found"),
            ("/api/chat", 405, "405 method not allowed"),
        ]:
            async with http.get(server.url + path) as response:
                assert (response.status, await response.text()) == (status, text)


async def test_pulling_reports_layers_and_success(http: aiohttp.ClientSession) -> None:
    """/api/pull streams statuses; an unknown model is an error line after 200."""
    async with StrictOllama(pullable=(PLAIN,)) as server:
        found: dict[str, list[Any]] = {}
        for name in ("plain", "gone"):
            async with http.post(server.url + "/api/pull", json={"model": name}) as response:
                assert response.status == 200
                text = await response.text()
                found[name] = [json.loads(line) for line in text.splitlines()]
        assert await lines(http, server, model="plain")
    assert found["plain"][0] == {"status": "pulling manifest"}
    assert found["plain"][-1] == {"status": "success"}
    assert found["plain"][3]["completed"] == found["plain"][3]["total"]
    assert found["gone"][-1] == {"error": "pull model manifest: file does not exist"}


async def test_embeddings_are_deterministic(http: aiohttp.ClientSession) -> None:
    """/api/embed gives a vector a text, equal for equal texts."""
    async with (
        StrictOllama(EMBEDS) as server,
        http.post(
            server.url + "/api/embed", json={"model": "embeds", "input": ["a", "b", "a"]}
        ) as response,
    ):
        first, second, third = (await response.json())["embeddings"]
    assert first == third != second


async def test_a_key_is_asked_for_when_set(http: aiohttp.ClientSession) -> None:
    """Without the bearer token every route is 401 with a sign-in address."""
    async with StrictOllama(PLAIN, settings=Settings(api_key="k")) as server:
        async with http.get(server.url + "/api/tags") as response:
            assert response.status == 401
            assert list(await response.json()) == ["error", "signin_url"]
        head = {"Authorization": "Bearer k"}
        async with http.get(server.url + "/api/tags", headers=head) as response:
            assert response.status == 200
