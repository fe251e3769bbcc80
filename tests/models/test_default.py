"""A host for which "" is a model too."""

from collections.abc import AsyncIterator

import pytest
from strict_ollama import Installed, StrictOllama, say

from navi_bot.errors import ModelMissing, ModelUnavailable
from navi_bot.messages import Message
from navi_bot.models.default import DefaultingModel
from navi_bot.models.ollama import OllamaModel
from navi_bot.ports.model import ModelRequest


@pytest.fixture
async def ollama() -> AsyncIterator[StrictOllama]:
    async with StrictOllama() as server:
        yield server


@pytest.fixture
async def model(ollama: StrictOllama, tmp_path: object) -> AsyncIterator[DefaultingModel]:
    model = DefaultingModel(OllamaModel(ollama.url, tmp_path))  # type: ignore[arg-type]  # a Path
    yield model
    await model.close()


async def test_the_first_model_that_can_use_tools_is_chosen(
    ollama: StrictOllama, model: DefaultingModel
) -> None:
    ollama.install(Installed("blank", say("no"), capabilities=("completion",)))
    ollama.install(Installed("able", say("yes"), capabilities=("completion", "tools")))
    assert (await model.describe("")).name.startswith("able")
    answer = await model.complete(ModelRequest("", (Message("user", "?"),), num_ctx=2048))
    assert answer.text == "yes"


async def test_without_one_the_first_model_talks(
    ollama: StrictOllama, model: DefaultingModel
) -> None:
    ollama.install(Installed("blank", say("just talk"), capabilities=("completion",)))
    assert not (await model.describe("")).tools


async def test_a_named_model_is_left_as_it_is(ollama: StrictOllama, model: DefaultingModel) -> None:
    ollama.install(Installed("able", say("yes"), capabilities=("completion", "tools")))
    with pytest.raises(ModelMissing):
        await model.describe("other")


async def test_an_empty_host_is_one_sentence_with_the_mend(model: DefaultingModel) -> None:
    with pytest.raises(ModelMissing, match="ollama pull"):
        await model.describe("")


async def test_a_host_that_is_down_at_first_is_asked_again(
    ollama: StrictOllama, model: DefaultingModel
) -> None:
    """Nothing is remembered of a failure."""
    ollama.install(Installed("able", say("yes"), capabilities=("completion", "tools")))
    await ollama.stop()
    with pytest.raises(ModelUnavailable):
        await model.describe("")
    await ollama.start()
    assert (await model.describe("")).tools
