"""Which model answers: never silently another than what was configured."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from strict_ollama import Installed, StrictOllama, say

from navi_bot.app.hosts import choose_hosts
from navi_bot.errors import ModelUnavailable
from navi_bot.settings import Settings

NOBODY = "http://127.0.0.1:9"


@pytest.fixture
async def ollama() -> AsyncIterator[StrictOllama]:
    async with StrictOllama() as server:
        server.install(Installed("tiny", say("hello")))
        yield server


def settings(tmp_path: Path, **values: object) -> Settings:
    return Settings(data_dir=tmp_path, **values)  # type: ignore[arg-type]  # by name


async def test_a_console_without_a_model_server_gets_the_labelled_demo(tmp_path: Path) -> None:
    """It is said first, with the mend. (The default address is not served here.)"""
    hosts = await choose_hosts(settings(tmp_path), demo=False, console=True)
    assert "ollama serve" in hosts.notice
    assert await hosts.main.installed() == ("demo",)
    await hosts.aclose()


@pytest.mark.parametrize(
    ("values", "console"),
    [
        pytest.param({"ollama_host": NOBODY}, True, id="a host is named"),
        pytest.param({"model": "qwen3"}, True, id="a model is named"),
        pytest.param({"openai_base_url": NOBODY}, True, id="a compatible server is named"),
        pytest.param({}, False, id="a platform is configured"),
    ],
)
async def test_nothing_configured_ever_falls_back_silently(
    tmp_path: Path, values: dict[str, object], console: bool
) -> None:
    hosts = await choose_hosts(settings(tmp_path, **values), demo=False, console=console)
    assert hosts.notice == ""
    with pytest.raises(ModelUnavailable):
        await hosts.main.installed()
    await hosts.aclose()


async def test_the_demo_can_be_chosen_anywhere(tmp_path: Path, ollama: StrictOllama) -> None:
    chosen = settings(tmp_path, ollama_host=ollama.url)
    hosts = await choose_hosts(chosen, demo=True, console=False)
    assert hosts.notice
    assert await hosts.main.installed() == ("demo",)
    assert ollama.chats == []


async def test_what_is_configured_is_used(tmp_path: Path, ollama: StrictOllama) -> None:
    chosen = settings(tmp_path, ollama_host=ollama.url, model="tiny")
    hosts = await choose_hosts(chosen, demo=False, console=True)
    assert hosts.notice == ""
    assert (hosts.model, hosts.address) == ("tiny", ollama.url)
    assert await hosts.main.installed() == ("tiny:latest",)
    await hosts.aclose()
