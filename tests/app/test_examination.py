"""What `navi-bot check` opens, it closes."""

import asyncio
import os
from pathlib import Path

import pytest
from pydantic import SecretStr
from strict_ollama import Installed, StrictOllama, say

from navi_bot.app.examination import probes
from navi_bot.doctor import diagnose
from navi_bot.settings import Settings


def sockets() -> int:
    """Count this process's open sockets."""
    links = (f"/proc/self/fd/{name}" for name in os.listdir("/proc/self/fd"))
    return sum(os.path.lexists(link) and os.readlink(link).startswith("socket:") for link in links)


async def test_every_part_is_asked_and_nothing_stays_open(
    dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("NAVI_")]:
        monkeypatch.delenv(name)  # those that say how much a test run does are no settings
    async with StrictOllama() as ollama:
        ollama.install(Installed("tiny", say("hello")))
        settings = Settings(
            data_dir=tmp_path, database_url=SecretStr(dsn), ollama_host=ollama.url, model="tiny"
        )
        lines: list[str] = []
        found = probes(settings)
        before = sockets()
        assert await diagnose(found, lines.append), lines
        await asyncio.sleep(0.05)  # the server's ends close a moment later
        assert sockets() == before
    assert [line.partition(":")[0] for line in lines] == [
        f"✓ {name}"
        for name in ("settings", "data directory", "database", "model host", "model", "profiles")
    ]
