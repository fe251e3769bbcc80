"""The Ollama backend over the wire, against a server that is as strict as the real one."""

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from strict_ollama import (
    Called,
    Calls,
    Cut,
    Done,
    Drop,
    Fail,
    Hold,
    Installed,
    Pause,
    Raw,
    Settings,
    Step,
    StrictOllama,
    Text,
    Thinking,
    in_turn,
    say,
)

from navi_bot.errors import (
    ContextTooLarge,
    CredentialError,
    ModelMissing,
    ModelTimeout,
    ModelUnavailable,
    NaviError,
)
from navi_bot.messages import Message
from navi_bot.models.ollama import NUDGE, OllamaModel
from navi_bot.ports.model import Chunk, ModelInfo, ModelRequest, Think, ToolSchema

ALL = ("completion", "tools", "thinking", "vision")
TOOL = ToolSchema("clock", "tells the time", {"type": "object", "properties": {}})


def asked(content: str = "hi", **more: Any) -> ModelRequest:
    return ModelRequest("tiny", (Message("user", content),), **more)


@asynccontextmanager
async def hosting(
    *steps: Step,
    data_dir: Path = Path("/nonexistent"),
    capabilities: tuple[str, ...] = ALL,
    settings: Settings | None = None,
    **options: Any,
) -> AsyncIterator[tuple[OllamaModel, StrictOllama]]:
    installed = Installed("tiny", steps, capabilities=capabilities)
    async with StrictOllama(installed, settings=settings) as server:
        model = OllamaModel(server.url, data_dir, **options)
        try:
            yield model, server
        finally:
            await model.close()


async def streamed(model: OllamaModel, request: ModelRequest) -> list[Chunk]:
    async with aclosing(model.stream_complete(request)) as chunks:
        return [chunk async for chunk in chunks]


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
    ("no memory", (Fail("cudaMalloc failed: out of memory"),), False, "ran out of memory"),
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


async def test_a_host_that_is_down_is_told_at_once_and_comes_back() -> None:
    """One sentence with its address; the same model object works again afterwards."""
    async with hosting(*say("ok")) as (model, server):
        await server.stop()
        began = time.monotonic()
        with pytest.raises(ModelUnavailable, match=r"http://127.0.0.1:\d+ does not answer"):
            await model.complete(asked())
        assert time.monotonic() - began < 1
        await server.start()
        assert (await model.complete(asked())).text == "ok"
        await server.stop()
        with pytest.raises(ModelUnavailable, match="does not answer"):
            await model.complete(asked())


async def test_a_missing_model_names_those_that_are_there() -> None:
    """For the person who must choose another."""
    async with StrictOllama(Installed("b"), Installed("a:7b")) as server:
        model = OllamaModel(server.url, Path())
        for call in (model.complete(asked()), model.describe("tiny")):
            with pytest.raises(ModelMissing) as caught:
                await call
            assert caught.value.model == "tiny"
            assert caught.value.installed == ("a:7b", "b:latest")
            assert "tiny is not installed" in str(caught.value)
        await model.close()


async def test_a_model_that_is_removed_while_known_is_missing() -> None:
    """A chat's own 404 is the same error, and the model is asked about anew."""
    async with hosting(*say("ok")) as (model, server):
        await model.complete(asked())
        server.remove("tiny")
        with pytest.raises(ModelMissing):
            await model.complete(asked())
        server.install(Installed("tiny", say("back"), context_length=4096))
        assert (await model.complete(asked())).text == "back"
        assert (await model.describe("tiny")).context_length == 4096


@pytest.mark.parametrize(
    ("settings", "kind", "words"),
    [
        (Settings(api_key="right"), CredentialError, "unauthorized"),
        (Settings(forbidden="ollama cloud is disabled"), CredentialError, "cloud is disabled"),
    ],
)
async def test_refused_credentials_are_the_operators(
    settings: Settings, kind: type[NaviError], words: str
) -> None:
    """401 and 403."""
    async with hosting(*say("ok"), settings=settings) as (model, _):
        with pytest.raises(kind, match=words):
            await model.complete(asked())


async def test_the_key_is_sent_with_every_call() -> None:
    """To the lists as to the chat."""
    settings = Settings(api_key="right")
    async with hosting(*say("ok"), settings=settings, api_key="right") as (model, _):
        assert (await model.complete(asked())).text == "ok"


async def test_a_busy_host_is_unavailable() -> None:
    """503: the queue is full."""
    gate = asyncio.Event()
    async with (
        hosting(Hold(gate), *say("ok"), settings=Settings(max_queue=1)) as (model, _),
        asyncio.TaskGroup() as group,
    ):
        for _ in range(2):
            group.create_task(model.complete(asked()))
            await asyncio.sleep(0.03)
        with pytest.raises(ModelUnavailable, match="busy"):
            await model.complete(asked())
        gate.set()


async def test_a_prompt_over_the_window_is_refused_not_cut() -> None:
    """truncate false: the host refuses with numbers instead of forgetting silently."""
    async with hosting(*say("ok")) as (model, server):
        with pytest.raises(ContextTooLarge, match=r"\d+ tokens does not fit .* which is 256"):
            await model.complete(asked("x" * 4000, num_ctx=256))
        assert server.chats[0].dropped_messages == 0


async def test_the_window_is_the_same_for_every_call() -> None:
    """Another window would load the model again."""
    async with hosting(*say("ok")) as (model, server):
        await streamed(model, asked(num_ctx=4096))
        await model.complete(asked(num_ctx=4096, tools=(TOOL,), think=False))
        assert [record.loaded for record in server.chats] == [True, False]
        assert {record.body["options"]["num_ctx"] for record in server.chats} == {4096}


