"""What to do with an event; pure.

One function looks at the event and at what is known of its sender and room,
and names what shall happen. Rooms carries it out.

    stranger ............ nothing; one pairing line in private if allowed
    /start CODE ......... becomes the owner, if the code is good
    command ............. done at once, outside the room's queue
    button .............. the same, if our message really shows that button
    plain message ....... a turn: queued, or given to the running turn
    edited, withdrawn ... changes or drops a turn that has not begun
    withdrawn running ... stops it
    old message ......... asked about instead of answered
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from navi_bot.access import has_rights, role_of
from navi_bot.command_text import command_of
from navi_bot.decisions import (
    AskStale,
    Begin,
    Claim,
    Decision,
    Dismiss,
    Do,
    Drop,
    Ignore,
    Move,
    OfferPairing,
    Pause,
    Replace,
    Resume,
    Tell,
)
from navi_bot.messages import (
    ChatKind,
    Edited,
    Inbound,
    Left,
    Moved,
    Pressed,
    Returned,
    Role,
    Said,
    Sender,
    TurnId,
    Unread,
    Withdrawn,
)
from navi_bot.ports.records import Facts, TurnRequest, TurnState
from navi_bot.texts import Text
from navi_bot.texts import rooms as texts

QUEUE_LIMIT = 20
"""Turns that may wait in one room before a further message is refused."""

TEXT_LIMIT = 100_000
"""Characters of one message; above it is a file, not a question."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What the operator and the platform lay down."""

    commands: Collection[str]
    bot_name: str = ""
    pairing: bool = False
    steer: bool = False
    stale_after: float = 21600.0
    """Seconds."""
    online_since: datetime | None = None
    """Aware UTC. What was sent before has waited for us: no queue is too long for it."""
    safe: bool = False
    """Safe mode: little is done, the rest is kept."""


def decide(inbound: Inbound, facts: Facts, policy: Policy, now: datetime) -> Decision:
    """Name what shall happen; `now` is aware UTC."""
    if facts.duplicate:
        return Ignore("duplicate")
    role = role_of(inbound.origin.sender, facts.role)
    match inbound:
        case Said():
            return _decide_said(inbound, facts, role, policy, now)
        case Pressed() if has_rights(role) and _is_kept_silent(inbound, policy):
            return _refused(inbound, texts.UNVERIFIED)
        case Pressed():
            return _decide_press(inbound, facts, role, policy)
        case Edited() | Withdrawn() | Unread() if not has_rights(role):
            return Ignore("no rights")
        case Edited():
            return _decide_edit(inbound, facts)
        case Withdrawn():
            return _decide_withdrawal(inbound, facts)
        case Unread(why="sealed"):
            return Tell(texts.SEALED)
        case Unread(count=count):
            return Tell(partial(texts.MISSED, count=count))
        case Left() | Returned() | Moved() if facts.room is None:
            return Ignore("unknown room")
        case Left():
            return Pause()
        case Returned():
            return Resume()
        case Moved(_, new_chat):
            return Move(new_chat)


def our_command(said: Said, policy: Policy) -> str:
    """Return the name of the command that a message is, "" if it is none of ours."""
    command = command_of(said)
    return command[0] if command is not None and _is_ours(command[1], policy) else ""


def asks_to_stop(inbound: Inbound, policy: Policy, turn: TurnId) -> bool:
    """Answer whether an event asks for the stop of a turn that runs in its room."""
    match inbound:
        case Said():
            return our_command(inbound, policy) == "stop"
        case Pressed(data=data):
            return data == f"stop:{turn}"
    return False


def _is_kept_silent(inbound: Said | Pressed, policy: Policy) -> bool:
    """From a device that is trusted with nothing only a stop is taken."""
    if inbound.origin.sender.allowed != "nothing":
        return False
    if isinstance(inbound, Pressed):
        return not inbound.data.startswith("stop:")
    return our_command(inbound, policy) != "stop"


def _decide_said(said: Said, facts: Facts, role: Role, policy: Policy, now: datetime) -> Decision:
    sender = said.origin.sender
    if sender.is_bot:
        return Ignore("bot")
    private = said.origin.chat_kind is ChatKind.PRIVATE
    command = command_of(said)
    if command and private and _is_claim(command, facts, sender):
        return Claim(command[2])
    if not has_rights(role):
        offered = policy.pairing and private and role is Role.GUEST and not sender.rightless
        return OfferPairing() if offered else Ignore("no rights")
    if _is_kept_silent(said, policy):
        return Tell(texts.UNVERIFIED) if private or said.addressed else Ignore("not trusted")
    if command and (command[0] in policy.commands or not _begins_with_a_bang(said)):
        return _decide_command(command, said, private, policy)
    if not private and not said.addressed:
        return Ignore("not addressed")
    if not said.text.strip() and not said.attachments and said.quote is None:
        return Tell(texts.EMPTY)
    if len(said.text) > TEXT_LIMIT:
        return Tell(texts.TOO_LONG)
    if now - said.origin.sent_at > timedelta(seconds=policy.stale_after):
        return AskStale()
    return _begin(said, facts, policy)


