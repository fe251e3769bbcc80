"""Methods that change or take away messages."""

from collections.abc import Mapping
from typing import Any

from strict_telegram import access, keyboards, sending, wire
from strict_telegram.access import Need
from strict_telegram.arguments import Arguments
from strict_telegram.errors import NOT_MODIFIED, bad
from strict_telegram.markup import Text
from strict_telegram.model import Kind, Markup, Message, Version
from strict_telegram.world import World

DELETE_WITHIN = 48 * 3600  # seconds after which a message cannot be deleted
MAX_DELETED = 100  # messages in one deleteMessages


def edit_text(world: World, arguments: Arguments) -> Mapping[str, Any]:
    content = sending.text_of(arguments)
    keyboard = keyboards.read(arguments)
    message = _editable(world, arguments)
    if message.media is not None:
        raise bad("There is no text in the message to edit")
    sending.check_length(content)
    return _change(world, message, "editmessagetext", content, keyboard)


def edit_caption(world: World, arguments: Arguments) -> Mapping[str, Any]:
    keyboard = keyboards.read(arguments)
    content = sending.caption_of(arguments)
    message = _editable(world, arguments)
    if message.media is None:
        raise bad("There is no caption in the message to edit")
    sending.check_caption(content)
    return _change(world, message, "editmessagecaption", content, keyboard)


def edit_reply_markup(world: World, arguments: Arguments) -> Mapping[str, Any]:
    keyboard = keyboards.read(arguments)
    message = _editable(world, arguments)
    content = message.versions[-1].content
    return _change(world, message, "editmessagereplymarkup", content, keyboard)


def _editable(world: World, arguments: Arguments) -> Message:
    message_id = arguments.message_id()
    if not arguments.text("chat_id") and not message_id:
        raise bad("Message identifier is not specified")
    place = access.chat(world, arguments, Need.EDIT)
    message = access.message(place, message_id, "message to edit")
    if not message.outgoing:
        raise bad("Message can't be edited")
    return message


def _change(
    world: World, message: Message, method: str, content: Text, keyboard: Markup | None
) -> Mapping[str, Any]:
    access.admit(world, message.chat, method, message.topic)
    content = sending.known_people(world, content)
    current = message.versions[-1]
    if current.content == content and (current.markup or {}) == (keyboard or {}):
        raise bad(NOT_MODIFIED)
    message.versions.append(Version(world.clock.now(), content, keyboard))
    message.edit_date = world.clock.wall()
    world.changed.fire()
    return wire.message(world, message)


def delete_message(world: World, arguments: Arguments) -> bool:
    if not arguments.text("chat_id"):
        raise bad("Chat identifier is not specified")
    message_id = arguments.message_id()
    if not message_id:
        raise bad("Message identifier is not specified")
    place = access.chat(world, arguments, Need.WRITE)
    message = access.message(place, message_id, "message to delete")
    if not _may_delete(world, message):
        raise bad("message can't be deleted")
    access.admit(world, place, "deletemessage")
    world.delete(message)
    return True


def delete_messages(world: World, arguments: Arguments) -> bool:
    problem = "Can't parse message identifiers JSON object"
    ids = arguments.json("message_ids", problem)
    if ids is None:
        raise bad("Message identifiers are not specified")
    if not isinstance(ids, list) or not all(isinstance(item, int | str) for item in ids):
        raise bad("Expected an Array of message identifiers")
    if not ids:
        raise bad("Message identifiers are not specified")
    if len(ids) > MAX_DELETED:
        raise bad("Too many message identifiers specified")
    place = access.chat(world, arguments, Need.WRITE)
    access.admit(world, place, "deletemessages")
    for item in ids:  # those that are gone or not ours to delete are skipped
        message = place.messages.get(int(item))
        if message is not None and message.visible and _may_delete(world, message):
            world.delete(message)
    return True


def _may_delete(world: World, message: Message) -> bool:
    if world.clock.wall() - message.date >= DELETE_WITHIN:
        return False
    if message.chat.kind is Kind.PRIVATE or message.outgoing:
        return True
    return message.chat.bot_status == "administrator"
