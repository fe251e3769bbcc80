"""The real daemon in rooms of a real homeserver, plain and encrypted."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from daemon import Daemon
from real_synapse import Login, Synapse
from real_synapse.fixtures import Accounts
from real_synapse.person import Person, Shown
from strict_ollama import Body, Installed, Script, Step, StrictOllama, Text, say
from strict_ollama.steps import Answer

SEALED = pytest.mark.parametrize("encrypted", [False, True], ids=["plain", "encrypted"])


@dataclass
class MatrixStage:
    """A homeserver, a model host, the owner; `start` starts a daemon."""

    synapse: Synapse
    ollama: StrictOllama
    ann: Person
    bot: Login
    environment: dict[str, str]

    def start(self, **changes: str) -> Daemon:
        return Daemon({**self.environment, **changes})

    def plays(self, script: Script | Answer) -> None:
        self.ollama.install(Installed("tiny", script))

    async def room(self, *, encrypted: bool = False) -> str:
        """Have the owner invite the bot; return the room when it is in."""
        room = await self.ann.opens_room(self.bot.user_id, encrypted=encrypted)
        await self.ann.waits(lambda: self._is_in(room))
        return room

    def _is_in(self, room: str) -> bool:
        user = self.ann.client.rooms[room].users.get(self.bot.user_id)
        return user is not None and not user.invited

    async def answers(self, room: str, *parts: str, within: float = 25.0) -> Shown:
        """Wait for a finished answer of the bot that holds all parts."""
        return await self.ann.sees(room, *parts, "⏱", sender=self.bot.user_id, within=within)

    def finished(self, room: str) -> list[Shown]:
        return [one for one in self.ann.messages(room, self.bot.user_id) if "⏱" in one.body]


@pytest.fixture
async def ollama() -> AsyncIterator[StrictOllama]:
    async with StrictOllama() as server:
        yield server


@pytest.fixture
async def matrix(
    synapse: Synapse,
    ollama: StrictOllama,
    ann: Person,
    account: Accounts,
    dsn: str,
    tmp_path: Path,
) -> MatrixStage:
    bot = account("navi")
    environment = {
        "NAVI_DATA_DIR": str(tmp_path / "data"),
        "NAVI_DATABASE_URL": dsn,
        "NAVI_OWNERS": f"matrix:{ann.id}",
        "NAVI_MODEL": "tiny",
        "MATRIX_HOMESERVER": synapse.url,
        "MATRIX_USER_ID": bot.user_id,
        "MATRIX_PASSWORD": bot.password,
        "OLLAMA_HOST": ollama.url,
    }
    return MatrixStage(synapse, ollama, ann, bot, environment)


def echoed(body: Body) -> list[Step]:
    """Answer with the last question in capitals, word by word."""
    question = body["messages"][-1]["content"].split("\n")[0]
    return [Text(f"{word} ", delay=0.02) for word in f"you said {question.upper()}".split()]


@SEALED
async def test_an_owner_invites_asks_and_is_answered(matrix: MatrixStage, encrypted: bool) -> None:
    """The main job, in the encryption that the room has."""
    matrix.plays(say("forty two"))
    async with matrix.start() as daemon:
        ready = await daemon.ready()
        room = await matrix.room(encrypted=encrypted)
        await matrix.ann.says(room, "what is it?")
        answer = await matrix.answers(room, "forty two")
    assert ready["adapters"] == ["matrix"]
    assert answer.encrypted is encrypted
    assert [one.body for one in matrix.finished(room)] == [answer.body]
    assert "org.matrix.msc4357.live" not in answer.content
