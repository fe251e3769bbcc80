"""Methods about the bot itself, chats, members and files."""

from collections.abc import Mapping
from typing import Any

from strict_telegram import access, wire
from strict_telegram.access import Need
from strict_telegram.arguments import Arguments, number
from strict_telegram.errors import bad
from strict_telegram.model import Kind
from strict_telegram.world import World

MAX_DOWNLOAD = 20 * 1024 * 1024  # bytes that getFile serves


def me(world: World, arguments: Arguments) -> Mapping[str, Any]:
    switches = [
        "supports_inline_queries",
        "can_connect_to_business",
        "has_main_web_app",
        "has_topics_enabled",
        "allows_users_to_create_topics",
        "can_manage_bots",
    ]
    rights: dict[str, bool] = dict.fromkeys(switches, False)
    rights |= {"can_join_groups": True, "can_read_all_group_messages": not world.privacy}
    return wire.user(world.bot) | rights


def chat(world: World, arguments: Arguments) -> Mapping[str, Any]:
    return wire.full_chat(access.chat(world, arguments, Need.READ))


def chat_member(world: World, arguments: Arguments) -> Mapping[str, Any]:
    user_id = number(arguments.required("user_id"))
    if user_id <= 0:
        raise bad("Invalid user_id specified")
    place = access.chat(world, arguments, Need.READ)
    person = world.people.get(user_id)
    if person is None:
        raise bad("PARTICIPANT_ID_INVALID")
    if person is world.bot:
        return wire.member(person, place.bot_status)
    if place.kind is Kind.PRIVATE:
        return wire.member(person, "member")
    return wire.member(person, place.members.get(user_id, "left"))


def leave_chat(world: World, arguments: Arguments) -> bool:
    place = access.chat(world, arguments, Need.READ)
    if place.kind is Kind.PRIVATE:
        raise bad("chat member status can't be changed in private chats")
    if place.bot_status in ("left", "kicked"):
        raise bad("USER_NOT_PARTICIPANT")
    place.bot_status = "left"
    world.changed.fire()
    return True


def file(world: World, arguments: Arguments) -> Mapping[str, Any]:
    file_id = arguments.text("file_id")
    if not file_id:
        raise bad("file_id not specified")
    stored = world.files.get(file_id)
    if stored is None:
        raise bad("invalid file_id")
    if stored.file.bytes > MAX_DOWNLOAD:
        raise bad("file is too big")
    world.served_paths[stored.path] = stored
    return wire.file(stored, with_path=True)
