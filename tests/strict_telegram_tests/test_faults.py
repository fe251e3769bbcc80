"""Everything that goes wrong on purpose, and what PTB makes of it."""

import asyncio
import time
from collections import Counter
from typing import Any

import aiohttp
import pytest
from strict_telegram import (
    Broken,
    Chat,
    Fault,
    Hang,
    Person,
    Refuse,
    Reset,
    Server,
    Slow,
    Throttle,
)
from strict_telegram.faults import Action, Chance, Plan
from telegram import Bot
from telegram.error import BadRequest, Forbidden, NetworkError, RetryAfter, TimedOut


@pytest.mark.parametrize(
    ("action", "raised", "arrives", "outcome"),
    [
        (Throttle(7), RetryAfter, False, "refused"),
        (Broken(502), NetworkError, False, "refused"),
        (Broken(500), NetworkError, False, "refused"),
        (Broken(500, after=True), NetworkError, True, "refused"),
        (Reset(), NetworkError, False, "dropped"),
        (Reset(after=True), NetworkError, True, "dropped"),
        (Hang(), TimedOut, False, "running"),
        (Hang(after=True), TimedOut, True, "running"),
        (Refuse(403, "Forbidden: by script"), Forbidden, False, "refused"),
    ],
)
async def test_each_fault_and_its_effect(
    server: Server,
    chat: Chat,
    bot: Bot,
    action: Any,
    raised: type[Exception],
    arrives: bool,
    outcome: str,
) -> None:
    """`after` means: the message stands in the chat, but the caller never learns it."""
    server.fault(action, "sendMessage")
    with pytest.raises(raised):
        await bot.send_message(5, "x", read_timeout=0.15)
    assert server.visible_texts(chat) == (["x"] if arrives else [])
    (call,) = server.calls("sendMessage")
    assert (call.applied, call.outcome) == (arrives, outcome)
    await bot.send_message(5, "again")
    assert server.visible_texts(chat)[-1] == "again"


async def test_a_reset_is_seen_at_once(
    server: Server, chat: Chat, session: aiohttp.ClientSession
) -> None:
    """aiohttp repeats a GET by itself, so this is a POST."""
    server.fault(Reset())
    started = time.monotonic()
    with pytest.raises(aiohttp.ClientError):
        await session.post(f"{server.url}/bot{server.token}/getMe")
    assert time.monotonic() - started < 1


async def test_broken_answers_are_html(server: Server, session: aiohttp.ClientSession) -> None:
    server.fault(Broken(502), "getMe")
    async with session.get(f"{server.url}/bot{server.token}/getMe") as response:
        assert (response.status, response.content_type) == (502, "text/html")


async def test_refused_connections_and_back(server: Server, chat: Chat, bot: Bot) -> None:
    port = server.port
    await server.refuse_connections()
    with pytest.raises(NetworkError):
        await bot.send_message(5, "x")
    await server.accept_connections()
    assert server.port == port
    await bot.send_message(5, "y")
    assert server.visible_texts(chat) == ["y"]


async def test_an_outage_ends_a_waiting_poll(server: Server, bot: Bot) -> None:
    poll = asyncio.ensure_future(bot.get_updates(timeout=30))
    await server.wait_for(lambda: server.calls("getUpdates"))
    await server.refuse_connections()
    with pytest.raises(NetworkError):
        await asyncio.wait_for(poll, 2)


async def test_updates_outlive_an_outage(server: Server, chat: Chat, ann: Person, bot: Bot) -> None:
    await server.refuse_connections()
    server.say(chat, ann, "while you were out")
    await server.accept_connections()
    (update,) = await bot.get_updates()
    assert update.message is not None
    assert update.message.text == "while you were out"


async def test_slow_answers_are_slow_before_or_after(server: Server, chat: Chat, bot: Bot) -> None:
    server.fault(Slow(before=0.05, after=0.05), "sendMessage")
    started = time.monotonic()
    await bot.send_message(5, "x")
    shown = server.messages(chat)[0].versions[0].at - server.calls("sendMessage")[0].started
    assert 0.05 <= shown < 0.1 <= time.monotonic() - started


