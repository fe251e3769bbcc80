"""A daemon between a strict Telegram and a strict Ollama, on a database of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from daemon.stage import OWNER, Stage
from strict_ollama import StrictOllama
from strict_telegram import Server


@pytest.fixture
async def telegram() -> AsyncIterator[Server]:
    async with Server() as server:
        yield server


@pytest.fixture
async def ollama() -> AsyncIterator[StrictOllama]:
    async with StrictOllama() as server:
        yield server


@pytest.fixture
async def stage(telegram: Server, ollama: StrictOllama, dsn: str, tmp_path: Path) -> Stage:
    ann = telegram.person(OWNER, "Ann")
    environment = {
        "NAVI_DATA_DIR": str(tmp_path / "data"),
        "NAVI_DATABASE_URL": dsn,
        "NAVI_OWNERS": f"telegram:{OWNER}",
        "NAVI_MODEL": "tiny",
        "TELEGRAM_BOT_TOKEN": telegram.token,
        "TELEGRAM_API_URL": telegram.url,
        "OLLAMA_HOST": ollama.url,
    }
    return Stage(telegram, ollama, ann, telegram.private_chat(ann), environment)
