"""Finding what a call names, and whether the bot may touch it.

The Bot API server checks these before it troubles the backend, so nothing
here costs a token. What the backend refuses is in `admit`.
"""

from enum import IntEnum

from strict_telegram.arguments import Arguments, number
from strict_telegram.errors import ApiError, bad, flood, forbidden, upgraded
from strict_telegram.model import Chat, Kind, Message, Topic
from strict_telegram.world import World

GENERAL = 1
_PLACES = {
    Kind.GROUP: "group chat",
    Kind.SUPERGROUP: "supergroup chat",
    Kind.CHANNEL: "channel chat",
}


class Need(IntEnum):
    """What a call wants to do with a chat."""

    READ = 0
    EDIT = 1
    WRITE = 2


def chat(world: World, arguments: Arguments, need: Need) -> Chat:
    """Return the chat of a call, or raise what forbids it."""
    named = arguments.text("chat_id")
    if not named:
        raise bad("chat_id is empty")
    found = _named(world, named)
    if found is None:
        raise bad("chat not found")
    if found.kind is Kind.PRIVATE:
        _check_private(found, need)
    else:
        _check_group(found, need)
    return found


def _named(world: World, named: str) -> Chat | None:
    if named.startswith("@"):
        wanted = named[1:].lower()
        public = (chat for chat in world.chats.values() if chat.person is None)
        return next((chat for chat in public if chat.username.lower() == wanted), None)
    return world.chats.get(number(named))


def _check_private(found: Chat, need: Need) -> None:
    assert found.person is not None
    if need is Need.READ:
        return
    if found.person.deactivated:
        raise forbidden("user is deactivated")
    if found.person.is_bot:
        raise forbidden("bot can't send messages to bots")


def _check_group(found: Chat, need: Need) -> None:
    if found.kind is Kind.GROUP and need is Need.READ:
        return
    place = _PLACES[found.kind]
    if found.moved_to is not None:
        raise upgraded(found.moved_to)
    if found.gone:
        raise forbidden(f"the {place} was deleted")
    if found.bot_status == "kicked":
        raise forbidden(f"bot was kicked from the {place}")
    if found.bot_status == "left":
        raise forbidden(f"bot is not a member of the {place}")


def message(found: Chat, message_id: int, role: str) -> Message:
    """Return a message that is still there; `role` words its absence."""
    known = found.messages.get(message_id)
    if known is None or not known.visible:
        raise bad(f"{role} not found")
    return known


def replied(world: World, found: Chat, arguments: Arguments) -> Message | None:
    """Return the message that a call replies to, None for none."""
    given = arguments.json("reply_parameters", "Can't parse reply parameters JSON object")
    if given is None:
        message_id = arguments.message_id("reply_to_message_id")
        lenient = arguments.flag("allow_sending_without_reply")
    elif not isinstance(given, dict):
        raise bad("Object expected as reply parameters")
    else:
        message_id = max(0, number(str(given.get("message_id", 0))))
        lenient = bool(given.get("allow_sending_without_reply", False))
    if not message_id:
        return None
    try:
        return message(found, message_id, "message to be replied")
    except ApiError:
        if lenient:
            return None
        raise


def topic(found: Chat, arguments: Arguments, reply_to: Message | None = None) -> Topic | None:
    """Return the topic that a call goes to; a reply goes where its message is.

    General cannot be named: its id must be left out.
    """
    thread = arguments.message_id("message_thread_id")
    if not thread:
        return reply_to.topic if reply_to is not None else None
    known = found.topics.get(thread)
    if not found.forum or thread == GENERAL or known is None or known.deleted:
        raise bad("message thread not found")
    return known


def admit(world: World, found: Chat, method: str, where: Topic | None = None) -> None:
    """Let a valid call reach the backend: its limits, then its refusals.

    `method` is lower case.
    """
    wait = world.gate.charge(method, found.id, found.is_group, world.clock.now())
    if wait:
        raise flood(wait)
    if found.person is not None and not found.started:
        raise forbidden("bot can't initiate conversation with a user")
    if found.person is not None and found.person.blocked:
        raise forbidden("bot was blocked by the user")
    if found.muted:
        raise bad("not enough rights to send text messages to the chat")
    if where is not None and where.closed:
        raise bad("TOPIC_CLOSED")
