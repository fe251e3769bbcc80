"""Where messages go: topics, numbers, first contacts, actions, drafts."""

from typing import Any

import pytest
from strict_telegram import Chat, Person, Server
from telegram import Bot, ReplyParameters
from telegram.error import BadRequest, Forbidden


async def test_topics_take_messages_and_general_is_not_named(
    server: Server, ann: Person, bot: Bot
) -> None:
    """platform §1.5: thread id 1 must be omitted."""
    forum = server.group("Work", [ann], forum=True)
    topic = server.topic(forum, "Garden")
    message = await bot.send_message(forum.id, "roses", message_thread_id=topic.id)
    assert (message.message_thread_id, message.is_topic_message) == (topic.id, True)
    general = await bot.send_message(forum.id, "to all")
    assert general.message_thread_id is None
    for wrong in (1, 999):
        with pytest.raises(BadRequest, match="Message thread not found"):
            await bot.send_message(forum.id, "x", message_thread_id=wrong)


async def test_closed_and_deleted_topics_refuse(server: Server, ann: Person, bot: Bot) -> None:
    """trust §4: topic closed or deleted."""
    forum = server.group("Work", [ann], forum=True)
    topic = server.topic(forum, "Garden")
    server.set_topic(topic, closed=True)
    with pytest.raises(BadRequest, match="Topic_closed"):
        await bot.send_message(forum.id, "x", message_thread_id=topic.id)
    server.set_topic(topic, deleted=True)
    with pytest.raises(BadRequest, match="Message thread not found"):
        await bot.send_message(forum.id, "x", message_thread_id=topic.id)


async def test_a_reply_goes_to_the_topic_of_its_message(
    server: Server, ann: Person, bot: Bot
) -> None:
    forum = server.group("Work", [ann], forum=True)
    topic = server.topic(forum, "Garden")
    asked = server.say(forum, ann, "/ask", topic=topic)
    answer = await bot.send_message(forum.id, "x", reply_parameters=ReplyParameters(asked.id))
    assert answer.message_thread_id == topic.id


async def test_the_bot_cannot_begin_a_conversation(server: Server, bot: Bot) -> None:
    stranger = server.person(6, "Bob")
    with pytest.raises(BadRequest, match="Chat not found"):
        await bot.send_message(6, "hi")
    server.private_chat(stranger, started=False)
    with pytest.raises(Forbidden, match="bot can't initiate conversation with a user"):
        await bot.send_message(6, "hi")
    server.say(server.private_chat(stranger), stranger, "/start")
    assert (await bot.send_message(6, "hi")).text == "hi"


async def test_bots_cannot_write_to_bots(server: Server, bot: Bot) -> None:
    server.private_chat(server.other_bot(77, "Other", "other_bot"))
    with pytest.raises(Forbidden, match="bot can't send messages to bots"):
        await bot.send_message(77, "hi")


async def test_message_numbers_follow_telegrams_rules(
    server: Server, chat: Chat, ann: Person, bot: Bot
) -> None:
    """Private chats and groups share numbers; every supergroup counts for itself."""
    group, big = server.group("A", [ann]), server.group("B", [ann], supergroup=True)
    ids = [(await bot.send_message(where, "x")).message_id for where in (5, group.id, 5)]
    assert ids == [ids[0], ids[0] + 1, ids[0] + 2]
    assert (await bot.send_message(big.id, "x")).message_id == 1


@pytest.mark.parametrize("action", ["typing", "upload_document", "TYPING"])
async def test_chat_actions_are_seen(server: Server, chat: Chat, raw: Any, action: str) -> None:
    assert (await raw("sendChatAction", chat_id=5, action=action)).result is True
    assert len(server.typing(chat)) == 1


async def test_unknown_chat_action_is_refused(chat: Chat, raw: Any) -> None:
    answer = await raw("sendChatAction", chat_id=5, action="juggling")
    assert answer.description == "Bad Request: wrong parameter action in request"


async def test_drafts_are_for_private_chats(
    server: Server, chat: Chat, ann: Person, bot: Bot
) -> None:
    """platform §1.1: private only, non-zero id, no message comes of it."""
    assert await bot.send_message_draft(5, draft_id=3, text="thinking")
    assert server.visible_texts(chat) == []
    assert server.world.drafts[0]["text"] == "thinking"
    with pytest.raises(BadRequest, match="Textdraft_peer_invalid"):
        await bot.send_message_draft(server.group("A", [ann]).id, draft_id=3, text="x")
    with pytest.raises(BadRequest):
        await bot.send_message_draft(5, draft_id=0, text="x")
