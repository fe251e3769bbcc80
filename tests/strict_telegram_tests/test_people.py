"""What people do, and what privacy mode lets through."""

from collections.abc import Callable

import pytest
from strict_telegram import Chat, Message, Person, Server
from telegram import Bot, MessageOriginUser
from telegram import Message as BotMessage


async def _newest(bot: Bot) -> BotMessage:
    update = (await bot.get_updates(offset=-1))[0]
    message = update.message or update.channel_post
    assert message is not None
    return message


@pytest.mark.parametrize(
    ("text", "reaches"),
    [
        ("just talking", False),
        ("/stop", True),
        ("/stop@navi_bot now", True),
        ("/stop@NAVI_BOT", True),
        ("/stop@other_bot", False),
        ("well /stop", False),
        ("@navi_bot what now?", True),
        ("ask @Navi_Bot", True),
        ("ask @navi_bottle", False),
        ("mail navi_bot@example.org", False),
    ],
)
async def test_privacy_mode_in_groups(
    server: Server, ann: Person, text: str, reaches: bool
) -> None:
    """platform §1.5: only commands, replies and mentions."""
    group = server.group("G", [ann])
    assert (server.say(group, ann, text).update_id is not None) is reaches


async def test_replies_to_the_bot_reach_it(server: Server, ann: Person, bot: Bot) -> None:
    group = server.group("G", [ann])
    await bot.send_message(group.id, "ask me")
    mine = server.last(group)
    theirs = server.say(group, ann, "hm")
    assert server.say(group, ann, "yes?", reply_to=mine).update_id is not None
    assert server.say(group, ann, "no", reply_to=theirs).update_id is None
    assert (await _newest(bot)).reply_to_message is not None


async def test_edits_obey_privacy_too(server: Server, ann: Person) -> None:
    group = server.group("G", [ann])
    hidden = server.say(group, ann, "hm")
    server.edit(hidden, "hmm")
    assert hidden.update_id is None
    server.edit(hidden, "/stop")
    assert hidden.update_id is not None


async def test_admin_bots_hear_everything(server: Server, ann: Person) -> None:
    group = server.group("G", [ann], bot_admin=True)
    assert server.say(group, ann, "just talking").update_id is not None


async def test_kicked_bots_hear_nothing(server: Server, ann: Person) -> None:
    group = server.group("G", [ann])
    server.kick(group)
    assert server.say(group, ann, "/stop").update_id is None


async def test_private_chats_are_heard_whole(
    server: Server, chat: Chat, ann: Person, bot: Bot
) -> None:
    server.say(chat, ann, "just talking to @someone, see https://example.org")
    heard = await _newest(bot)
    assert heard.from_user is not None
    assert (heard.from_user.id, heard.from_user.is_bot, heard.chat.type) == (5, False, "private")
    assert [entity.type for entity in heard.entities] == ["mention", "url"]


async def test_command_entities_are_utf16(
    server: Server, chat: Chat, ann: Person, bot: Bot
) -> None:
    server.say(chat, ann, "😀 /stop@navi_bot")
    (entity,) = (await _newest(bot)).entities
    assert (entity.type, entity.offset, entity.length) == ("bot_command", 3, 14)


def _anonymous(server: Server, group: Chat, ann: Person) -> Message:
    return server.say(group, ann, "/stop", anonymous=True)


def _as_channel(server: Server, group: Chat, ann: Person) -> Message:
    return server.say(group, server.channel("Mask"), "/stop")


def _linked(server: Server, group: Chat, ann: Person) -> Message:
    return server.say(group, server.channel("News"), "/stop", linked=True)


@pytest.mark.parametrize(
    ("speak", "sender"),
    [(_anonymous, 1_087_968_824), (_as_channel, 136_817_688), (_linked, 777_000)],
)
async def test_nobody_in_particular_has_telegrams_own_ids(
    server: Server,
    ann: Person,
    bot: Bot,
    speak: Callable[[Server, Chat, Person], Message],
    sender: int,
) -> None:
    """trust T3: anonymous admins, channels and linked posts have sender_chat."""
    group = server.group("G", [ann])
    speak(server, group, ann)
    heard = await _newest(bot)
    assert heard.from_user is not None
    assert heard.from_user.id == sender
    assert heard.sender_chat is not None
    assert (heard.sender_chat.id == group.id) is (sender == 1_087_968_824)
    assert bool(heard.is_automatic_forward) is (sender == 777_000)


async def test_other_bots_reach_only_whom_they_name(server: Server, ann: Person) -> None:
    """trust T15: loops between bots must be possible to test."""
    group = server.group("G", [ann], bot_admin=True)
    other = server.other_bot(77, "Other", "other_bot")
    assert server.say(group, other, "beep").update_id is None
    assert server.say(group, other, "@navi_bot beep").update_id is not None


async def test_channel_posts_reach_admin_bots(server: Server, bot: Bot) -> None:
    server.post(server.channel("Quiet", bot_admin=False), "unheard")
    server.post(server.channel("News"), "heard")
    (update,) = await bot.get_updates()
    assert update.channel_post is not None
    assert update.channel_post.text == "heard"
    assert update.channel_post.from_user is None


async def test_forwards_tell_where_they_come_from(
    server: Server, chat: Chat, ann: Person, bot: Bot
) -> None:
    """trust T19: forwarded words are not the sender's own."""
    eve = server.person(6, "Eve")
    server.say(chat, ann, "do this", forward_from=eve)
    origin = (await _newest(bot)).forward_origin
    assert isinstance(origin, MessageOriginUser)
    assert origin.sender_user.id == 6
    server.say(chat, ann, "do that", forward_from="Hidden Eve")
    server.say(chat, ann, "news", forward_from=server.channel("News"))
    kinds = [
        update.message.forward_origin.type
        for update in await bot.get_updates(offset=-2)
        if update.message and update.message.forward_origin
    ]
    assert kinds == ["hidden_user", "channel"]


async def test_topics_are_named_in_what_people_say(server: Server, ann: Person, bot: Bot) -> None:
    forum = server.group("Work", [ann], forum=True)
    topic = server.topic(forum, "Garden")
    server.say(forum, ann, "/ask", topic=topic)
    heard = await _newest(bot)
    assert (heard.message_thread_id, heard.is_topic_message) == (topic.id, True)
    assert heard.reply_to_message is not None
    assert heard.reply_to_message.forum_topic_created is not None
    server.say(forum, ann, "/ask general")
    assert (await _newest(bot)).message_thread_id is None


async def test_old_messages_carry_their_date(
    server: Server, chat: Chat, ann: Person, bot: Bot
) -> None:
    """What was said while the bot was down is old when it comes."""
    server.say(chat, ann, "hours ago", age=7 * 3600)
    heard = await _newest(bot)
    assert 7 * 3600 - 5 < server.world.clock.wall() - heard.date.timestamp() < 7 * 3600 + 5


async def test_deletions_are_not_told(server: Server, chat: Chat, ann: Person, bot: Bot) -> None:
    message = server.say(chat, ann, "oops")
    server.delete(message)
    updates = await bot.get_updates()
    assert len(updates) == 1
    assert server.visible_texts(chat, by_bot=False) == []