def _is_claim(command: tuple[str, str, str], facts: Facts, sender: Sender) -> bool:
    """An owner's link counts while nobody owns the bot, for people with an id of their own."""
    opened = command[0] == "start" and command[2] != ""
    excluded = sender.rightless or facts.role in (Role.BLOCKED, Role.OWNER)
    return opened and not facts.owner_exists and not excluded


def _begins_with_a_bang(said: Said) -> bool:
    """People write "!wow" without meaning a command."""
    return said.text.lstrip().startswith("!")


def _is_ours(bot: str, policy: Policy) -> bool:
    """A command is for us unless it names another; some platforms have no names."""
    return not bot or not policy.bot_name or bot == policy.bot_name.lower()


def _decide_command(
    command: tuple[str, str, str], said: Said, private: bool, policy: Policy
) -> Decision:
    name, bot, arguments = command
    if not _is_ours(bot, policy):
        return Ignore("for another bot")
    if name in policy.commands:
        return Do(name, arguments)
    if private or bot or said.addressed:
        return Tell(texts.UNKNOWN_COMMAND)
    return Ignore("unknown command")


def _begin(said: Said, facts: Facts, policy: Policy) -> Decision:
    waiting = sum(turn.state == "queued" for turn in facts.active)
    sent_at, online = said.origin.sent_at, policy.online_since
    waited_for_us = online is not None and sent_at < online
    if waiting >= QUEUE_LIMIT and not waited_for_us:
        return Tell(texts.QUEUE_FULL)
    steer = policy.steer if facts.settings.steer is None else facts.settings.steer
    running = next((turn for turn in facts.active if turn.state == "running"), None)
    request = TurnRequest(
        text=said.text,
        attachments=said.attachments,
        quote=said.quote,
        forwarded_from=said.forwarded_from,
        album=said.album,
        steer=steer and running is not None and running.asker == facts.person,
        allowed=said.origin.sender.allowed,
    )
    return Begin(request, behind=bool(facts.active))


def _decide_press(pressed: Pressed, facts: Facts, role: Role, policy: Policy) -> Decision:
    """A press counts only if our message in this room shows that very button."""
    if not has_rights(role):
        return Dismiss(pressed.press, texts.NOT_ALLOWED)
    command, _, arguments = pressed.data.partition(":")
    shown = next((button for button in facts.shown if button.data == pressed.data), None)
    if shown is None or command not in policy.commands:
        return _refused(pressed, texts.PRESS_EXPIRED)
    if shown.person is not None and shown.person != facts.person:
        return _refused(pressed, texts.NOT_YOURS)
    return Do(command, arguments, pressed.press)


def _refused(pressed: Pressed, text: Text) -> Decision:
    """Say why a press has no effect, in a message where nothing else is shown."""
    return Tell(text) if pressed.mute else Dismiss(pressed.press, text)


def _decide_edit(edited: Edited, facts: Facts) -> Decision:
    """Only what has not begun is changed; nothing is ever answered a second time."""
    allowed = edited.origin.sender.allowed
    turn = _own_turn(facts, edited.origin.message_id, "queued")
    if turn is None or not edited.text.strip() or allowed == "nothing":
        return Ignore("edit of the past, to nothing, or not trusted")
    if len(edited.text) > TEXT_LIMIT:
        return Tell(texts.TOO_LONG)
    return Replace(turn, edited.text, allowed)


def _decide_withdrawal(withdrawn: Withdrawn, facts: Facts) -> Decision:
    message = withdrawn.origin.message_id
    if turn := _own_turn(facts, message, "queued"):
        return Drop(turn)
    running = _own_turn(facts, message, "running")
    return Do("stop", "") if running else Ignore("withdrawal of the past")


def _own_turn(facts: Facts, message_id: str, state: TurnState) -> TurnId | None:
    """Return the turn in a state that the sender's own message asked for."""
    for turn in facts.active:
        if (turn.state, turn.message_id, turn.asker) == (state, message_id, facts.person):
            return turn.id
    return None
