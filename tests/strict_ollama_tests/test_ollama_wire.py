"""The imitated model server keeps the real one's shapes and words (/api/chat and its lists)."""

import json
import re
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from strict_ollama import (
    Called,
    Calls,
    Cut,
    Done,
    Drop,
    Fail,
    Installed,
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


async def test_chunks_carry_exactly_the_fields_of_the_real_server(
    http: aiohttp.ClientSession,
) -> None:
    """A chunk is model, created_at, message, done; only the last has a reason and metrics."""
    async with StrictOllama(Installed("tiny", say("one two"))) as server:
        first, second, last = await lines(http, server, model="tiny")
    assert list(first) == ["model", "created_at", "message", "done"]
    assert first["message"] == {"role": "assistant", "content": "one "}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z", first["created_at"])
    assert second["done"] is False
    assert last["message"] == {"role": "assistant", "content": ""}
    assert (last["done"], last["done_reason"]) == (True, "stop")
    assert last["total_duration"] > 1000, "durations are nanoseconds"
    assert last["eval_count"] == 2


async def test_zero_metrics_are_omitted(http: aiohttp.ClientSession) -> None:
    """Metrics are omitempty: an answer without tokens has no eval_count."""
    async with StrictOllama(Installed("tiny", ())) as server:
        (last,) = await lines(http, server, model="tiny")
    assert "eval_count" not in last
    assert last["prompt_eval_count"] > 0


async def test_json_is_escaped_as_go_does(http: aiohttp.ClientSession) -> None:
    """Go escapes <, >, & and U+2028, but writes U+0085 as it is."""
    async with (
        StrictOllama(Installed("tiny", (Text("<a>&\u2028\u0085"),))) as server,
        http.post(server.url + "/api/chat", json={"model": "tiny", "messages": USER}) as response,
    ):
        raw = await response.read()
    assert b'"\\u003ca\\u003e\\u0026\\u2028\xc2\x85"' in raw


async def test_tool_calls_are_whole_objects_with_ids_and_running_indexes(
    http: aiohttp.ClientSession,
) -> None:
    """Calls come whole, several chunks counting on, ids call_ + 8; the reason stays stop."""
    script = (
        Calls((Called("clock", {"zone": "UTC"}),)),
        Calls((Called("clock", {}), Called("note", {"b": 1, "a": 2}))),
    )
    async with StrictOllama(Installed("tiny", script)) as server:
        found = await lines(http, server, model="tiny", tools=[TOOL])
    calls = [call for line in found for call in line["message"].get("tool_calls", [])]
    assert [call["function"]["index"] for call in calls] == [0, 1, 2]
    assert calls[0]["function"]["arguments"] == {"zone": "UTC"}
    assert list(calls[2]["function"]["arguments"]) == ["b", "a"], "insertion order is kept"
    assert all(re.fullmatch(r"call_[a-z0-9]{8}", call["id"]) for call in calls)
    assert found[0]["message"]["content"] == ""
    assert found[-1]["done_reason"] == "stop"


async def test_an_answer_that_is_not_streamed_is_gathered(http: aiohttp.ClientSession) -> None:
    """stream false gives one object: content joined, the rest from the last chunk."""
    async with (
        StrictOllama(Installed("tiny", say("one two"))) as server,
        http.post(
            server.url + "/api/chat", json={"model": "tiny", "messages": USER, "stream": False}
        ) as response,
    ):
        assert response.headers["Content-Type"] == "application/json; charset=utf-8"
        found = await response.json()
    assert found["message"]["content"] == "one two"
    assert found["done"] is True


CAPABLE = Installed(
    "qwen3", (Thinking("hm"), Text("yes")), capabilities=("completion", "tools", "thinking")
)


@pytest.mark.parametrize(
    ("asked", "thinks"),
    [({}, True), ({"think": None}, True), ({"think": "low"}, True), ({"think": False}, False)],
)
async def test_a_thinking_model_thinks_unless_told_not_to(
    http: aiohttp.ClientSession, asked: dict[str, Any], thinks: bool
) -> None:
    """think unset or null means true on a model that can think."""
    async with StrictOllama(CAPABLE) as server:
        found = await lines(http, server, model="qwen3", **asked)
    assert any("thinking" in line["message"] for line in found) is thinks


async def test_gpt_oss_cannot_be_told_not_to_think(http: aiohttp.ClientSession) -> None:
    """The harmony models ignore a boolean `think`."""
    model = Installed(
        "gpt-oss", (Thinking("hm"), Text("yes")), ("completion", "thinking"), family="gptoss"
    )
    async with StrictOllama(model) as server:
        found = await lines(http, server, model="gpt-oss", think=False)
    assert found[0]["message"]["thinking"] == "hm"


async def test_an_error_before_the_first_chunk_has_a_status(http: aiohttp.ClientSession) -> None:
    """Until something is written, an error is an HTTP error."""
    async with StrictOllama(Installed("tiny", (Fail("out of memory"),))) as server:
        assert await refused(http, server, model="tiny") == (500, "out of memory")


async def test_an_error_in_mid_stream_is_a_line_after_200(http: aiohttp.ClientSession) -> None:
    """After the first chunk an error is a line, and there is no done."""
    async with StrictOllama(Installed("tiny", (Text("a"), Fail("broken")))) as server:
        found = await lines(http, server, model="tiny")
    assert found[-1] == {"error": "broken"}
    assert not any(line.get("done") for line in found)


@pytest.mark.parametrize("script", [(Text("a"), Cut()), tuple(Text("na ") for _ in range(40))])
async def test_a_stream_can_end_without_done(
    http: aiohttp.ClientSession, script: tuple[Text | Cut, ...]
) -> None:
    """A cut stream, and one of more than 30 equal tokens, ends without a word."""
    async with StrictOllama(Installed("tiny", script)) as server:
        found = await lines(http, server, model="tiny")
    assert 1 <= len(found) <= 31
    assert not any(line["done"] for line in found)


async def test_a_dropped_connection_is_no_clean_end(http: aiohttp.ClientSession) -> None:
    """A broken connection is seen as such by the client."""
    async with StrictOllama(Installed("tiny", (Text("a"), Drop()))) as server:
        with pytest.raises(aiohttp.ClientPayloadError):
            await lines(http, server, model="tiny")


async def test_num_predict_ends_with_length(http: aiohttp.ClientSession) -> None:
    """The reason tells that the answer was cut."""
    async with StrictOllama(Installed("tiny", say("a b c d e f"))) as server:
        found = await lines(http, server, model="tiny", options={"num_predict": 3})
    assert found[-1]["done_reason"] == "length"
    assert len(found) == 4


async def test_a_scripted_reason_is_given(http: aiohttp.ClientSession) -> None:
    """A script may end for any reason."""
    async with StrictOllama(Installed("tiny", (Text("a"), Done("length")))) as server:
        assert (await lines(http, server, model="tiny"))[-1]["done_reason"] == "length"
