"""What every console has in common: one room, one person, who owns the daemon.

Whoever can type here runs as the operator's own user, so the person of the
console is an owner.
"""

import getpass
import uuid
from datetime import UTC, datetime

from navi_bot.errors import Refused
from navi_bot.messages import (
    Address,
    Attachment,
    ChatKind,
    Origin,
    Said,
    Sender,
)

PLATFORM = "console"
ACCOUNT = "local"
CHAT = "terminal"
PERSON = "operator"


def address(account: str = ACCOUNT) -> Address:
    return Address(PLATFORM, account, CHAT)


def person() -> Sender:
    """Return who types: the name is the login name, the id never changes."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = PERSON
    return Sender(PERSON, name)


def origin(account: str, message_id: str = "") -> Origin:
    key = uuid.uuid4().hex
    return Origin(
        key=key,
        address=address(account),
        chat_kind=ChatKind.PRIVATE,
        sender=person(),
        message_id=message_id or key,
        sent_at=datetime.now(UTC),
    )


def said(text: str, account: str = ACCOUNT) -> Said:
    return Said(origin(account), text, addressed=True)


class ConsoleCalls:
    """The calls of the Outbound port that a console has no use for."""

    idempotent = False

    async def delete(self, address: Address, message_id: str) -> None:
        """Leave what was printed; a terminal cannot take it back."""

    async def react(self, address: Address, message_id: str, emoji: str) -> None:
        """Show nothing: there are no reactions here."""

    async def show_typing(self, address: Address) -> None:
        """Show nothing: the live message follows soon enough."""

    async def acknowledge(self, press: str, text: str) -> None:
        """Show nothing: the reply says it."""

    async def fetch(self, attachment: Attachment, limit: int) -> bytes:
        raise Refused("The console takes no files.")
