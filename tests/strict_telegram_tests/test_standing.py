"""Blocked, kicked, moved, gone: every kind of chat and who may write there."""

from typing import Any

import pytest
from strict_telegram import Chat, Person, Server
from telegram import Bot, ChatMemberUpdated
from telegram.error import BadRequest, ChatMigrated, Forbidden


async def test_blocked_bot_is_forbidden_until_unblocked(
    server: Server, chat: Chat, ann: Person, bot: Bot
) -> None:
    """real-parts §3: 403 with its text; edits and typing fail alike."""
    message = await bot.send_message(5, "one")
    server.block(ann)
    for call in (
        bot.send_message(5, "x"),
        message.edit_text("x"),
        bot.send_chat_action(5, "typing"),
    ):
        with pytest.raises(Forbidden, match="bot was blocked by the user"):
            await call
    server.unblock(ann)
    await bot.send_message(5, "two")
    assert server.visible_texts(chat) == ["one", "two"]


async def test_block_and_unblock_are_told(
    server: Server, chat: Chat, ann: Person, bot: Bot
) -> None:
    server.block(ann)
    server.unblock(ann)
    changes = [update.my_chat_member for update in await bot.get_updates()]
    statuses = [change.new_chat_member.status for change in changes if change]
    assert statuses == ["kicked", "member"]
    assert isinstance(changes[0], ChatMemberUpdated)
    assert changes[0].chat.type == "private"


async def test_what_a_blocker_writes_does_not_arrive(
    server: Server, chat: Chat, ann: Person
) -> None:
    server.block(ann)
    assert server.say(chat, ann, "anyone?").update_id is None


async def test_deactivated_account(server: Server, chat: Chat, ann: Person, bot: Bot) -> None:
    server.deactivate(ann)
    with pytest.raises(Forbidden, match="user is deactivated"):
        await bot.send_message(5, "x")


@pytest.mark.parametrize(
    ("kind", "place"),
    [("group", "group chat"), ("supergroup", "supergroup chat"), ("channel", "channel chat")],
)
async def test_kicked_and_left_are_told_apart(
    server: Server, ann: Person, raw: Any, kind: str, place: str
) -> None:
    """real-parts §3: three places, two texts."""
    chat = (
        server.channel("C")
        if kind == "channel"
        else server.group("G", [ann], supergroup=kind == "supergroup")
    )
    server.kick(chat)
    kicked = await raw("sendMessage", chat_id=chat.id, text="x")
    assert kicked.status == 403
    assert kicked.description == f"Forbidden: bot was kicked from the {place}"
    server.add_bot(chat, ann)
    assert (await raw("leaveChat", chat_id=chat.id)).result is True
    left = await raw("sendMessage", chat_id=chat.id, text="x")
    assert left.description == f"Forbidden: bot is not a member of the {place}"


async def test_deleted_group(server: Server, ann: Person, raw: Any) -> None:
    group = server.group("G", [ann])
    server.delete_chat(group)
    answer = await raw("sendMessage", chat_id=group.id, text="x")
    assert answer.description == "Forbidden: the group chat was deleted"


async def test_private_chats_cannot_be_left(chat: Chat, raw: Any) -> None:
    assert (await raw("leaveChat", chat_id=5)).status == 400


async def test_a_bot_without_rights_is_refused(server: Server, ann: Person, bot: Bot) -> None:
    group = server.group("G", [ann])
    server.mute_bot(group)
    with pytest.raises(BadRequest, match="Not enough rights to send text messages"):
        await bot.send_message(group.id, "x")


async def test_upgraded_group_names_its_new_id(
    server: Server, ann: Person, bot: Bot, raw: Any
) -> None:
    """real-parts §3: 400 with migrate_to_chat_id; PTB says ChatMigrated."""
    group = server.group("G", [ann])
    await bot.send_message(group.id, "before")
    new = server.upgrade(group)
    answer = await raw("sendMessage", chat_id=group.id, text="x")
    assert answer.status == 400
    assert answer.description == "Bad Request: group chat was upgraded to a supergroup chat"
    assert answer.body["parameters"] == {"migrate_to_chat_id": new.id}
    with pytest.raises(ChatMigrated) as caught:
        await bot.send_message(group.id, "x")
    assert caught.value.new_chat_id == new.id
    await bot.send_message(new.id, "after")
    assert server.visible_texts(new) == ["after"]


async def test_an_upgrade_is_told_in_both_chats(server: Server, ann: Person, bot: Bot) -> None:
    group = server.group("G", [ann])
    new = server.upgrade(group)
    old_side, new_side = [update.message for update in await bot.get_updates()]
    assert old_side is not None
    assert new_side is not None
    assert (old_side.chat.id, old_side.migrate_to_chat_id) == (group.id, new.id)
    assert (new_side.chat.id, new_side.migrate_from_chat_id) == (new.id, group.id)
    assert new_side.chat.type == "supergroup"


async def test_being_kicked_and_added_is_told(server: Server, ann: Person, bot: Bot) -> None:
    group = server.group("G", [ann])
    server.kick(group, ann)
    server.add_bot(group, ann)
    updates = await bot.get_updates()
    statuses = [
        update.my_chat_member.new_chat_member.status for update in updates if update.my_chat_member
    ]
    assert statuses == ["kicked", "member"]
    added = updates[-1].message
    assert added is not None
    assert [user.id for user in added.new_chat_members] == [bot.id]


@pytest.mark.parametrize("kind", ["private", "group", "supergroup", "forum", "channel"])
async def test_chats_tell_what_they_are(
    server: Server, chat: Chat, ann: Person, bot: Bot, kind: str
) -> None:
    places = {
        "private": lambda: chat,
        "group": lambda: server.group("G", [ann]),
        "supergroup": lambda: server.group("G", [ann], supergroup=True),
        "forum": lambda: server.group("G", [ann], forum=True),
        "channel": lambda: server.channel("G"),
    }
    place = places[kind]()
    found = await bot.get_chat(place.id)
    assert found.id == place.id
    assert found.type == ("supergroup" if kind == "forum" else kind)
    assert bool(found.is_forum) == (kind == "forum")


async def test_members_and_their_status(server: Server, ann: Person, bot: Bot) -> None:
    bob = server.person(6, "Bob")
    group = server.group("G", [ann, bob], bot_admin=True)
    server.person(7, "Eve")
    found = [(await bot.get_chat_member(group.id, who)).status for who in (5, 6, 7, bot.id)]
    assert found == ["creator", "member", "left", "administrator"]
    with pytest.raises(BadRequest, match="Participant_id_invalid"):
        await bot.get_chat_member(group.id, 999)
