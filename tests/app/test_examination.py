"""What `navi-bot check` opens, it closes."""

import gc
from pathlib import Path

import pytest
from pydantic import SecretStr
from strict_ollama import Installed, StrictOllama, say

from navi_bot.app.examination import probes
from navi_bot.doctor import diagnose
from navi_bot.settings import Settings


async def test_every_part_is_asked_and_nothing_stays_open(
    dsn: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with StrictOllama() as ollama:
        ollama.install(Installed("tiny", say("hello")))
        settings = Settings(
            data_dir=tmp_path, database_url=SecretStr(dsn), ollama_host=ollama.url, model="tiny"
        )
        lines: list[str] = []
        assert await diagnose(probes(settings), lines.append), lines
    gc.collect()
    assert [line.partition(":")[0] for line in lines] == [
        f"✓ {name}"
        for name in ("settings", "data directory", "database", "model host", "model", "profiles")
    ]
    assert [record.message for record in caplog.records if "nclosed" in record.message] == []
