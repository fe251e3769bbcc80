"""What people do in chats, and which of it reaches the bot."""

from typing import Any

from strict_telegram import markup, wire
from strict_telegram.markup import Text
from strict_telegram.model import Chat, File, Kind, Media, Message, Person, Press, Topic, Version
from strict_telegram.pictures import picture_size
from strict_telegram.updates import PRESS_LIFETIME
from strict_telegram.world import ANONYMOUS_ADMIN, CHANNEL_BOT, TELEGRAM, World

PIXEL = bytes.fromhex(  # a PNG of one grey pixel
    "89504e470d0a1a0a0000000d494844520000000100000001080000000"
    "03a7e9b550000000a49444154789c63680000008200815ef69a0b0000000049454e44ae426082"
)
PHOTO = File("photo.png", PIXEL, "image/png")


class Acts:
    """People's deeds. A message's `update_id` says whether the bot was told."""

    world: World

    def say(
        self,
        chat: Chat,
        person: Person | Chat,
        text: str = "",
        *,
        reply_to: Message | None = None,
        topic: Topic | None = None,
        photo: File | None = None,
        document: File | None = None,
        album: str = "",
        forward_from: Person | Chat | str | None = None,
        anonymous: bool = False,
        linked: bool = False,
        age: int = 0,
    ) -> Message:
        """Write a message as a person, or in a channel's name if a chat is given.

        `anonymous`: an admin hides behind the group; `linked`: the group's own
        channel's post came by itself; `forward_from`: a person, a channel, or
        the name of a hidden account; `age`: sent so many seconds ago.
        """
        world = self.world
        sender, sender_chat = _speaker(world, chat, person, anonymous, linked)
        if chat.kind is Kind.PRIVATE:
            chat.started = True
        message = world.add_message(
            chat,
            sender,
            markup.typed(text),
            sender_chat=sender_chat,
            media=_media(world, photo, document),
            reply_to=reply_to,
            topic=topic or (reply_to.topic if reply_to else None),
            album=album,
            forward_origin=_origin(world, forward_from),
            automatic_forward=linked,
        )
        message.date -= age
        return self._tell(message, "message")

    def post(self, channel: Chat, text: str) -> Message:
        """Publish a post in a channel; only an admin bot is told."""
        message = self.world.add_message(channel, None, markup.typed(text), sender_chat=channel)
        return self._tell(message, "channel_post")

    def edit(self, message: Message, text: str) -> None:
        """Change the text of a person's message."""
        version = Version(self.world.clock.now(), markup.typed(text), message.markup)
        message.versions.append(version)
        message.edit_date = self.world.clock.wall()
        is_post = message.chat.kind is Kind.CHANNEL
        self._tell(message, "edited_channel_post" if is_post else "edited_message")
        self.world.changed.fire()

    def delete(self, message: Message) -> None:
        """Delete a message, the bot's too. Bots are not told of deletions."""
        self.world.delete(message)

    def press(self, message: Message, button: str, person: Person) -> Press:
        """Press a button that the message shows, named by its text or data."""
        if not message.visible:
            raise LookupError("The message was deleted")
        for shown in message.buttons:
            if button in (shown["text"], shown.get("callback_data")):
                return self.forge(message, str(shown["callback_data"]), person)
        labels = [shown["text"] for shown in message.buttons]
        raise LookupError(f"No button {button!r}; the message shows {labels}")

    def forge(self, message: Message, data: str, person: Person) -> Press:
        """Send any callback data for a message, as a changed client can."""
        world = self.world
        press_id = str(4_000_000_000_000_000_000 + world.number())
        press = Press(press_id, person, message, data, world.clock.now())
        world.presses[press_id] = press
        shown: dict[str, Any] = wire.message(world, message)
        if not message.visible:
            shown = {"chat": wire.chat(message.chat), "message_id": message.id, "date": 0}
        query = {
            "id": press_id,
            "from": wire.user(person),
            "message": shown,
            "chat_instance": str(abs(message.chat.id) * 31),
            "data": data,
        }
        world.offer("callback_query", query, PRESS_LIFETIME)
        return press

    def react(self, message: Message, emoji: str, person: Person) -> None:
        """Set a person's reaction; "" takes it back.

        Told only to bots that asked for such updates and, in groups, are
        admins.
        """
        world, chat = self.world, message.chat
        before = message.reactions.pop(person.id, "")
        if emoji:
            message.reactions[person.id] = emoji
        if chat.kind is Kind.PRIVATE or chat.bot_status == "administrator":
            change = {
                "chat": wire.chat(chat),
                "message_id": message.id,
                "user": wire.user(person),
                "date": world.clock.wall(),
                "old_reaction": _reactions(before),
                "new_reaction": _reactions(emoji),
            }
            world.offer("message_reaction", change)
        world.changed.fire()

    def inject(self, kind: str, payload: dict[str, Any]) -> int | None:
        """Hand any update to the bot, of kinds unknown here too; return its id."""
        return self.world.offer(kind, payload)

    def _tell(self, message: Message, kind: str) -> Message:
        if _reaches_bot(self.world, message):
            message.update_id = self.world.offer(kind, wire.message(self.world, message))
        return message


