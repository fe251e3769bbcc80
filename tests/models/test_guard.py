"""A guarded stream ends at a stop and at a silence, and nothing of it is left."""

import asyncio
import random
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

import pytest
from strict_ollama import Answer, Installed, Pause, StrictOllama, Text, say

from navi_bot.errors import ModelTimeout
from navi_bot.messages import Message
from navi_bot.models.guard import guarded
from navi_bot.models.ollama import OllamaModel
from navi_bot.ports.model import Chunk, ModelRequest

LONG = 60.0

SIDE_BY_SIDE = 5
"""Stops at the same time; a hundred in all."""


class Token:
    """A stop token."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    @property
    def is_set(self) -> bool:
        return self._event.is_set()

    def set(self) -> None:
        self._event.set()

    async def wait(self) -> None:
        await self._event.wait()


class Stream:
    """A stream that gives words and then falls silent, and tells when it is closed."""

    def __init__(self, *words: str) -> None:
        self.words = words
        self.closed = False
        self.steps = 0
        self.in_flight = 0

    async def chunks(self) -> AsyncGenerator[Chunk]:
        try:
            for word in self.words:
                self.steps += 1
                self.in_flight += 1
                assert self.in_flight == 1, "one step at a time"
                await asyncio.sleep(0)
                self.in_flight -= 1
                yield Chunk(text=word)
            await asyncio.Event().wait()
        finally:
            self.closed = True


async def test_chunks_pass_in_order_and_the_stream_is_closed() -> None:
    """Leaving early closes the stream at once."""
    stream = Stream("a", "b", "c")
    found = []
    async with aclosing(guarded(stream.chunks(), Token(), LONG, LONG)) as chunks:
        async for chunk in chunks:
            found.append(chunk.text)
            if len(found) == 2:
                break
    assert found == ["a", "b"]
    assert stream.closed
    assert stream.steps == 2, "nothing is read ahead"
    assert len(asyncio.all_tasks()) == 1


async def test_a_stream_that_ends_ends_the_guarded_one() -> None:
    """And leaves no task behind."""

    async def short() -> AsyncGenerator[Chunk]:
        yield Chunk(text="a", finish="stop")

    found = [chunk async for chunk in guarded(short(), Token(), LONG, LONG)]
    assert [chunk.finish for chunk in found] == ["stop"]
    assert len(asyncio.all_tasks()) == 1


@pytest.mark.parametrize("words", [(), ("a", "b")])
async def test_a_stop_ends_a_silent_wait_at_once(words: tuple[str, ...]) -> None:
    """Before the first chunk and between chunks: no poll, no error, closed."""
    stream, stop = Stream(*words), Token()
    asyncio.get_running_loop().call_later(0.02, stop.set)
    began = time.monotonic()
    found = [chunk async for chunk in guarded(stream.chunks(), stop, LONG, LONG)]
    assert len(found) == len(words)
    assert time.monotonic() - began < 0.2
    assert stream.closed


async def test_a_stop_while_the_reader_is_busy_ends_it_at_the_next_step() -> None:
    """The stop needs no running wait."""
    stream, stop = Stream("a", "b"), Token()
    found = []
    async for chunk in guarded(stream.chunks(), stop, LONG, LONG):
        found.append(chunk)
        stop.set()
        await asyncio.sleep(0.01)
    assert len(found) == 1
    assert stream.closed


async def test_a_stop_that_was_set_before_asks_nothing() -> None:
    """The stream is not even begun."""
    stream, stop = Stream("a"), Token()
    stop.set()
    assert [chunk async for chunk in guarded(stream.chunks(), stop, LONG, LONG)] == []
    assert stream.steps == 0


@pytest.mark.parametrize(
    ("words", "first", "gap", "text"),
    [
        ((), 0.02, LONG, "first token (the context may be too large for this model)"),
        (("a",), LONG, 0.02, "next token"),
    ],
)
async def test_a_silence_is_a_timeout_that_names_itself(
    words: tuple[str, ...], first: float, gap: float, text: str
) -> None:
    """Which token did not come and how long it was waited for, by a monotonic clock."""
    stream = Stream(*words)
    ticks = iter([100.0, 281.4]) if not words else iter([0.0, 100.0, 281.4])
    with pytest.raises(ModelTimeout) as caught:
        async for _ in guarded(stream.chunks(), Token(), first, gap, lambda: next(ticks)):
            pass
    assert str(caught.value) == f"The model was silent for 181 s: no {text}."
    assert stream.closed


async def test_the_first_limit_does_not_hold_for_later_chunks() -> None:
    """A slow first chunk has its own, longer time."""

    async def slow() -> AsyncGenerator[Chunk]:
        await asyncio.sleep(0.04)
        yield Chunk(text="a", finish="stop")

    assert [c.text async for c in guarded(slow(), Token(), LONG, 0.01)] == ["a"]


async def test_a_cancelled_reader_closes_the_stream() -> None:
    """Shutdown ends it the same way; the cancellation passes."""
    stream = Stream()

    async def read() -> None:
        async with aclosing(guarded(stream.chunks(), Token(), LONG, LONG)) as chunks:
            async for _ in chunks:
                pass

    async with asyncio.TaskGroup() as group:
        task = group.create_task(read())
        await asyncio.sleep(0.01)
        task.cancel()
    assert task.cancelled()
    assert stream.closed
    assert len(asyncio.all_tasks()) == 1


async def test_a_hundred_stops_leave_no_connection_and_no_task(tmp_path: Path) -> None:
    """Stopped in prefill, in mid-stream or at the end: the host sees every connection close."""
    rng = random.Random(7)
    scripts: list[Answer] = [
        (Pause(30.0),),
        tuple(Text(f"word{n} ", 0.001) for n in range(5000)),
        say("one two three"),
    ]
    request = ModelRequest("tiny", (Message("user", "hi"),))
    async with StrictOllama(Installed("tiny", lambda body: rng.choice(scripts))) as server:
        model = OllamaModel(server.url, tmp_path)
        await model.describe("tiny")
        resting = server.open_connections

        async def stopped(after: float) -> None:
            stop = Token()
            asyncio.get_running_loop().call_later(after, stop.set)
            async with aclosing(
                guarded(model.stream_complete(request), stop, LONG, LONG)
            ) as chunks:
                async for _ in chunks:
                    pass

        for _ in range(20):
            async with asyncio.timeout(5), asyncio.TaskGroup() as group:
                for _ in range(SIDE_BY_SIDE):
                    group.create_task(stopped(rng.random() * 0.02))
        await server.idle(1.0)
        mine = asyncio.current_task()
        waiting = [each for each in asyncio.all_tasks() if each is not mine]
        assert not [each for each in waiting if "models" in repr(each.get_coro())]
        kept = SIDE_BY_SIDE  # what ended by itself leaves its connection for the next one
        assert server.open_connections <= resting + kept
        assert len(server.chats) >= 50, "most had asked before they were stopped"
        assert {"disconnected"} <= {record.outcome for record in server.chats}
        await model.close()
