"""Presses, reactions and the list of commands."""

from typing import Any

import pytest
from strict_telegram import Chat, Message, Person, Server
from telegram import (
    Bot,
    BotCommand,
    BotCommandScopeChat,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
)
from telegram.error import BadRequest

STOP = InlineKeyboardMarkup([[InlineKeyboardButton("Stop", callback_data="stop")]])
TOO_OLD = "Query is too old and response timeout expired or query id is invalid"


async def _live(server: Server, chat: Chat, bot: Bot) -> Message:
    await bot.send_message(chat.id, "working", reply_markup=STOP)
    shown = server.last(chat)
    assert shown is not None
    return shown


@pytest.mark.parametrize("named", ["Stop", "stop"])
async def test_press_reaches_the_bot_and_its_answer_the_person(
    server: Server, chat: Chat, ann: Person, bot: Bot, named: str
) -> None:
    press = server.press(await _live(server, chat, bot), named, ann)
    (update,) = await bot.get_updates()
    query = update.callback_query
    assert query is not None
    assert (query.data, query.from_user.id) == ("stop", 5)
    assert query.message is not None
    assert query.message.message_id == press.message.id
    await query.answer("Stopped", show_alert=True)
    assert (press.answered, press.text, press.alert) == (True, "Stopped", True)


async def test_buttons_that_are_not_shown_cannot_be_pressed(
    server: Server, chat: Chat, ann: Person, bot: Bot
) -> None:
    """A person can press only what stands there now; a forger anything."""
    shown = await _live(server, chat, bot)
    with pytest.raises(LookupError):
        server.press(shown, "Approve", ann)
    await bot.edit_message_text("done", 5, shown.id)
    with pytest.raises(LookupError):
        server.press(shown, "Stop", ann)
    server.forge(shown, "approve:everything", ann)
    (update,) = await bot.get_updates()
    assert update.callback_query is not None
    assert update.callback_query.data == "approve:everything"


async def test_a_press_on_a_deleted_message_is_inaccessible(
    server: Server, chat: Chat, ann: Person, bot: Bot
) -> None:
    shown = await _live(server, chat, bot)
    server.delete(shown)
    server.forge(shown, "stop", ann)
    (update,) = await bot.get_updates()
    assert update.callback_query is not None
    assert update.callback_query.message is not None
    assert not update.callback_query.message.is_accessible


@pytest.mark.parametrize("case", ["unknown", "twice", "late"])
async def test_presses_are_answered_once_and_in_time(
    server: Server, chat: Chat, ann: Person, bot: Bot, case: str
) -> None:
    """real-parts §3: one text for too old, answered and unknown."""
    press = server.press(await _live(server, chat, bot), "Stop", ann)
    if case == "twice":
        await bot.answer_callback_query(press.id)
    if case == "late":
        server.world.clock.advance(16)
    with pytest.raises(BadRequest, match=TOO_OLD):
        await bot.answer_callback_query("123" if case == "unknown" else press.id)


async def test_answers_are_short(server: Server, chat: Chat, ann: Person, bot: Bot) -> None:
    press = server.press(await _live(server, chat, bot), "Stop", ann)
    with pytest.raises(BadRequest, match="Message_too_long"):
        await bot.answer_callback_query(press.id, "x" * 201)
    assert await bot.answer_callback_query(press.id, "x" * 200)


async def test_presses_are_forgotten_sooner_than_messages(
    server: Server, chat: Chat, ann: Person, bot: Bot
) -> None:
    """The Bot API server keeps a callback query for 150 s only."""
    server.press(await _live(server, chat, bot), "Stop", ann)
    server.world.clock.advance(151)
    assert await bot.get_updates() == ()


async def test_reactions_are_set_replaced_and_taken_back(
    server: Server, chat: Chat, ann: Person, bot: Bot
) -> None:
    asked = server.say(chat, ann, "hi")
    for emoji in ("👍", "❤", "👨‍💻"):
        assert await bot.set_message_reaction(5, asked.id, emoji)
        assert asked.reactions == {bot.id: emoji}
    assert await bot.set_message_reaction(5, asked.id, None)
    assert asked.reactions == {}


@pytest.mark.parametrize(
    ("reaction", "description"),
    [
        ([{"type": "emoji", "emoji": "✅"}], "REACTION_INVALID"),
        ([{"type": "emoji", "emoji": "🚗"}], "REACTION_INVALID"),
        ([{"type": "paid"}], "REACTION_INVALID"),
        (
            [{"type": "emoji", "emoji": "👍"}, {"type": "emoji", "emoji": "🔥"}],
            "REACTIONS_TOO_MANY",
        ),
    ],
)
async def test_reactions_are_from_a_fixed_set(
    server: Server, chat: Chat, ann: Person, raw: Any, reaction: Any, description: str
) -> None:
    """platform §1.3: one reaction per bot, not paid, only the free emoji."""
    asked = server.say(chat, ann, "hi")
    answer = await raw("setMessageReaction", chat_id=5, message_id=asked.id, reaction=reaction)
    assert answer.description == f"Bad Request: {description}"


async def test_reaction_to_nothing(chat: Chat, raw: Any) -> None:
    answer = await raw("setMessageReaction", chat_id=5, message_id=9, reaction=[])
    assert answer.description == "Bad Request: message to react not found"


async def test_commands_are_kept_per_scope(chat: Chat, bot: Bot) -> None:
    await bot.set_my_commands([BotCommand("stop", "Stop"), BotCommand("help", "Help")])
    await bot.set_my_commands([BotCommand("stop", "Halt")], BotCommandScopeChat(5))
    assert [command.command for command in await bot.get_my_commands()] == ["stop", "help"]
    assert (await bot.get_my_commands(BotCommandScopeChat(5)))[0].description == "Halt"
    await bot.delete_my_commands()
    assert await bot.get_my_commands() == ()


@pytest.mark.parametrize(
    ("command", "description"),
    [
        ({"command": "Stop!", "description": "x"}, "BOT_COMMAND_INVALID"),
        ({"command": "x" * 33, "description": "x"}, "BOT_COMMAND_INVALID"),
        ({"command": "", "description": "x"}, "command name must be non-empty"),
        ({"command": "stop", "description": ""}, "command description must be non-empty"),
        (
            {"command": "stop", "description": "x" * 257},
            "command description length must not exceed 256",
        ),
    ],
)
async def test_commands_are_checked(raw: Any, command: dict[str, str], description: str) -> None:
    answer = await raw("setMyCommands", commands=[command])
    assert answer.description == f"Bad Request: {description}"


async def test_a_hundred_commands_at_most(raw: Any) -> None:
    commands = [{"command": f"c{number}", "description": "x"} for number in range(101)]
    assert (await raw("setMyCommands", commands=commands[:100])).status == 200
    answer = await raw("setMyCommands", commands=commands)
    assert answer.description == "Bad Request: BOT_COMMANDS_TOO_MUCH"
