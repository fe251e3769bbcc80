"""The state of the imitated platform, as one tested bot meets it."""

import hashlib
import itertools
from collections.abc import Mapping
from typing import Any

from strict_telegram.clock import Clock
from strict_telegram.limits import Gate, Limits
from strict_telegram.markup import Text
from strict_telegram.model import (
    Action,
    Chat,
    File,
    Kind,
    Message,
    Person,
    Press,
    StoredFile,
    Version,
)
from strict_telegram.signals import Signal
from strict_telegram.updates import LIFETIME, UpdateQueue

ANONYMOUS_ADMIN = 1_087_968_824
CHANNEL_BOT = 136_817_688
TELEGRAM = 777_000
FIRST_UPDATE = 710_000_000
SUPERGROUP_BASE = -1_000_000_000_000


class World:
    """Everything that is stored. Changes fire `changed`, new updates `arrived`."""

    def __init__(self, token: str, name: str, username: str, limits: Limits, clock: Clock) -> None:
        self.clock = clock
        self.gate = Gate(limits)
        self.bot = Person(int(token.partition(":")[0]), name, username, is_bot=True)
        self.people: dict[int, Person] = {self.bot.id: self.bot}
        self.chats: dict[int, Chat] = {}
        self.files: dict[str, StoredFile] = {}
        self.served_paths: dict[str, StoredFile] = {}
        self.presses: dict[str, Press] = {}
        self.actions: list[Action] = []
        self.drafts: list[Mapping[str, Any]] = []
        self.commands: dict[str, list[Mapping[str, Any]]] = {}
        self.updates = UpdateQueue(FIRST_UPDATE)
        self.changed = Signal()
        self.arrived = Signal()
        self.privacy = True
        self.press_lifetime = 15.0
        self._account_messages = 0
        self._numbers = itertools.count(1)
        for person_id, first_name in (
            (ANONYMOUS_ADMIN, "Group"),
            (CHANNEL_BOT, "Channel"),
            (TELEGRAM, "Telegram"),
        ):
            is_bot = person_id != TELEGRAM
            self.people[person_id] = Person(person_id, first_name, is_bot=is_bot)

    def number(self) -> int:
        """Return a number that was not used before."""
        return next(self._numbers)

    def offer(
        self, kind: str, payload: Mapping[str, Any], lifetime: float = LIFETIME
    ) -> int | None:
        """Store an update for the bot, if its kind is allowed, and wake its poll."""
        found = self.updates.add(kind, payload, self.clock.now(), lifetime)
        if found is not None:
            self.arrived.fire()
        return found

    def add_message(
        self,
        chat: Chat,
        sender: Person | None,
        content: Text,
        markup: Mapping[str, Any] | None = None,
        **fields: Any,
    ) -> Message:
        """Put a message into a chat, numbered as Telegram numbers them.

        Supergroups and channels count for themselves; private chats and basic
        groups share the numbers of the bot's account.
        """
        if chat.kind in (Kind.SUPERGROUP, Kind.CHANNEL):
            chat.last_id += 1
            message_id = chat.last_id
        else:
            self._account_messages += 1
            message_id = self._account_messages
        now = self.clock.now()
        version = Version(now, content, markup)
        message = Message(chat, message_id, self.clock.wall(), sender, [version], **fields)
        chat.messages[message_id] = message
        self.changed.fire()
        return message

    def store(self, file: File, folder: str) -> StoredFile:
        """Put a file on the platform; its id is as opaque as the real ones."""
        number = self.number()
        digest = hashlib.sha256(f"{self.bot.id}/{number}".encode()).hexdigest()
        suffix = "." + file.name.rpartition(".")[2] if "." in file.name else ""
        path = f"{folder}/file_{number}{suffix}"
        stored = StoredFile(f"BQACAgQAAx{digest[:48]}", f"AgAD{digest[48:58]}", path, file)
        self.files[stored.id] = stored
        return stored

    def delete(self, message: Message) -> None:
        """Take a message away; bots are not told."""
        message.deleted_at = self.clock.now()
        self.changed.fire()
