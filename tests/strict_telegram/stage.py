"""Building the platform: people, chats, topics."""

from collections.abc import Iterable

from strict_telegram import wire
from strict_telegram.markup import Text
from strict_telegram.model import Chat, Kind, Person, Topic
from strict_telegram.world import SUPERGROUP_BASE, World

FIRST_TOPIC = 2  # 1 is General


class Stage:
    """Makes people and chats. No update goes to the bot unless said."""

    world: World

    def person(self, person_id: int, name: str = "Ann", username: str = "") -> Person:
        """Make a person, or return the one with this id."""
        return self._account(Person(person_id, name, username))

    def other_bot(self, person_id: int, name: str, username: str) -> Person:
        """Make a bot that is not the tested one."""
        return self._account(Person(person_id, name, username, is_bot=True))

    def _account(self, person: Person) -> Person:
        return self.world.people.setdefault(person.id, person)

    def private_chat(self, person: Person, *, started: bool = True) -> Chat:
        """Make or return a person's chat with the bot.

        Not `started`: the person never wrote, so the bot may not begin.
        """
        found = self.world.chats.get(person.id)
        if found is None:
            name = person.first_name
            found = Chat(person.id, Kind.PRIVATE, name, person=person, started=started)
            self.world.chats[person.id] = found
        return found

    def group(
        self,
        title: str,
        members: Iterable[Person] = (),
        *,
        supergroup: bool = False,
        forum: bool = False,
        bot_admin: bool = False,
    ) -> Chat:
        """Make a group with the bot in it. Forums are supergroups."""
        big = supergroup or forum
        number = 4_000_000 + self.world.number()
        chat_id = SUPERGROUP_BASE - number if big else -number
        found = Chat(
            chat_id,
            Kind.SUPERGROUP if big else Kind.GROUP,
            title,
            forum=forum,
            bot_status="administrator" if bot_admin else "member",
        )
        for index, person in enumerate(members):
            found.members[person.id] = "member" if index else "creator"
        if forum:
            found.topics[1] = Topic(1, "General")
        self.world.chats[chat_id] = found
        return found

    def channel(self, title: str, *, bot_admin: bool = True) -> Chat:
        """Make a channel."""
        chat_id = SUPERGROUP_BASE - 4_000_000 - self.world.number()
        status = "administrator" if bot_admin else "member"
        found = Chat(chat_id, Kind.CHANNEL, title, bot_status=status)
        self.world.chats[chat_id] = found
        return found

    def topic(self, chat: Chat, name: str, creator: Person | None = None) -> Topic:
        """Make a forum topic; its id is the id of the message that tells of it."""
        from_whom = creator or self.world.people[next(iter(chat.members), self.world.bot.id)]
        created = {"forum_topic_created": {"name": name, "icon_color": 7322096}}
        chat.last_id = max(chat.last_id, FIRST_TOPIC - 1)
        topic = Topic(chat.last_id + 1, name)
        chat.topics[topic.id] = topic
        message = self.world.add_message(chat, from_whom, Text(), topic=topic, service=created)
        self.world.offer("message", wire.message(self.world, message))
        return topic
