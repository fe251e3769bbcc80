"""Edits and deletions: whose, which, when, and what is kept of them."""

from typing import Any

import pytest
from strict_telegram import Chat, Person, Server
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup
from telegram.error import BadRequest

STOP = InlineKeyboardMarkup([[InlineKeyboardButton("Stop", callback_data="stop")]])
BOLD_HTML = {"text": "<b>x</b>", "parse_mode": "HTML"}
BOLD_MARKDOWN = {"text": "*x*", "parse_mode": "MarkdownV2"}
NOT_MODIFIED = (
    "Bad Request: message is not modified: specified new message content and reply markup are "
    "exactly the same as a current content and reply markup of the message"
)


async def test_edit_changes_what_people_see_and_keeps_versions(
    server: Server, chat: Chat, bot: Bot
) -> None:
    message = await bot.send_message(5, "one")
    edited = await message.edit_text("two")
    assert not isinstance(edited, bool)
    assert (edited.message_id, edited.text) == (message.message_id, "two")
    assert edited.edit_date is not None
    assert server.visible_texts(chat) == ["two"]
    (shown,) = server.messages(chat)
    assert [version.content.text for version in shown.versions] == ["one", "two"]
    assert shown.versions[0].at < shown.versions[1].at


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ({"text": "x"}, {"text": "x"}, True),
        ({"text": "x"}, {"text": " x "}, True),
        (BOLD_HTML, BOLD_MARKDOWN, True),
        ({"text": "x"}, BOLD_MARKDOWN, False),
        ({"text": "x"}, {"text": "x", "reply_markup": STOP.to_dict()}, False),
        ({"text": "x", "reply_markup": STOP.to_dict()}, {"text": "x"}, False),
    ],
)
async def test_equal_content_is_not_modified(
    chat: Chat, raw: Any, first: dict[str, Any], second: dict[str, Any], same: bool
) -> None:
    """real-parts §3: content after parsing and keyboard are compared."""
    sent = await raw("sendMessage", chat_id=5, **first)
    ids = {"chat_id": 5, "message_id": sent.result["message_id"]}
    answer = await raw("editMessageText", **ids, **second)
    assert (answer.description == NOT_MODIFIED) is same
    assert (answer.status == 200) is not same


async def test_edit_without_a_keyboard_takes_it_away(server: Server, chat: Chat, bot: Bot) -> None:
    message = await bot.send_message(5, "one", reply_markup=STOP)
    await message.edit_text("two")
    assert server.messages(chat)[0].buttons == []


async def test_keyboard_alone_can_be_edited(server: Server, chat: Chat, bot: Bot) -> None:
    message = await bot.send_message(5, "one")
    await message.edit_reply_markup(STOP)
    assert [button["text"] for button in server.messages(chat)[0].buttons] == ["Stop"]
    await message.edit_reply_markup(None)
    with pytest.raises(BadRequest, match="Message is not modified"):
        await message.edit_reply_markup(None)


async def test_deleted_message_cannot_be_edited(server: Server, chat: Chat, bot: Bot) -> None:
    """trust §4: the live message was deleted while editing."""
    message = await bot.send_message(5, "one")
    server.delete(server.messages(chat)[0])
    with pytest.raises(BadRequest, match="Message to edit not found"):
        await message.edit_text("two")
    assert server.visible_texts(chat) == []


@pytest.mark.parametrize(
    ("params", "description"),
    [
        ({"chat_id": 5, "message_id": 999, "text": "x"}, "message to edit not found"),
        ({"chat_id": 5, "text": "x"}, "message to edit not found"),
        ({"text": "x"}, "message identifier is not specified"),
        ({"chat_id": 404, "message_id": 1, "text": "x"}, "chat not found"),
        ({"chat_id": 5, "message_id": 999, "text": ""}, "message text is empty"),
    ],
)
async def test_edits_of_nothing(
    chat: Chat, raw: Any, params: dict[str, Any], description: str
) -> None:
    assert (await raw("editMessageText", **params)).description == f"Bad Request: {description}"


