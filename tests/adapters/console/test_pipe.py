"""The console over a pipe: questions in, answers out, in order."""

import asyncio
import io
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from adapters.console.account import address
from adapters.console.pipe import PipeAdapter
from navi_bot.errors import Refused, StoreUnavailable
from navi_bot.messages import Inbound, Page, Prose, Said


class Room:
    """Answers whatever the adapter hands over, as the daemon would: later, elsewhere."""

    def __init__(self, adapter: PipeAdapter) -> None:
        self.adapter = adapter
        self.asked: list[str] = []
        self.heard = asyncio.Event()
        self.waiting = 0
        self.most_waiting = 0

    async def accept(self, batch: Sequence[Inbound], _cursor: str) -> None:
        self.waiting += 1
        self.most_waiting = max(self.most_waiting, self.waiting)
        (said,) = batch
        assert isinstance(said, Said)
        self.asked.append(said.text)
        self.heard.set()
        asyncio.get_running_loop().call_later(0.005, self._answer, said.text)

    def _answer(self, text: str) -> None:
        self._task = asyncio.ensure_future(self._show(text))

    async def _show(self, text: str) -> None:
        out = self.adapter.outbound
        sent = await out.send(address(), Page((Prose("…"),)), transaction="t", final=False)
        self.waiting -= 1
        await out.edit(address(), sent, Page((Prose(f"re: {text}"),)), transaction="t", final=True)


async def answers(data: bytes, tmp_path: Path, kind: str) -> tuple[Room, str]:
    """Feed the data through a pipe or a file; return the room and what was printed."""
    out = io.StringIO()
    if kind == "pipe":
        reading, writing = os.pipe()
        os.write(writing, data)
        os.close(writing)
    else:
        (tmp_path / "questions").write_bytes(data)
        reading = os.open(tmp_path / "questions", os.O_RDONLY)
    with os.fdopen(reading) as source:
        adapter = PipeAdapter(source, out)
        room = Room(adapter)
        await asyncio.wait_for(adapter.receive(room.accept, ""), 5)
    return room, out.getvalue()


@pytest.mark.parametrize("kind", ["pipe", "file"])
async def test_every_line_is_a_question_with_its_final_text_and_an_empty_line(
    kind: str, tmp_path: Path
) -> None:
    room, out = await answers("one\n\n  \ntwo\nthrée".encode(), tmp_path, kind)
    assert room.asked == ["one", "two", "thrée"]
    assert out == "re: one\n\nre: two\n\nre: thrée\n\n"
    assert room.most_waiting == 1, "the next question waits for the answer"


async def test_bytes_that_are_no_text_are_asked_all_the_same(tmp_path: Path) -> None:
    room, _ = await answers(b"caf\xe9\n", tmp_path, "pipe")
    assert room.asked == ["caf\ufffd"]


async def test_no_thread_waits_for_input_that_never_comes() -> None:
    """A cancelled receive ends at once, the pipe still open."""
    reading, writing = os.pipe()
    with os.fdopen(reading) as source:
        adapter = PipeAdapter(source, io.StringIO())
        receiving = asyncio.ensure_future(adapter.receive(Room(adapter).accept, ""))
        await asyncio.sleep(0.01)
        receiving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await receiving
    os.close(writing)


async def test_a_database_that_is_away_loses_no_line() -> None:
    """Handed over again with the same key; what was read already is asked after it."""
    keys: list[str] = []

    async def away(batch: Sequence[Inbound], _cursor: str) -> None:
        keys.append(batch[0].origin.key)
        raise StoreUnavailable("away")

    reading, writing = os.pipe()
    os.write(writing, b"one\ntwo\nthr")
    with os.fdopen(reading) as source:
        out = io.StringIO()
        adapter = PipeAdapter(source, out)
        for _ in range(2):
            with pytest.raises(StoreUnavailable):
                await adapter.receive(away, "")
        room = Room(adapter)
        waiting = asyncio.ensure_future(adapter.receive(room.accept, ""))
        while room.asked != ["one", "two"]:
            room.heard.clear()
            await asyncio.wait_for(room.heard.wait(), 5)
        await asyncio.sleep(0.02)
        waiting.cancel()
        await asyncio.wait([waiting])
        os.write(writing, b"ee")
        os.close(writing)
        await asyncio.wait_for(adapter.receive(room.accept, ""), 5)
    assert room.asked == ["one", "two", "three"]
    assert keys[0] == keys[1]


class Gone(io.StringIO):
    """What is left of standard output when its reader has ended."""

    def flush(self) -> None:
        raise BrokenPipeError


async def test_a_reader_who_is_gone_ends_it() -> None:
    """It does not wait for ever for an answer that cannot be printed."""
    reading, writing = os.pipe()
    os.write(writing, b"one\n")
    with os.fdopen(reading) as source:
        adapter = PipeAdapter(source, Gone())

        async def accept(_batch: Sequence[Inbound], _cursor: str) -> None:
            with pytest.raises(Refused):
                await adapter.outbound.send(address(), Page((Prose("re"),)), transaction="t")

        with pytest.raises(BrokenPipeError):
            await asyncio.wait_for(adapter.receive(accept, ""), 5)
    os.close(writing)
