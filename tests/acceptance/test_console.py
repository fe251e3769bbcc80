"""The console as a person has it: a terminal, a pipe, a terminal on a running daemon."""

import asyncio
import os
import pty
import re
import sys
import termios
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from daemon import LEFT_ALONE, Daemon
from daemon.stage import HUMAN, Stage
from strict_ollama import Pause, Text, in_turn, say

ESCAPE = re.compile(r"\x1b(?:\[[0-9;?]*[a-zA-Z]|\][^\x07]*\x07|[=>()][0-9A-Za-z]?)")


class Terminal:
    """A pseudo-terminal with a `navi-bot` on it."""

    def __init__(self, master: int, process: asyncio.subprocess.Process) -> None:
        self._master = master
        self.process = process
        self._seen = bytearray()
        self._changed = asyncio.Event()
        asyncio.get_running_loop().add_reader(master, self._read)

    def _read(self) -> None:
        try:
            piece = os.read(self._master, 65536)
        except OSError:  # the other side was closed
            piece = b""
        if not piece:
            asyncio.get_running_loop().remove_reader(self._master)
        if b"\x1b[6n" in piece:  # where is the cursor? a terminal answers
            os.write(self._master, b"\x1b[1;1R")
        self._seen += piece
        self._changed.set()

    @property
    def text(self) -> str:
        return ESCAPE.sub("", self._seen.decode(errors="replace"))

    def keys(self, text: str) -> None:
        os.write(self._master, text.encode())

    async def shows(self, text: str, within: float = 30.0) -> None:
        async with asyncio.timeout(within):
            while text not in self.text:
                self._changed.clear()
                await self._changed.wait()

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._master)
        os.close(self._master)


@asynccontextmanager
async def terminal(environment: dict[str, str], *arguments: str) -> AsyncIterator[Terminal]:
    master, slave = pty.openpty()
    termios.tcsetwinsize(slave, (40, 120))
    kept = {name: os.environ[name] for name in LEFT_ALONE if name in os.environ}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "navi_bot", *arguments,
        stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
        env={**kept, "TERM": "xterm-256color", **environment},
    )  # fmt: skip
    os.close(slave)
    shown = Terminal(master, process)
    try:
        yield shown
    finally:
        if process.returncode is None:
            process.terminate()
            await asyncio.wait_for(process.wait(), 20)
        shown.close()


@pytest.fixture
def alone(stage: Stage) -> dict[str, str]:
    """The environment without a chat platform: the console is what is left."""
    return {name: value for name, value in stage.environment.items() if "TELEGRAM" not in name}


async def test_a_terminal_answers_stops_and_is_left(stage: Stage, alone: dict[str, str]) -> None:
    """Streamed answer, Ctrl-C stops the next, twice leaves; the log is in a file."""
    stage.plays(in_turn(say("It is noon."), [Text("a long "), Text("story"), Pause(60)]))
    async with terminal(alone, "run") as shown:
        await shown.shows(">")
        shown.keys("what time is it?\r")
        await shown.shows("It is noon.")
        await shown.shows("⏱")
        shown.keys("tell me more\r")
        await shown.shows("a long")
        await shown.shows("story")  # a word that comes later is drawn behind the others, alone
        shown.keys("\x03")
        await shown.shows("⏹ Stopped.")
        await stage.ollama.idle(2)
        shown.keys("\x03")
        await asyncio.sleep(0.05)
        shown.keys("\x03")
        assert await asyncio.wait_for(shown.process.wait(), 15) == 0
    assert "turn_started" not in shown.text
    assert "turn_started" in (Path(alone["NAVI_DATA_DIR"]) / "navi-bot.log").read_text()


async def test_a_terminal_without_a_model_shows_the_labelled_demo(
    stage: Stage, alone: dict[str, str]
) -> None:
    for name in ("OLLAMA_HOST", "NAVI_MODEL"):
        del alone[name]
    async with terminal(alone, "run") as shown:
        await shown.shows("ollama serve")
        shown.keys("hello\r")
        await shown.shows("demo answer, no model")
        shown.keys("\x04")
        assert await asyncio.wait_for(shown.process.wait(), 15) == 0


async def test_chat_talks_to_the_running_daemon(stage: Stage, alone: dict[str, str]) -> None:
    """The daemon's own session and model; leaving the terminal leaves the daemon running."""
    stage.plays(in_turn(say("from the daemon"), say("and in Telegram")))
    async with stage.start() as daemon:
        await daemon.ready()
        async with terminal(alone, "chat") as shown:
            await shown.shows(">")
            shown.keys("who are you?\r")
            await shown.shows("from the daemon")
            await shown.shows("⏱")
            await asyncio.sleep(HUMAN)
            shown.keys("\x04")
            assert await asyncio.wait_for(shown.process.wait(), 15) == 0
        stage.ask("still there?")
        await stage.shows("and in Telegram", "⏱")


async def test_chat_runs_a_console_when_no_daemon_does(stage: Stage, alone: dict[str, str]) -> None:
    stage.plays(say("on my own"))
    async with terminal(alone, "chat") as shown:
        await shown.shows(">")
        shown.keys("hello\r")
        await shown.shows("on my own")


async def test_a_pipe_gets_the_final_texts_in_order(stage: Stage, alone: dict[str, str]) -> None:
    stage.plays(in_turn(say("first answer"), say("second answer")))
    async with Daemon(alone, stdin=b"one\n\ntwo") as daemon:
        assert await daemon.ended(60) == 0
    assert daemon.out == "first answer\n\nsecond answer\n\n"


async def test_a_pipe_ends_with_1_if_a_question_failed(stage: Stage, alone: dict[str, str]) -> None:
    """The others are answered all the same."""
    stage.plays(say("fine"), "tiny")
    async with Daemon({**alone, "NAVI_MODEL": "gone"}, stdin=b"one\n/whoami\n") as daemon:
        assert await daemon.ended(60) == 1
    failed, command = daemon.out.strip().split("\n\n")
    assert "not installed" in failed
    assert "console:operator" in command


async def test_a_pipe_on_nothing_gets_the_labelled_demo(
    stage: Stage, alone: dict[str, str]
) -> None:
    """On embedded PostgreSQL, nothing configured: the main job of a fresh clone."""
    for name in ("OLLAMA_HOST", "NAVI_MODEL", "NAVI_DATABASE_URL"):
        del alone[name]
    async with Daemon(alone, stdin=b"hello\n") as daemon:
        assert await daemon.ended(60) == 0
    assert daemon.out.startswith("*demo answer, no model:*")
    assert any("ollama serve" in line for line in daemon.raw)
