"""The platform's objects as the Bot API's JSON."""

from collections.abc import Mapping
from typing import Any

from strict_telegram.model import Chat, Kind, Media, Message, Person, StoredFile
from strict_telegram.world import World

Json = dict[str, Any]


def user(person: Person) -> Json:
    """Return a User object."""
    found: Json = {
        "id": person.id,
        "is_bot": person.is_bot,
        "first_name": person.first_name,
    }
    if person.username:
        found["username"] = person.username
    if not person.is_bot:
        found["language_code"] = person.language
    return found


def chat(place: Chat) -> Json:
    """Return a Chat object."""
    found: Json = {"id": place.id}
    if place.person is not None:
        found["first_name"] = place.person.first_name
        if place.person.username:
            found["username"] = place.person.username
    else:
        found["title"] = place.title
        if place.username:
            found["username"] = place.username
    if place.forum:
        found["is_forum"] = True
    return found | {"type": place.kind.value}


def file(stored: StoredFile, *, with_path: bool = False) -> Json:
    """Return a File object; the path only where getFile gives it."""
    found: Json = {"file_id": stored.id, "file_unique_id": stored.unique_id}
    if stored.file.bytes:
        found["file_size"] = stored.file.bytes
    if with_path:
        found["file_path"] = stored.path
    return found


def entities(world: World, found: tuple[Mapping[str, Any], ...]) -> list[Json]:
    """Return MessageEntity objects, mentioned people as whole users."""
    listed: list[Json] = []
    for entity in found:
        wired = dict(entity)
        if "user" in wired:
            wired["user"] = user(world.people[wired["user"]["id"]])
        listed.append(wired)
    return listed


def message(world: World, found: Message, *, with_reply: bool = True) -> Json:
    """Return a Message object; the replied one is nested once."""
    wired: Json = {"message_id": found.id}
    if found.sender is not None:
        wired["from"] = user(found.sender)
    if found.sender_chat is not None:
        wired["sender_chat"] = chat(found.sender_chat)
    wired |= {"chat": chat(found.chat), "date": found.date}
    if found.edit_date is not None:
        wired["edit_date"] = found.edit_date
    if found.topic is not None and found.topic.id != 1:
        wired |= {"message_thread_id": found.topic.id, "is_topic_message": True}
    if found.forward_origin is not None:
        wired["forward_origin"] = dict(found.forward_origin)
    if found.automatic_forward:
        wired["is_automatic_forward"] = True
    if found.album:
        wired["media_group_id"] = found.album
    replied = found.reply_to or _topic_start(found)
    if with_reply and replied is not None and replied.visible:
        wired["reply_to_message"] = message(world, replied, with_reply=False)
    wired |= _body(world, found) | dict(found.service)
    if found.buttons:
        wired["reply_markup"] = dict(found.markup or {})
    return wired


def _topic_start(found: Message) -> Message | None:
    """Return what a message in a topic replies to without a reply: the topic's start.

    Telegram really does so; a client must not take it for a person's reply.
    """
    if found.topic is None or found.topic.id in (1, found.id):
        return None
    return found.chat.messages.get(found.topic.id)


def _body(world: World, found: Message) -> Json:
    text, marked = found.text, entities(world, found.entities)
    if found.media is None:
        body: Json = {"text": text} if text else {}
        return body | ({"entities": marked} if marked else {})
    body = _media(found.media)
    if text:
        body["caption"] = text
    return body | ({"caption_entities": marked} if marked else {})


def _media(media: Media) -> Json:
    wired = file(media.stored)
    if media.kind == "photo":
        size = {"width": media.width, "height": media.height}
        small = {"width": 90, "height": 90}
        thumb = {**wired, "file_id": wired["file_id"] + "s", "file_size": 900}
        thumb["file_unique_id"] = wired["file_unique_id"] + "s"
        return {"photo": [thumb | small, wired | size]}
    named = {"file_name": media.stored.file.name, "mime_type": media.stored.file.mime}
    return {"document": wired | named}


def member(person: Person, status: str) -> Json:
    """Return a ChatMember object of a status."""
    found: Json = {"user": user(person), "status": status}
    if status == "kicked":
        found["until_date"] = 0
    if status == "creator":
        found["is_anonymous"] = False
    if status == "administrator":
        rights = [
            "can_be_edited",
            "can_manage_chat",
            "can_change_info",
            "can_delete_messages",
            "can_invite_users",
            "can_restrict_members",
            "can_promote_members",
            "can_manage_video_chats",
            "can_post_stories",
            "can_edit_stories",
            "can_delete_stories",
            "is_anonymous",
        ]
        found |= {right: right == "can_manage_chat" for right in rights}
    return found


def full_chat(place: Chat) -> Json:
    """Return a ChatFullInfo object."""
    gifts = "unlimited_gifts limited_gifts unique_gifts premium_subscription gifts_from_channels"
    found = chat(place) | {
        "accent_color_id": 0,
        "max_reaction_count": 11,
        "accepted_gift_types": dict.fromkeys(gifts.split(), False),
    }
    if place.kind in (Kind.GROUP, Kind.SUPERGROUP):
        found["permissions"] = {"can_send_messages": not place.muted}
    return found
