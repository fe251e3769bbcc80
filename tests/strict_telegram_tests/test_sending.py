"""sendMessage: parsing, lengths, entities, keyboards, replies, topics."""

import json
from typing import Any

import pytest
from strict_telegram import Chat, Person, Server
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, MessageEntity, ReplyParameters
from telegram.error import BadRequest

PARSE = "Bad Request: can't parse entities: "
REPLY_GONE = "message to be replied not found"


async def _refused(raw: Any, **params: Any) -> str:
    answer = await raw("sendMessage", **({"chat_id": 5} | params))
    assert answer.status == 400, answer.body
    return str(answer.description)


@pytest.mark.parametrize(
    ("mode", "text", "problem"),
    [
        ("MarkdownV2", "*x", "Can't find end of Bold entity at byte offset 0"),
        ("MarkdownV2", "hello.", "Character '.' is reserved and must be escaped"),
        ("MarkdownV2", "a - b", "Character '-' is reserved and must be escaped"),
        ("Markdown", "a_b", "Can't find end of the entity starting at byte offset 1"),
        ("HTML", "<foo>x</foo>", 'Unsupported start tag "foo" at byte offset 0'),
        ("HTML", "a < b", 'Unsupported start tag "" at byte offset 2'),
        ("HTML", "<b>x</i>", 'Unmatched end tag at byte offset 4, expected "</b>", found "</i>"'),
        ("HTML", "<i>x", 'Can\'t find end tag corresponding to start tag "i"'),
    ],
)
async def test_markup_that_does_not_parse(
    server: Server, chat: Chat, raw: Any, mode: str, text: str, problem: str
) -> None:
    """real-parts §3: TDLib's own refusals, prefixed and lowered."""
    assert (await _refused(raw, text=text, parse_mode=mode)).startswith(PARSE + problem)
    assert server.visible_texts(chat) == []


@pytest.mark.parametrize(
    ("params", "description"),
    [
        ({"text": ""}, "message text is empty"),
        ({}, "message text is empty"),
        ({"text": "  \n "}, "text must be non-empty"),
        ({"text": "\u200b"}, "text must be non-empty"),
        ({"text": "<b></b>", "parse_mode": "HTML"}, "text must be non-empty"),
        ({"text": "x" * 4097}, "message is too long"),
        ({"text": "😀" * 4096}, "MESSAGE_TOO_LONG"),
        ({"text": "ы" * 16385}, "text is too long"),
        ({"text": "x", "parse_mode": "RST"}, "unsupported parse_mode"),
        ({"text": "x", "chat_id": ""}, "chat_id is empty"),
        ({"text": "x", "chat_id": 404}, "chat not found"),
        ({"text": "x", "chat_id": "@nobody"}, "chat not found"),
        ({"text": "x", "chat_id": "nonsense"}, "chat not found"),
        ({"text": "x", "message_thread_id": 9}, "message thread not found"),
        ({"text": "x", "reply_parameters": {"message_id": 77}}, REPLY_GONE),
        ({"text": "x", "reply_to_message_id": 77}, REPLY_GONE),
        ({"text": "x", "reply_parameters": "{"}, "can't parse reply parameters JSON object"),
    ],
)
async def test_refusals_and_their_texts(
    chat: Chat, raw: Any, params: dict[str, Any], description: str
) -> None:
    """real-parts §3, texts."""
    assert await _refused(raw, **params) == f"Bad Request: {description}"


async def test_length_counts_after_parsing(server: Server, chat: Chat, bot: Bot) -> None:
    """real-parts §3: 4096 characters after parsing; markup is free."""
    text = "<b>" + "x" * 4096 + "</b>"
    message = await bot.send_message(5, text, parse_mode="HTML")
    assert message.text == "x" * 4096
    with pytest.raises(BadRequest, match="Message is too long"):
        await bot.send_message(5, "x" * 4097)


@pytest.mark.parametrize(
    ("text", "entities", "problem"),
    [
        ("hello", [("bold", 0, 50)], "ends after the end of the text at UTF-16 offset 50"),
        ("hello", [("bold", 9, 5)], "entity begins after the end of the text"),
        ("hello", [("bold", -1, 5)], "receive an entity with incorrect offset -1"),
        ("hello", [("bold", 1, -5)], "receive an entity with incorrect length -5"),
        ("😀hello", [("bold", 1, 3)], "entity begins in a middle of a UTF-16 symbol"),
        ("😀hello", [("bold", 0, 1)], "ends in a middle of a UTF-16 symbol"),
        ("hello", [("marquee", 0, 1)], "can't parse MessageEntity: Unsupported type specified"),
    ],
)
async def test_entities_that_do_not_fit(
    chat: Chat, raw: Any, text: str, entities: list[tuple[str, int, int]], problem: str
) -> None:
    """Offsets are UTF-16 units; TDLib words what is wrong with them."""
    wired = [{"type": kind, "offset": at, "length": length} for kind, at, length in entities]
    assert problem in await _refused(raw, text=text, entities=wired)


async def test_links_must_be_urls(chat: Chat, raw: Any) -> None:
    """platform §6.1: relative link targets are refused."""
    entity = {"type": "text_link", "offset": 0, "length": 3, "url": "nourl"}
    found = await _refused(raw, text="hello", entities=[entity])
    assert found == "Bad Request: entity URL 'nourl' is invalid: Wrong HTTP URL"