def _speaker(
    world: World, chat: Chat, person: Person | Chat, anonymous: bool, linked: bool
) -> tuple[Person, Chat | None]:
    if linked:
        assert isinstance(person, Chat)
        return world.people[TELEGRAM], person
    if isinstance(person, Chat):
        return world.people[CHANNEL_BOT], person
    if anonymous:
        return world.people[ANONYMOUS_ADMIN], chat
    if chat.kind in (Kind.GROUP, Kind.SUPERGROUP):
        chat.members.setdefault(person.id, "member")
    return person, None


def _media(world: World, photo: File | None, document: File | None) -> Media | None:
    if photo is not None:
        size = picture_size(photo.content) or (1280, 960)
        return Media("photo", world.store(photo, "photos"), *size)
    if document is not None:
        return Media("document", world.store(document, "documents"))
    return None


def _origin(world: World, source: Person | Chat | str | None) -> dict[str, Any] | None:
    date = world.clock.wall() - 60
    match source:
        case Person():
            return {"type": "user", "date": date, "sender_user": wire.user(source)}
        case Chat():
            chat = wire.chat(source)
            return {"type": "channel", "date": date, "chat": chat, "message_id": 1}
        case str():
            return {"type": "hidden_user", "date": date, "sender_user_name": source}
    return None


def _reactions(emoji: str) -> list[dict[str, str]]:
    return [{"type": "emoji", "emoji": emoji}] if emoji else []


def _reaches_bot(world: World, message: Message) -> bool:
    """Whether the bot is told: all of a private chat, in groups by privacy mode."""
    chat = message.chat
    if chat.kind is Kind.PRIVATE:
        return not chat.person or not chat.person.blocked
    if chat.bot_status in ("left", "kicked") or chat.gone or chat.moved_to is not None:
        return False
    if chat.kind is Kind.CHANNEL:
        return chat.bot_status == "administrator"
    meant = _is_meant(world, message)
    if message.sender is not None and message.sender.is_bot and message.sender_chat is None:
        return meant  # other bots reach a bot only by naming it or replying to it
    return meant or not world.privacy or chat.bot_status == "administrator"


def _is_meant(world: World, message: Message) -> bool:
    replied = message.reply_to
    if replied is not None and replied.sender is world.bot:
        return True
    own = f"@{world.bot.username}".lower()
    content = Text(message.text, message.entities)
    for entity in content.entities:
        word = markup.piece(content.text, entity).lower()
        if entity["type"] == "mention" and word == own:
            return True
        if entity["type"] == "bot_command" and entity["offset"] == 0:
            return "@" not in word or word.endswith(own)
    return False
