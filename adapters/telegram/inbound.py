"""Updates as events; pure.

A key names the thing that happened, not the update that told of it, so that
a redelivery under whatever number is the same event.
"""

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

import telegram
from telegram import MessageEntity

from navi_bot.messages import (
    Address,
    Attachment,
    ChatKind,
    Edited,
    Inbound,
    Left,
    Moved,
    Origin,
    Pressed,
    Quote,
    Returned,
    Said,
    Sender,
)

PLATFORM = "telegram"

RIGHTLESS = frozenset({1087968824, 136817688, 777000})
"""Telegram's stand-ins: an anonymous admin, a channel's bot, linked channels."""

GENERAL_TOPIC = 1
"""A forum's General topic; its id is left out when sending."""

QUOTE_LIMIT = 1000
"""Characters of a quoted message that are passed on."""


def translate(update: telegram.Update, me: telegram.User, now: datetime) -> Inbound | None:
    """Return the event of an update, or None when it is none of ours.

    A press has no time of its own: it is given `now`, aware UTC.
    """
    if update.message is not None:
        return _message(update.message, me)
    if update.edited_message is not None:
        return _edited(update.edited_message, update.update_id, me)
    if update.callback_query is not None:
        return _pressed(update.callback_query, me, now)
    if update.my_chat_member is not None:
        return _membership(update.my_chat_member, update.update_id, me)
    return None


def join_albums(events: Iterable[Inbound]) -> tuple[Inbound, ...]:
    """Make one message of the parts of an album that came in one batch."""
    joined: list[Inbound] = []
    for event in events:
        before = joined[-1] if joined else None
        if (
            isinstance(event, Said)
            and isinstance(before, Said)
            and event.album
            and event.album == before.album
            and event.origin.address == before.origin.address
        ):
            joined[-1] = replace(
                before,
                text=before.text or event.text,
                attachments=before.attachments + event.attachments,
            )
        else:
            joined.append(event)
    return tuple(joined)


def _message(message: telegram.Message, me: telegram.User) -> Inbound | None:
    origin = _origin(message, me, f"message:{message.chat.id}:{message.message_id}")
    if message.migrate_to_chat_id:
        return Moved(origin, str(message.migrate_to_chat_id))
    if _is_service(message):
        return None
    return Said(
        origin=origin,
        text=_text(message, me),
        attachments=_attachments(message),
        quote=_quote(message, me),
        forwarded_from=_forwarded(message),
        addressed=_is_addressed(message, me),
        album=message.media_group_id or "",
    )


def _is_service(message: telegram.Message) -> bool:
    """A message without content is about the chat (joined, pinned, renamed)."""
    if message.text is not None or message.effective_attachment is not None:
        return False
    return not (message.location or message.contact or message.poll or message.venue)


def _edited(message: telegram.Message, update_id: int, me: telegram.User) -> Inbound:
    key = f"edit:{message.chat.id}:{message.message_id}:{update_id}"
    return Edited(_origin(message, me, key), _text(message, me))


def _pressed(query: telegram.CallbackQuery, me: telegram.User, now: datetime) -> Inbound | None:
    message = query.message
    if message is None:
        return None
    thread = ""
    if isinstance(message, telegram.Message):
        thread = _thread(message)
    origin = Origin(
        key=f"press:{query.id}",
        address=Address(PLATFORM, str(me.id), str(message.chat.id), thread),
        chat_kind=_kind(message.chat),
        sender=_person(query.from_user),
        message_id=str(message.message_id),
        sent_at=now,
        title=message.chat.title or "",
    )
    return Pressed(origin, query.data or "", query.id)


def _membership(
    change: telegram.ChatMemberUpdated, update_id: int, me: telegram.User
) -> Inbound | None:
    origin = Origin(
        key=f"member:{change.chat.id}:{update_id}",
        address=Address(PLATFORM, str(me.id), str(change.chat.id)),
        chat_kind=_kind(change.chat),
        sender=_person(change.from_user),
        message_id="",
        sent_at=change.date,
        title=change.chat.title or "",
    )
    status = change.new_chat_member.status
    if status in ("left", "kicked"):
        return Left(origin, status)
    return Returned(origin)


