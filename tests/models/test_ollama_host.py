"""What the Ollama backend asks of its host, and what it makes of the host's refusals."""

import asyncio
import base64
import time
from pathlib import Path

import pytest
from hosted_ollama import asked, hosting, streamed
from strict_ollama import (
    Fail,
    Hold,
    Installed,
    Pause,
    Settings,
    Step,
    StrictOllama,
    Text,
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
from navi_bot.models.ollama import OllamaModel
from navi_bot.ports.model import ModelInfo, ModelRequest, Think, ToolSchema

TOOL = ToolSchema("clock", "tells the time", {"type": "object", "properties": {}})


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
    "steps", [(Pause(30.0),), tuple(Text(f"word{n} ", 0.002) for n in range(5000))]
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
    async with hosting(*(Text(f"word{n} ", 0.002) for n in range(5000))) as (model, server):
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
