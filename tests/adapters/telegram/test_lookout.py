"""What comes behind a batch that is still being taken in is seen, and confirmed by nobody."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from strict_telegram import Chat, Person, Refuse, Server

from adapters.telegram.adapter import TelegramAdapter
from navi_bot.messages import Inbound, Said

CONFLICT = "Conflict: terminated by other getUpdates request"


class Slow:
    """Takes in one batch for as long as it is told to; keeps what it is shown early."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.heeded: list[str] = []
        self.go_on = asyncio.Event()

    async def accept(self, batch: Sequence[Inbound], cursor: str) -> None:
        await self.go_on.wait()
        self.taken += words(batch)

    async def heed(self, batch: Sequence[Inbound]) -> None:
        self.heeded += words(batch)


def words(batch: Sequence[Inbound]) -> list[str]:
    return [event.text for event in batch if isinstance(event, Said)]


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with Server() as running:
        yield running


@pytest.fixture
def ann(server: Server) -> tuple[Chat, Person]:
    person = server.person(5, "Ann")
    return server.private_chat(person), person


@asynccontextmanager
async def online(server: Server, slow: Slow) -> AsyncIterator[asyncio.Task[None]]:
    """Receive and look out, as the service does; gives the receiving task."""
    adapter = TelegramAdapter(server.token, server.url)
    await adapter.connect()
    async with asyncio.TaskGroup() as group:
        looking = group.create_task(adapter.look_out(slow.heed))
        receiving = group.create_task(adapter.receive(slow.accept, ""))
        yield receiving
        receiving.cancel()
        looking.cancel()
    await adapter.close()


async def test_a_stop_is_seen_behind_a_message_that_hangs(
    server: Server, ann: tuple[Chat, Person]
) -> None:
    """Within a second, once; and then it is handed over like everything else."""
    slow = Slow()
    async with online(server, slow):
        server.say(*ann, "question")
        await asyncio.sleep(0.05)
        server.say(*ann, "/stop")
        await server.wait_for(lambda: slow.heeded, timeout=0.9)
        await asyncio.sleep(0.6)
        assert slow.heeded == ["/stop"]
        assert slow.taken == []
        slow.go_on.set()
        await server.wait_for(lambda: len(slow.taken) == 2, timeout=5)
    assert slow.taken == ["question", "/stop"]
    assert slow.heeded == ["/stop"]


async def test_nothing_is_confirmed_by_looking(server: Server, ann: tuple[Chat, Person]) -> None:
    """A daemon that dies meanwhile gets all of it again."""
    slow, next_one = Slow(), Slow()
    next_one.go_on.set()
    async with online(server, slow):
        server.say(*ann, "question")
        await asyncio.sleep(0.05)
        server.say(*ann, "/stop")
        await server.wait_for(lambda: slow.heeded, timeout=2)
    async with online(server, next_one):
        await server.wait_for(lambda: len(next_one.taken) == 2, timeout=5)
    assert next_one.taken == ["question", "/stop"]


async def test_it_goes_on_when_nobody_receives(server: Server, ann: tuple[Chat, Person]) -> None:
    """A daemon that drains hears a stop, and one whose acceptance was cut off as well."""
    slow = Slow()
    async with online(server, slow) as receiving:
        server.say(*ann, "/stop at once")
        await asyncio.sleep(0.05)
        receiving.cancel()
        await server.wait_for(lambda: slow.heeded == ["/stop at once"], timeout=2)
        await asyncio.sleep(1.2)  # Telegram holds a look at nothing new for three seconds
        server.say(*ann, "/stop later")
        await server.wait_for(lambda: slow.heeded[1:] == ["/stop later"], timeout=0.9)


async def test_it_does_not_look_while_all_is_well(server: Server, ann: tuple[Chat, Person]) -> None:
    slow = Slow()
    slow.go_on.set()
    async with online(server, slow):
        server.say(*ann, "question")
        await server.wait_for(lambda: slow.taken)
        polls = len(server.calls("getUpdates"))
        await asyncio.sleep(0.7)
        assert len(server.calls("getUpdates")) - polls <= 1
    assert slow.heeded == []


async def test_it_makes_room_for_another_daemon(server: Server, ann: tuple[Chat, Person]) -> None:
    """Somebody else receives now: who only drains does not disturb them again."""
    slow = Slow()
    async with online(server, slow) as receiving:
        await server.wait_for(lambda: server.calls("getUpdates"))
        receiving.cancel()
        server.fault(Refuse(409, CONFLICT), "getUpdates", times=1)
        await server.wait_for(lambda: any(c.status == 409 for c in server.calls("getUpdates")))
        polls = len(server.calls("getUpdates"))
        await asyncio.sleep(0.7)
        assert len(server.calls("getUpdates")) == polls