def _origin(message: telegram.Message, me: telegram.User, key: str) -> Origin:
    return Origin(
        key=key,
        address=Address(PLATFORM, str(me.id), str(message.chat.id), _thread(message)),
        chat_kind=_kind(message.chat),
        sender=_sender(message),
        message_id=str(message.message_id),
        sent_at=message.date,
        title=message.chat.title or "",
    )


def _kind(chat: telegram.Chat) -> ChatKind:
    return ChatKind.PRIVATE if chat.type == "private" else ChatKind.GROUP


def _thread(message: telegram.Message) -> str:
    thread = message.message_thread_id
    if not message.is_topic_message or thread is None or thread == GENERAL_TOPIC:
        return ""
    return str(thread)


def _sender(message: telegram.Message) -> Sender:
    if message.from_user is None or message.sender_chat is not None:
        chat = message.sender_chat or message.chat
        return Sender(str(chat.id), chat.title or "", is_bot=False, rightless=True)
    return _person(message.from_user)


def _person(user: telegram.User) -> Sender:
    stand_in = user.id in RIGHTLESS
    return Sender(str(user.id), user.full_name, user.is_bot and not stand_in, stand_in)


def _text(message: telegram.Message, me: telegram.User) -> str:
    """Return text or caption without a leading mention of the bot."""
    text = message.text or message.caption or _spelled_out(message)
    mention = re.match(rf"@{me.username}\b[ ,:]*", text, re.IGNORECASE)
    return text[mention.end() :] if mention else text


def _spelled_out(message: telegram.Message) -> str:
    """Put what is not text into words, as data for the model."""
    if message.sticker:
        return f"[sticker {message.sticker.emoji or ''}]"
    if message.venue:
        return f"[place: {message.venue.title}, {message.venue.address}]"
    if message.location:
        return f"[location: {message.location.latitude}, {message.location.longitude}]"
    if message.contact:
        return f"[contact: {message.contact.first_name}, {message.contact.phone_number}]"
    if message.poll:
        return f"[poll: {message.poll.question}]"
    return ""


def _is_addressed(message: telegram.Message, me: telegram.User) -> bool:
    reply = message.reply_to_message
    if reply is not None and reply.from_user is not None and reply.from_user.id == me.id:
        return reply.forum_topic_created is None
    mention = f"@{me.username}".lower()
    spans = {
        **message.parse_entities([MessageEntity.MENTION]),
        **message.parse_caption_entities([MessageEntity.MENTION]),
    }
    if any(text.lower() == mention for text in spans.values()):
        return True
    named = (*message.entities, *message.caption_entities)
    return any(entity.user is not None and entity.user.id == me.id for entity in named)


def _quote(message: telegram.Message, me: telegram.User) -> Quote | None:
    reply = message.reply_to_message
    if reply is None or reply.forum_topic_created is not None:
        return None
    chosen = message.quote.text if message.quote else (reply.text or reply.caption or "")
    from_bot = reply.from_user is not None and reply.from_user.id == me.id
    return Quote(str(reply.message_id), _sender(reply).name, chosen[:QUOTE_LIMIT], from_bot)


def _forwarded(message: telegram.Message) -> str:
    origin = message.forward_origin
    match origin:
        case None:
            return ""
        case telegram.MessageOriginUser():
            return origin.sender_user.full_name
        case telegram.MessageOriginHiddenUser():
            return origin.sender_user_name
        case telegram.MessageOriginChat():
            return origin.sender_chat.title or "chat"
        case telegram.MessageOriginChannel():
            return origin.chat.title or "channel"
    return "somebody"


def _attachments(message: telegram.Message) -> tuple[Attachment, ...]:
    if message.photo:
        best = message.photo[-1]  # sizes come in ascending order
        name = f"photo_{message.message_id}.jpg"
        return (Attachment("image", best.file_id, name, "image/jpeg", best.file_size),)
    media = (
        message.document
        or message.audio
        or message.voice
        or message.video
        or message.video_note
        or message.animation
    )
    if media is None:
        return ()
    mime = getattr(media, "mime_type", None) or "application/octet-stream"
    kind = type(media).__name__.lower()
    name = getattr(media, "file_name", None) or f"{kind}_{message.message_id}"
    is_image = mime in ("image/jpeg", "image/png", "image/webp")
    return (
        Attachment("image" if is_image else "file", media.file_id, name, mime, media.file_size),
    )