async def test_only_own_messages_can_be_edited(
    server: Server, ann: Person, chat: Chat, bot: Bot
) -> None:
    """Neither a person's nor another bot's message is ours to change."""
    group = server.group("A", [ann])
    other = server.other_bot(77, "Other", "other_bot")
    for where, who in ((chat, ann), (group, ann), (group, other)):
        theirs = server.say(where, who, "mine")
        with pytest.raises(BadRequest, match="Message can't be edited"):
            await bot.edit_message_text("stolen", where.id, theirs.id)
        assert theirs.text == "mine"


async def test_media_have_captions_and_texts_have_none(
    server: Server, chat: Chat, bot: Bot
) -> None:
    media = await bot.send_document(5, b"data", filename="a.txt", caption="one")
    text = await bot.send_message(5, "text")
    await media.edit_caption("two")
    assert server.visible_texts(chat) == ["two", "text"]
    with pytest.raises(BadRequest, match="There is no text in the message to edit"):
        await media.edit_text("x")
    with pytest.raises(BadRequest, match="There is no caption in the message to edit"):
        await text.edit_caption("x")


async def test_edits_are_parsed_and_measured_like_sends(chat: Chat, raw: Any) -> None:
    sent = await raw("sendMessage", chat_id=5, text="x")
    ids = {"chat_id": 5, "message_id": sent.result["message_id"]}
    long = await raw("editMessageText", **ids, text="x" * 4097)
    assert long.description == "Bad Request: message is too long"
    broken = await raw("editMessageText", **ids, text="*x", parse_mode="MarkdownV2")
    assert broken.description.startswith("Bad Request: can't parse entities")


async def test_own_messages_can_be_edited_at_any_age(server: Server, chat: Chat, bot: Bot) -> None:
    """platform §1.4: no age limit for a bot's own messages."""
    message = await bot.send_message(5, "old")
    server.world.clock.advance(30 * 86_400)
    await message.edit_text("new")
    assert server.visible_texts(chat) == ["new"]


async def test_channel_posts_of_the_bot_can_be_edited(server: Server, bot: Bot) -> None:
    channel = server.channel("News")
    post = await bot.send_message(channel.id, "one")
    assert post.from_user is None
    assert post.sender_chat is not None
    await post.edit_text("two")
    assert server.visible_texts(channel) == ["two"]


async def test_deleting_takes_the_message_away(server: Server, chat: Chat, bot: Bot) -> None:
    message = await bot.send_message(5, "one")
    assert await message.delete()
    assert server.visible_texts(chat) == []
    with pytest.raises(BadRequest, match="Message to delete not found"):
        await message.delete()


async def test_messages_older_than_two_days_stay(server: Server, chat: Chat, bot: Bot) -> None:
    """platform §1.4: deletion within 48 hours."""
    message = await bot.send_message(5, "one")
    server.world.clock.advance(48 * 3600 + 1)
    with pytest.raises(BadRequest, match="Message can't be deleted"):
        await message.delete()


async def test_peoples_messages_in_groups_need_an_admin(
    server: Server, ann: Person, chat: Chat, bot: Bot
) -> None:
    group = server.group("A", [ann])
    theirs = server.say(group, ann, "mine")
    with pytest.raises(BadRequest, match="Message can't be deleted"):
        await bot.delete_message(group.id, theirs.id)
    server.promote(group)
    assert await bot.delete_message(group.id, theirs.id)
    incoming = server.say(chat, ann, "in private the bot may")
    assert await bot.delete_message(5, incoming.id)


async def test_many_are_deleted_and_missing_ones_skipped(
    server: Server, chat: Chat, bot: Bot, raw: Any
) -> None:
    ids = [(await bot.send_message(5, str(number))).message_id for number in range(3)]
    assert await bot.delete_messages(5, [ids[0], 999, ids[2]])
    assert server.visible_texts(chat) == ["1"]
    many = await raw("deleteMessages", chat_id=5, message_ids=list(range(1, 102)))
    assert many.description == "Bad Request: too many message identifiers specified"
    none = await raw("deleteMessages", chat_id=5, message_ids=[])
    assert none.description == "Bad Request: message identifiers are not specified"