async def test_entities_are_sorted_split_and_nested(chat: Chat, bot: Bot) -> None:
    given = [MessageEntity("bold", 5, 6), MessageEntity("italic", 0, 8)]
    message = await bot.send_message(5, "hello world", entities=given)
    assert [(entity.type, entity.offset, entity.length) for entity in message.entities] == [
        ("italic", 0, 5),
        ("bold", 5, 6),
        ("italic", 5, 3),
    ]


async def test_code_swallows_what_is_inside(chat: Chat, bot: Bot) -> None:
    given = [MessageEntity("code", 0, 11), MessageEntity("bold", 0, 5)]
    message = await bot.send_message(5, "hello world", entities=given)
    assert [entity.type for entity in message.entities] == ["code"]


async def test_only_a_hundred_entities_are_kept(chat: Chat, bot: Bot) -> None:
    """platform §1.4: entities beyond 100 are ignored."""
    given = [MessageEntity("bold", 2 * number, 1) for number in range(150)]
    message = await bot.send_message(5, "ab" * 150, entities=given)
    assert len(message.entities) == 100


async def test_telegram_finds_links_and_commands_by_itself(chat: Chat, bot: Bot) -> None:
    message = await bot.send_message(5, "see https://example.org and /stop, `ya.ru`")
    assert [(entity.type, message.parse_entity(entity)) for entity in message.entities] == [
        ("url", "https://example.org"),
        ("bot_command", "/stop"),
        ("url", "ya.ru"),
    ]
    quoted = await bot.send_message(5, "`ya.ru`", parse_mode="MarkdownV2")
    assert [entity.type for entity in quoted.entities] == ["code"]


async def test_ends_are_trimmed_and_offsets_follow(chat: Chat, bot: Bot) -> None:
    given = [MessageEntity("bold", 4, 3)]
    message = await bot.send_message(5, "\n\n  mid\r\n ", entities=given)
    assert message.text == "mid"
    assert [(entity.offset, entity.length) for entity in message.entities] == [(0, 3)]


async def test_parse_mode_goes_before_entities(chat: Chat, raw: Any) -> None:
    entity = {"type": "bold", "offset": 0, "length": 1}
    answer = await raw(
        "sendMessage", chat_id=5, text="<i>x</i>", parse_mode="HTML", entities=[entity]
    )
    assert [entity["type"] for entity in answer.result["entities"]] == ["italic"]


async def test_mentions_of_strangers_are_dropped(server: Server, chat: Chat, bot: Bot) -> None:
    text = '<a href="tg://user?id=5">Ann</a> <a href="tg://user?id=909">Eve</a>'
    message = await bot.send_message(5, text, parse_mode="HTML")
    assert [entity.user.id for entity in message.entities if entity.user] == [5]


def _keyboard(**button: Any) -> str:
    return json.dumps({"inline_keyboard": [[button]]})


@pytest.mark.parametrize(
    ("markup", "description"),
    [
        ("{", "can't parse reply keyboard markup JSON object"),
        ("[]", "object expected as reply markup"),
        (
            '{"inline_keyboard": 5}',
            'field "inline_keyboard" of the InlineKeyboardMarkup must be an Array',
        ),
        (
            '{"inline_keyboard": [5]}',
            'field "inline_keyboard" of the InlineKeyboardMarkup must be an Array of Arrays',
        ),
        (
            _keyboard(text="plain"),
            "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard",
        ),
        (
            _keyboard(text="x", callback_data=""),
            "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard",
        ),
        (_keyboard(text="x", callback_data="d" * 65), "BUTTON_DATA_INVALID"),
        (_keyboard(text="x", callback_data="ы" * 33), "BUTTON_DATA_INVALID"),
        (_keyboard(text=" ", callback_data="d"), "BUTTON_TEXT_INVALID"),
    ],
)
async def test_keyboards_that_are_refused(
    chat: Chat, raw: Any, markup: str, description: str
) -> None:
    """platform §1.3: callback_data is 1 to 64 bytes; trust F14."""
    assert await _refused(raw, text="x", reply_markup=markup) == f"Bad Request: {description}"


async def test_callback_data_of_64_bytes_fits(server: Server, chat: Chat, bot: Bot) -> None:
    button = InlineKeyboardButton("Да", callback_data="ы" * 32)
    message = await bot.send_message(5, "x", reply_markup=InlineKeyboardMarkup([[button]]))
    assert message.reply_markup is not None
    assert message.reply_markup.inline_keyboard[0][0].callback_data == "ы" * 32


async def test_reply_shows_what_it_answers(
    server: Server, chat: Chat, ann: Person, bot: Bot
) -> None:
    asked = server.say(chat, ann, "what time is it?")
    answer = await bot.send_message(5, "noon", reply_parameters=ReplyParameters(asked.id))
    assert answer.reply_to_message is not None
    assert answer.reply_to_message.text == "what time is it?"
    assert answer.reply_to_message.from_user is not None
    assert answer.reply_to_message.from_user.id == ann.id


async def test_reply_to_a_deleted_message_goes_out_when_allowed(
    server: Server, chat: Chat, ann: Person, bot: Bot
) -> None:
    asked = server.say(chat, ann, "never mind")
    server.delete(asked)
    with pytest.raises(BadRequest, match="Message to be replied not found"):
        await bot.send_message(5, "x", reply_parameters=ReplyParameters(asked.id))
    lenient = ReplyParameters(asked.id, allow_sending_without_reply=True)
    assert (await bot.send_message(5, "x", reply_parameters=lenient)).reply_to_message is None
