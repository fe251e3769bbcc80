"""The real daemon under Telegram's limits, in real time: refusals, finals, penalties."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from daemon.stage import Stage
from strict_ollama import Answer, Body, Step, StrictOllama, Text
from strict_ollama.engine import Settings
from strict_telegram import Chat, Person

WORDS = 200
RATE = 50.0
"""Words a second."""
LATE = 1.1
"""Seconds after its stream ended, or the platform takes it, until a final is shown."""


ROOMS = 8
"""Streams that the model host serves at once."""


@pytest.fixture
async def ollama() -> AsyncIterator[StrictOllama]:
    async with StrictOllama(settings=Settings(parallel=ROOMS)) as server:
        yield server


def stream(body: Body) -> Answer:
    """Answer every question with as many words, as a model of some size does."""
    steps: list[Step] = [Text(f"word{n} ", delay=1 / RATE) for n in range(WORDS)]
    return steps


def people(stage: Stage, count: int) -> list[tuple[Chat, Person]]:
    """Make owners, each with a private chat; before the daemon starts."""
    found = []
    for number in range(count):
        person = stage.telegram.person(100 + number, f"Person {number}")
        found.append((stage.telegram.private_chat(person), person))
    owners = ",".join(f"telegram:{person.id}" for _, person in found)
    stage.environment["NAVI_OWNERS"] = owners
    stage.environment["OLLAMA_PARALLEL"] = str(ROOMS)
    return found


def final_at(stage: Stage, chat: Chat) -> float:
    """Return when a chat showed its whole answer, 0.0 if it does not yet."""
    shown = stage.telegram.last(chat)
    if shown is None or not shown.outgoing or not shown.versions:
        return 0.0
    version = shown.versions[-1]
    whole = f"word{WORDS - 1}" in version.content.text and "⏱" in version.content.text
    return version.at if whole else 0.0


async def all_final(stage: Stage, chats: list[Chat], within: float) -> dict[int, float]:
    """Wait until every chat shows its whole answer; return when each did."""
    await stage.telegram.wait_for(lambda: all(final_at(stage, c) for c in chats), timeout=within)
    return {chat.id: final_at(stage, chat) for chat in chats}


async def test_eight_rooms_stream_within_strict_windows(stage: Stage) -> None:
    """Not one call is refused, and each final stands there as soon as its stream has ended."""
    stage.telegram.set_limits("sliding")
    stage.plays(stream)
    rooms = people(stage, ROOMS)
    async with stage.start() as daemon:
        await daemon.ready()
        for chat, person in rooms:
            stage.telegram.say(chat, person, "tell me")
            await asyncio.sleep(0.1)
        shown = await all_final(stage, [chat for chat, _ in rooms], within=30)
    assert stage.telegram.flooded() == []
    last = max(call.ended for call in stage.ollama.chats)
    assert max(shown.values()) - last <= LATE
    assert len(stage.telegram.calls("edit*")) >= ROOMS * 3


async def test_a_penalty_is_waited_out_and_holds_no_other_room(stage: Stage) -> None:
    """Harsh: a call during it would double it. The final is the first call after it."""
    stage.telegram.set_limits("harsh")
    stage.plays(stream)
    rooms = people(stage, 3)
    (punished, _), *others = rooms
    async with stage.start() as daemon:
        await daemon.ready()
        for chat, person in rooms:
            stage.telegram.say(chat, person, "tell me")
        await stage.telegram.wait_for(lambda: stage.telegram.calls("edit*", punished), timeout=10)
        stage.telegram.punish(punished, 8.0)
        shown = await all_final(stage, [chat for chat, _ in rooms], within=30)
    refused = stage.telegram.flooded()
    assert [call.chat for call in refused] == [punished.id]
    over = refused[0].started + 8.0
    assert not [
        call
        for call in stage.telegram.calls("*", punished)
        if refused[0].started < call.started < over
    ]
    assert 0.0 <= shown[punished.id] - over <= LATE
    last = max(call.ended for call in stage.ollama.chats)
    assert all(shown[chat.id] - last <= LATE for chat, _ in others)