@pytest.mark.parametrize("think", [True, False, "high", None])
async def test_think_never_makes_an_incapable_model_refuse(think: Think) -> None:
    """Nor do tools."""
    async with hosting(*say("ok"), capabilities=("completion",)) as (model, server):
        assert (await model.complete(asked(think=think, tools=(TOOL,)))).text == "ok"
        assert not {"think", "tools"} & server.chats[0].body.keys()


async def test_a_schema_keeps_to_the_wire() -> None:
    """It is sent as the format."""
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
    async with hosting(Text('{"n": 1}')) as (model, server):
        assert (await model.complete(asked(schema=schema))).text == '{"n": 1}'
        assert server.chats[0].body["format"] == schema


async def test_keep_alive_is_sent_when_set() -> None:
    """As the host reads it."""
    async with hosting(*say("ok"), keep_alive="-1") as (model, server):
        await model.complete(asked())
        assert server.chats[0].body["keep_alive"] == -1


async def test_pictures_are_read_and_encoded(tmp_path: Path) -> None:
    """Those that are gone or elsewhere are left out; a blind model gets none."""
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    (data_dir / "a.png").write_bytes(b"\x89PNG picture")
    (tmp_path / "secret").write_bytes(b"secret")
    paths = ("a.png", "gone.png", "../secret", str(tmp_path / "secret"))
    request = ModelRequest("tiny", (Message("user", "look", images=paths),))
    async with hosting(*say("ok"), data_dir=data_dir) as (model, server):
        await model.complete(request)
        (sent,) = server.chats[0].body["messages"][0]["images"]
    assert base64.b64decode(sent) == b"\x89PNG picture"
    async with hosting(*say("ok"), data_dir=data_dir, capabilities=("completion",)) as (m, server):
        await m.complete(request)
        assert "images" not in server.chats[0].body["messages"][0]


@pytest.mark.parametrize(
    "steps", [(Pause(30.0),), tuple(Text("word ", 0.002) for _ in range(5000))]
)
async def test_leaving_a_stream_stops_the_generation(steps: tuple[Step, ...]) -> None:
    """In prefill and in mid-stream, closing or cancelling closes the socket at once."""
    async with hosting(*steps) as (model, server):
        await model.describe("tiny")
        resting = server.open_connections
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await streamed(model, asked())
        await server.idle(0.5)
        assert server.chats[0].outcome == "disconnected"
        assert server.open_connections <= resting


async def test_closing_a_stream_early_stops_the_generation() -> None:
    """aclose after the first chunk is enough."""
    async with hosting(*(Text("word ", 0.002) for _ in range(5000))) as (model, server):
        stream = model.stream_complete(asked())
        await anext(stream)
        await stream.aclose()
        await server.idle(0.5)
        assert server.chats[0].outcome == "disconnected"


async def test_a_whole_answer_has_its_time() -> None:
    """complete_timeout, and nothing is left generating."""
    async with hosting(Pause(30.0), complete_timeout=0.05) as (model, server):
        with pytest.raises(ModelTimeout, match="no whole answer"):
            await model.complete(asked())
        await server.idle(0.5)


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
    """Four attempts, then it is the host's failure."""
    async with StrictOllama(trying((UNREADABLE,))) as server:
        model = OllamaModel(server.url, Path())
        with pytest.raises(ModelUnavailable, match="error parsing tool call"):
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


async def test_a_model_is_described_once() -> None:
    """Its capabilities and window, asked for once and again after an error."""
    async with hosting(Fail("boom")) as (model, server):
        expected = ModelInfo("tiny", 131072, tools=True, thinking=True, vision=True)
        assert await model.describe("tiny") == expected
        assert await model.describe("tiny") == expected
        assert [record.path for record in server.requests] == ["/api/show"]
        with pytest.raises(ModelUnavailable):
            await model.complete(asked())
        await model.describe("tiny")
        assert [r.path for r in server.requests].count("/api/show") == 2


async def test_a_length_that_was_reached_is_told() -> None:
    """The answer is cut, and says so."""
    async with hosting(Text("cut"), Done("length")) as (model, _):
        assert (await model.complete(asked())).finish == "length"


async def test_lists_and_pulls_go_through_the_client() -> None:
    """Installed and running models; a pull tells how far it is."""
    new = Installed("new", say("hello"))
    async with StrictOllama(Installed("tiny", say("ok")), pullable=(new,)) as server:
        model = OllamaModel(server.url, Path())
        assert await model.installed() == ("tiny:latest",)
        await model.complete(asked(num_ctx=8192))
        (running,) = await model.running()
        assert (running.name, running.window) == ("tiny:latest", 8192)
        steps = [step async for step in model.pull("new")]
        assert steps[-1].status == "success"
        assert max(step.completed for step in steps) == new.size
        assert await model.installed() == ("new:latest", "tiny:latest")
        with pytest.raises(ModelMissing):
            _ = [step async for step in model.pull("gone")]
        await model.close()


async def test_no_error_names_a_secret() -> None:
    """Neither the key nor a password in the address."""
    async with hosting(*say("ok"), settings=Settings(api_key="right")) as (_, server):
        address = server.url.replace("http://", "http://me:hunter2@")
        model = OllamaModel(address, Path(), api_key="topsecret")
        with pytest.raises(NaviError) as caught:
            await model.complete(asked())
        await server.stop()
        with pytest.raises(NaviError) as down:
            await model.complete(asked())
        await model.close()
    for error in (caught.value, down.value):
        assert "hunter2" not in str(error)
        assert "topsecret" not in str(error)
