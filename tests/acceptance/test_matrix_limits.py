"""M_LIMIT_EXCEEDED in one room: other rooms are answered, and a stop is carried out."""

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from daemon import Daemon
from real_synapse import Synapse
from real_synapse.fixtures import Accounts
from real_synapse.person import Person
from real_synapse.proxy import Proxy
from scale import scaled
from strict_ollama import Body, Installed, Settings, Step, StrictOllama, Text

WAITS: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "told in the answer": ({"retry_after_ms": 4_000}, {}),
    "told in the header": ({}, {"Retry-After": "4"}),
    "not told": ({}, {}),
}


@pytest.fixture
async def ollama() -> AsyncIterator[StrictOllama]:
    async with StrictOllama(settings=Settings(parallel=2)) as server:
        yield server


def answer(body: Body) -> list[Step]:
    """Be slow with whoever asks for everything, quick with all others."""
    question = body["messages"][-1]["content"]
    if "everything" in question:
        return [Text(f"word{number} ", delay=0.1) for number in range(600)]
    return [Text("forty two")]


OFTEN = scaled(["not told"], list(WAITS))


@pytest.mark.parametrize(("told", "headers"), [WAITS[name] for name in OFTEN], ids=OFTEN)
async def test_a_limit_delays_neither_another_room_nor_a_stop(
    synapse: Synapse,
    proxy: Proxy,
    ann: Person,
    account: Accounts,
    ollama: StrictOllama,
    dsn: str,
    tmp_path: Path,
    told: dict[str, Any],
    headers: dict[str, str],
) -> None:
    """Whether the homeserver says how long to wait or does not."""
    ollama.install(Installed("tiny", answer))
    bot = account("navi")
    environment = {
        "NAVI_DATA_DIR": str(tmp_path / "data"),
        "NAVI_DATABASE_URL": dsn,
        "NAVI_OWNERS": f"matrix:{ann.id}",
        "NAVI_MODEL": "tiny",
        "MATRIX_HOMESERVER": proxy.url,
        "MATRIX_USER_ID": bot.user_id,
        "MATRIX_PASSWORD": bot.password,
        "OLLAMA_HOST": ollama.url,
        "OLLAMA_PARALLEL": "2",
    }
    async with Daemon(environment) as daemon:
        await daemon.ready()
        limited, other = [await opened(ann, bot.user_id) for _ in range(2)]
        await ann.says(limited, "tell me everything")
        await ann.sees(limited, "word3", sender=bot.user_id)
        error = {"errcode": "M_LIMIT_EXCEEDED", "error": "Too Many Requests", **told}
        proxy.fails(f"rooms/{limited}/send", 429, error, headers=headers)
        since = time.monotonic()
        await ann.waits(lambda: proxy.requests(f"rooms/{limited}/send", since))
        await ann.says(other, "what is it?")
        asked = time.monotonic()
        await ann.sees(other, "forty two", "⏱", sender=bot.user_id)
        assert time.monotonic() - asked < 4.0
        await ann.says(limited, "/stop")
        stopped = time.monotonic()
        ended = await daemon.event("turn_ended", nth=2)
        assert ended["outcome"] == "stopped"
        assert time.monotonic() - stopped < 2.0
        proxy.heal()
        await ann.sees(limited, "Stopped", sender=bot.user_id, within=60)


async def opened(ann: Person, bot: str) -> str:
    """Return a new room when the bot is in."""
    room = await ann.opens_room(bot)
    users = ann.client.rooms[room].users
    await ann.waits(lambda: not users[bot].invited or None)
    return room
