"""The real daemon in rooms of a real homeserver, plain and encrypted."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from daemon import Daemon
from real_synapse import Login, Synapse
from real_synapse.fixtures import Accounts, People
from real_synapse.person import Person, Shown
from scale import FULL, scaled
from strict_ollama import (
    Body,
    Called,
    Calls,
    Hold,
    Installed,
    Script,
    Step,
    StrictOllama,
    Text,
    say,
)
from strict_ollama.steps import Answer

SOMETIMES = pytest.mark.parametrize(
    "encrypted", scaled([True], [False, True]), ids=scaled(["encrypted"], ["plain", "encrypted"])
)
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

    def second(self, room: str) -> list[Shown]:
        return self.finished(room)[1:]

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
        "MATRIX_CALL_INTERVAL": "0.05",
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


@SOMETIMES
async def test_a_message_can_steer_the_running_turn(matrix: MatrixStage, encrypted: bool) -> None:
    """With NAVI_STEER it joins at the next step, whatever the trust in its device."""
    hold = asyncio.Event()

    def script(body: Body) -> Answer:
        asked = [message for message in body["messages"] if message["role"] == "user"]
        if any(message["role"] == "tool" for message in body["messages"]):
            return say(f"heard {len(asked)} of you")
        return [Text("let me look "), Hold(hold), Calls((Called("clock", {}),))]

    matrix.plays(script)
    async with matrix.start(NAVI_STEER="true") as daemon:
        await daemon.ready()
        room = await matrix.room(encrypted=encrypted)
        await matrix.ann.says(room, "look")
        await matrix.ann.sees(room, "let me look", sender=matrix.bot.user_id)
        await matrix.ann.says(room, "in Tokyo, I mean")
        await asyncio.sleep(1)
        hold.set()
        answer = await matrix.answers(room, "heard 2 of you")
    assert "Taken in: in Tokyo, I mean" in answer.body
    assert len(matrix.finished(room)) == 1


@SOMETIMES
async def test_a_conversation_goes_on_after_kill_9(matrix: MatrixStage, encrypted: bool) -> None:
    """Killed in the middle of an answer: it ends in the same message, once; then it goes on."""
    slow: list[Step] = [Text(f"word{number} ", delay=0.05) for number in range(40)]
    matrix.plays(slow)
    async with matrix.start() as daemon:
        await daemon.ready()
        room = await matrix.room(encrypted=encrypted)
        await matrix.ann.says(room, "tell me")
        begun = await matrix.ann.sees(room, "word3", sender=matrix.bot.user_id)
        daemon.kill()
        await daemon.ended()
    async with matrix.start() as daemon:
        await daemon.ready()
        answer = await matrix.answers(room, "word39")
        matrix.plays(say("second answer"))
        await matrix.ann.says(room, "and now?")
        second = await matrix.answers(room, "second answer")
    assert answer.id == begun.id
    assert answer.encrypted is second.encrypted is encrypted
    assert len(matrix.finished(room)) == 2


@SOMETIMES
async def test_what_was_said_while_it_was_down_is_answered_once_in_order(
    matrix: MatrixStage, encrypted: bool
) -> None:
    """Three rooms, more in one of them than a sync holds."""
    matrix.plays(echoed)
    async with matrix.start() as daemon:
        await daemon.ready()
        rooms = [await matrix.room(encrypted=encrypted) for _ in range(3)]
    counts = scaled((12, 2, 2), (22, 4, 4))
    for room, count in zip(rooms, counts, strict=True):
        for number in range(count):
            await matrix.ann.says(room, f"question {number}.")
    async with matrix.start() as daemon:
        await daemon.ready()
        for room, count in zip(rooms, counts, strict=True):
            await matrix.answers(room, f"QUESTION {count - 1}.", within=60)
    for room, count in zip(rooms, counts, strict=True):
        told = [one.body.split("QUESTION ")[1].split(".")[0] for one in matrix.finished(room)]
        assert told == [str(number) for number in range(count)]


async def test_a_reaction_stops_the_answer(matrix: MatrixStage) -> None:
    """The sign below the live message does what the button does elsewhere."""
    slow: list[Step] = [Text(f"word{number} ", delay=0.1) for number in range(200)]
    matrix.plays(slow)
    async with matrix.start() as daemon:
        await daemon.ready()
        room = await matrix.room(encrypted=True)
        await matrix.ann.says(room, "tell me everything")
        live = await matrix.ann.sees(room, "word5", "⏹ Stop", sender=matrix.bot.user_id)
        await matrix.ann.reacts(room, live.id, "⏹️")
        ended = await daemon.event("turn_ended")
        await matrix.ann.sees(room, "Stopped", sender=matrix.bot.user_id)
    assert ended["outcome"] == "stopped"


async def test_commands_and_threads(matrix: MatrixStage) -> None:
    """Both signs of a command; a thread is a conversation of its own."""
    matrix.plays(echoed)
    async with matrix.start() as daemon:
        await daemon.ready()
        room = await matrix.room()
        await matrix.ann.says(room, "!status")
        await matrix.ann.sees(room, "matrix", sender=matrix.bot.user_id)
        root = await matrix.ann.says(room, "the first question")
        await matrix.answers(room, "THE FIRST QUESTION")
        thread = {"rel_type": "m.thread", "event_id": root, "is_falling_back": True}
        await matrix.ann.says(room, "inside the thread", **{"m.relates_to": thread})
        inside = await matrix.answers(room, "INSIDE THE THREAD")
    last = matrix.ollama.chats[-1].body["messages"]
    assert inside.thread == root
    assert not any("first question" in message["content"] for message in last)


async def test_only_a_device_that_is_known_changes_something(matrix: MatrixStage) -> None:
    """The same question twice: before its person has signed the device, and after."""

    def script(body: Body) -> Answer:
        wanted = {"text": "drink tea", "when": "in 1 hour"}
        done = body["messages"][-1]["role"] == "tool"
        return say("So it is.") if done else [Calls((Called("schedule_recall", wanted),))]

    matrix.plays(script)
    async with matrix.start() as daemon:
        await daemon.ready()
        room = await matrix.room(encrypted=True)
        await matrix.ann.says(room, "remind me of tea in an hour")
        refused = await matrix.answers(room, "So it is.")
        await matrix.ann.cross_signs()
        await matrix.ann.says(room, "and now?")
        await matrix.ann.waits(lambda: matrix.second(room))
    told = [chat.body["messages"][-1]["content"] for chat in matrix.ollama.chats]
    done = [one for one in told if "Recall 1 is set" in one]
    assert "Verify it in your client" in refused.body
    assert "Verify it in your client" not in matrix.second(room)[0].body
    assert len(done) == 1


@pytest.mark.skipif(not FULL, reason="three commands beside a daemon cost ten seconds")
async def test_an_owner_and_a_guest_come_by_codes(matrix: MatrixStage, person: People) -> None:
    """The operator's terminal shows the owner's code, and lets in whom the owner vouches for."""
    matrix.plays(echoed)
    matrix.environment |= {"NAVI_OWNERS": "", "NAVI_PAIRING": "code"}
    eve, bot = person("eve"), matrix.bot.user_id
    async with matrix.start() as daemon:
        await daemon.ready()
        told = await terminal(matrix, "list")
        code = told.split("/start ")[1].split("”")[0]
        room = await matrix.room()
        await matrix.ann.says(room, f"/start {code}")
        await matrix.ann.sees(room, "You are my owner now", sender=bot)
        await matrix.ann.says(room, "the first question")
        await matrix.answers(room, "THE FIRST QUESTION")
        theirs = await eve.opens_room(bot)
        await eve.waits(lambda: not eve.client.rooms[theirs].users[bot].invited or None)
        await eve.says(theirs, "let me in")
        offer = await eve.sees(theirs, "navi-bot pair approve", sender=bot)
        assert eve.id in await terminal(matrix, "approve", offer.body.split()[-1])
        await eve.says(theirs, "now me")
        await eve.sees(theirs, "NOW ME", "⏱", sender=bot)
        await eve.says(theirs, "/start " + code)
        group = await eve.opens_room(bot, direct=False)
        await eve.waits(lambda: bot not in eve.client.rooms[group].users or None)
    assert eve.id not in told
    assert len(matrix.ollama.chats) == 2


async def terminal(matrix: MatrixStage, *words: str) -> str:
    """Return what `navi-bot pair …` prints."""
    async with Daemon(matrix.environment, "pair", *words) as command:
        assert await command.ended() == 0, command.out
        return command.out


async def test_a_strangers_message_is_not_answered(matrix: MatrixStage, person: People) -> None:
    """Somebody whom the owner brings along has no rights."""
    matrix.plays(say("hello"))
    eve = person("eve")
    async with matrix.start() as daemon:
        await daemon.ready()
        room = await matrix.ann.opens_room(matrix.bot.user_id, eve.id, direct=False)
        await eve.joins(room)
        await matrix.ann.waits(
            lambda: not matrix.ann.client.rooms[room].users[matrix.bot.user_id].invited or None
        )
        for text in ("!status", f"{matrix.bot.user_id} hello", "/start"):
            await eve.says(room, text)
        await matrix.ann.says(room, f"{matrix.bot.user_id} hello")
        await matrix.answers(room, "hello")
    assert len(matrix.ann.messages(room, matrix.bot.user_id)) == 1
    assert len(matrix.ollama.chats) == 1


async def test_the_command_logs_in_and_check_says_so(matrix: MatrixStage) -> None:
    """`navi-bot matrix login` twice, then `navi-bot check`."""
    said = []
    for _ in range(2):
        async with Daemon(matrix.environment, "matrix", "login") as command:
            assert await command.ended() == 0
            said.append(command.out)
    assert "verified" in said[0]
    assert "already" in said[1]
    matrix.plays(say("hello"))
    async with Daemon(matrix.environment, "check") as command:
        await command.ended(30)
    assert "✓ matrix: Logged in as navi" in command.out


async def test_a_refused_account_is_a_configuration_error(matrix: MatrixStage) -> None:
    async with matrix.start(MATRIX_PASSWORD="wrong") as daemon:
        code = await daemon.ended()
    assert code == 78
    assert "MATRIX_PASSWORD" in daemon.raw[-1]


@pytest.mark.skipif(not FULL, reason="a homeserver takes seconds to stop and to start")
@SEALED
async def test_a_homeserver_that_restarts_while_an_answer_streams_loses_nothing(
    matrix: MatrixStage, encrypted: bool
) -> None:
    """The answer ends in the message in which it began; what is said next is answered."""
    matrix.plays([Text(f"word{number} ", delay=0.05) for number in range(150)])
    async with matrix.start() as daemon:
        await daemon.ready()
        room = await matrix.room(encrypted=encrypted)
        await matrix.ann.says(room, "tell me")
        begun = await matrix.ann.sees(room, "word5", sender=matrix.bot.user_id)
        await asyncio.to_thread(matrix.synapse.kill)
        await asyncio.to_thread(matrix.synapse.start)
        answer = await matrix.answers(room, "word0", "word149", within=60)
        matrix.plays(say("second answer"))
        await matrix.ann.says(room, "and now?")
        await matrix.answers(room, "second answer", within=60)
    assert answer.id == begun.id
    assert len(matrix.finished(room)) == 2


@pytest.mark.skipif(not FULL, reason="a homeserver's stock limits cost half a minute")
async def test_stock_limits_delay_and_lose_nothing(matrix: MatrixStage) -> None:
    """Ten messages at once, then one in five seconds, for two rooms together."""
    bound = matrix.synapse.register("bound", freed=False)
    matrix.bot = bound
    matrix.environment |= {
        "MATRIX_USER_ID": bound.user_id,
        "MATRIX_PASSWORD": bound.password,
        "MATRIX_CALL_INTERVAL": "2",
    }
    matrix.plays([Text(f"word{number} ", delay=0.1) for number in range(80)])
    async with matrix.start() as daemon:
        await daemon.ready()
        rooms = [await matrix.room(encrypted=True), await matrix.room()]
        for _ in range(2):
            for room in rooms:
                await matrix.ann.says(room, "tell me")
        for room in rooms:
            await matrix.ann.waits(partial(matrix.second, room), within=120)
    for room in rooms:
        assert all("word79" in one.body for one in matrix.finished(room))
