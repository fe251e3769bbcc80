"""The history that checkers read."""

import asyncio

import pytest
from strict_telegram import Chat, Person, Reset, Server
from telegram import Bot
from telegram.error import BadRequest, NetworkError


async def test_every_call_is_on_record(server: Server, chat: Chat, bot: Bot) -> None:
    message = await bot.send_message(5, "one")
    with pytest.raises(BadRequest):
        await bot.edit_message_text("x", 5, 999)
    await message.edit_text("two")
    kept = [(call.method, call.status, call.outcome) for call in server.calls("*message*", chat)]
    assert kept == [
        ("sendmessage", 200, "ok"),
        ("editmessagetext", 400, "refused"),
        ("editmessagetext", 200, "ok"),
    ]
    first, refused, _ = server.calls("*message*")
    assert first.result["text"] == "one"
    assert refused.description == "Bad Request: message to edit not found"
    assert first.ended is not None
    assert first.started <= first.ended <= refused.started


async def test_the_token_is_not_on_record(server: Server, chat: Chat, bot: Bot) -> None:
    await bot.send_message(5, "one")
    assert all(server.token not in repr(call) for call in server.calls())


async def test_visible_texts_are_what_stands_there(
    server: Server, chat: Chat, ann: Person, bot: Bot
) -> None:
    server.say(chat, ann, "hello")
    gone = await bot.send_message(5, "gone")
    await (await bot.send_message(5, "draft")).edit_text("final")
    await gone.delete()
    assert server.visible_texts(chat) == ["final"]
    assert server.visible_texts(chat, by_bot=False) == ["hello", "final"]
    assert [message.visible for message in server.messages(chat)] == [False, True]


async def test_wait_for_returns_what_it_waited_for(server: Server, chat: Chat, bot: Bot) -> None:
    waiting = asyncio.ensure_future(server.wait_for(lambda: server.visible_texts(chat)))
    await asyncio.sleep(0)
    await bot.send_message(5, "there")
    assert await waiting == ["there"]


async def test_wait_for_says_what_happened_instead(server: Server, chat: Chat, bot: Bot) -> None:
    server.fault(Reset(), "sendMessage")
    with pytest.raises(NetworkError):
        await bot.send_message(5, "x")
    with pytest.raises(TimeoutError, match="sendmessage dropped"):
        await server.wait_for(lambda: server.visible_texts(chat), timeout=0.02)
