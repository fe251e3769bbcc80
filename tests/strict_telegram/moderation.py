"""What happens to accounts and chats: blocks, kicks, rights, upgrades."""

from strict_telegram import wire
from strict_telegram.markup import Text
from strict_telegram.model import Chat, Kind, Person, Topic
from strict_telegram.world import SUPERGROUP_BASE, World


class Moderation:
    """Changes of standing. The bot is told of those that concern itself."""

    world: World

    def block(self, person: Person) -> None:
        """Let a person block the bot."""
        person.blocked = True
        self._tell_status(self._private(person), person, "member", "kicked")

    def unblock(self, person: Person) -> None:
        """Let a person unblock the bot."""
        person.blocked = False
        self._tell_status(self._private(person), person, "kicked", "member")

    def deactivate(self, person: Person) -> None:
        """Delete a person's account."""
        person.deactivated = True
        self.world.changed.fire()

    def kick(self, chat: Chat, person: Person | None = None) -> None:
        """Throw the bot out of a chat."""
        self._set_status(chat, person, "kicked")

    def add_bot(self, chat: Chat, person: Person | None = None) -> None:
        """Add the bot to a chat (again)."""
        self._set_status(chat, person, "member")
        added = {"new_chat_members": [wire.user(self.world.bot)]}
        message = self.world.add_message(chat, self._actor(chat, person), Text(), service=added)
        self.world.offer("message", wire.message(self.world, message))

    def promote(self, chat: Chat, person: Person | None = None) -> None:
        """Make the bot an administrator, who sees every message."""
        self._set_status(chat, person, "administrator")

    def delete_chat(self, chat: Chat) -> None:
        """Delete a group for everyone."""
        chat.gone = True
        self.world.changed.fire()

    def upgrade(self, chat: Chat) -> Chat:
        """Turn a group into a supergroup with a new id; return the new chat.

        Both service messages are told: the old chat's and the new one's.
        """
        assert chat.kind is Kind.GROUP
        world = self.world
        new = Chat(
            SUPERGROUP_BASE - 9_000_000 - world.number(),
            Kind.SUPERGROUP,
            chat.title,
            members=dict(chat.members),
            bot_status=chat.bot_status,
        )
        world.chats[new.id] = new
        chat.moved_to = new.id
        actor = self._actor(chat, None)
        steps = ((chat, {"migrate_to_chat_id": new.id}), (new, {"migrate_from_chat_id": chat.id}))
        for place, service in steps:
            message = world.add_message(place, actor, Text(), service=service)
            world.offer("message", wire.message(world, message))
        return new

    def set_topic(self, topic: Topic, *, closed: bool = False, deleted: bool = False) -> None:
        """Close, delete or reopen a forum topic."""
        topic.closed, topic.deleted = closed, deleted
        self.world.changed.fire()

    def mute_bot(self, chat: Chat, *, muted: bool = True) -> None:
        """Take the bot's right to write, or give it back."""
        chat.muted = muted
        self.world.changed.fire()

    def _private(self, person: Person) -> Chat:
        return self.world.chats[person.id]

    def _actor(self, chat: Chat, person: Person | None) -> Person:
        if person is not None:
            return person
        return self.world.people[next(iter(chat.members), self.world.bot.id)]

    def _set_status(self, chat: Chat, person: Person | None, status: str) -> None:
        before, chat.bot_status = chat.bot_status, status
        self._tell_status(chat, self._actor(chat, person), before, status)

    def _tell_status(self, chat: Chat, actor: Person, before: str, after: str) -> None:
        world = self.world
        change = {
            "chat": wire.chat(chat),
            "from": wire.user(actor),
            "date": world.clock.wall(),
            "old_chat_member": wire.member(world.bot, before),
            "new_chat_member": wire.member(world.bot, after),
        }
        world.offer("my_chat_member", change)
        world.changed.fire()