async def test_latency_is_paid_by_every_call(server: Server, bot: Bot) -> None:
    server.set_load(latency=(0.02, 0.02))
    started = time.monotonic()
    await bot.get_me()
    assert time.monotonic() - started >= 0.04
    server.heal()
    assert server.front.latency == (0.0, 0.0)


async def test_the_live_message_vanishes_between_two_edits(
    server: Server, chat: Chat, bot: Bot
) -> None:
    message = await bot.send_message(5, "1")
    await message.edit_text("2")
    shown = server.last(chat)
    assert shown is not None
    server.delete(shown)
    with pytest.raises(BadRequest, match="Message to edit not found"):
        await message.edit_text("3")


async def test_faults_end_by_themselves(server: Server, chat: Chat, raw: Any) -> None:
    server.fault(Broken(502), "sendMessage", times=None, seconds=10)
    with pytest.raises(aiohttp.ContentTypeError):
        await raw("sendMessage", chat_id=5, text="x")
    server.world.clock.advance(11)
    assert (await raw("sendMessage", chat_id=5, text="x")).status == 200


def _hits(fault: Fault, calls: list[tuple[str, dict[str, str]]]) -> list[int]:
    return [n for n, (method, params) in enumerate(calls, 1) if fault.hit(method, params, 0.0)]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, [1]),
        ({"nth": 3}, [3]),
        ({"nth": 2, "times": 2}, [2, 3]),
        ({"times": None}, [1, 2, 3, 4, 6]),
        ({"method": "editMessage*", "times": None}, [3, 4]),
        ({"method": "GETUPDATES"}, [5]),
        ({"chat": 6, "times": None}, [2]),
        ({"text": "needle", "times": None}, [4, 6]),
    ],
)
def test_a_fault_hits_whom_it_names(fields: dict[str, Any], expected: list[int]) -> None:
    calls: list[tuple[str, dict[str, str]]] = [
        ("sendmessage", {"chat_id": "5"}),
        ("sendmessage", {"chat_id": "6"}),
        ("editmessagetext", {"chat_id": "5"}),
        ("editmessagetext", {"chat_id": "5", "text": "a needle"}),
        ("getupdates", {}),
        ("senddocument", {"chat_id": "5", "caption": "needle"}),
    ]
    assert _hits(Fault(Throttle(1), **fields), calls) == expected


def test_random_faults_follow_seed_and_rate() -> None:
    rates: list[tuple[Action, float]] = [(Throttle(1), 0.1), (Reset(after=True), 0.2)]

    def drawn(seed: int) -> list[object]:
        plan = Plan(chance=Chance(seed, rates))
        return [plan.choose("sendmessage", {}, 0.0) for _ in range(2000)]

    assert drawn(1) == drawn(1) != drawn(2)
    counted = Counter(drawn(3))
    assert 150 < counted[Throttle(1)] < 250
    assert 340 < counted[Reset(after=True)] < 460
    assert Plan(chance=Chance(1, [(Throttle(1), 1.0)])).choose("getupdates", {}, 0.0) is None


async def test_closing_the_server_does_not_wait_for_hanging_calls() -> None:
    started = time.monotonic()
    async with Server() as server, aiohttp.ClientSession() as session:
        server.fault(Hang())
        url = f"{server.url}/bot{server.token}"
        hanging = [
            asyncio.ensure_future(session.get(f"{url}/getMe")),
            asyncio.ensure_future(session.get(f"{url}/getUpdates?timeout=50")),
        ]
        await server.wait_for(lambda: len(server.calls()) == 2)
    assert time.monotonic() - started < 2
    results = await asyncio.gather(*hanging, return_exceptions=True)
    assert all(isinstance(result, aiohttp.ClientError) for result in results)
