"""What to do with an event; pure.

One function looks at the event and at what is known of its sender and room,
and names what shall happen. Rooms carries it out.

    stranger ............ nothing; one pairing line in private if allowed
    /start CODE ......... becomes the owner, if the code is good
    command ............. done at once, outside the room's queue
    button .............. the same, if our message really shows that button
    plain message ....... a turn: queued, or given to the running turn
    edited, withdrawn ... changes or drops a turn that has not begun
    old message ......... asked about instead of answered
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from navi_bot.access import has_rights, role_of
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
    TurnId,
    Withdrawn,
)
from navi_bot.ports.records import Facts, TurnRequest
from navi_bot.texts import Text
from navi_bot.texts import rooms as texts

QUEUE_LIMIT = 20
"""Turns that may wait in one room before a further message is refused."""

TEXT_LIMIT = 100_000
"""Characters of one message; above it is a file, not a question."""

_COMMAND = re.compile(r"[/!]([A-Za-z][\w-]{0,31})(?:@(\w+))?(?:\s+(.*))?$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Ignore:
    """Nothing is stored, nothing is said; `why` is for the debug log."""

    why: str


@dataclass(frozen=True, slots=True)
class Begin:
    """Queue a turn. `behind`: others run or wait before it."""

    request: TurnRequest
    behind: bool


@dataclass(frozen=True, slots=True)
class Do:
    """Carry out a command; `press` is set when a button asked for it."""

    command: str
    arguments: str
    press: str = ""


@dataclass(frozen=True, slots=True)
class Tell:
    """Say one thing."""

    text: Text


@dataclass(frozen=True, slots=True)
class Dismiss:
    """Acknowledge a press that has no effect."""

    press: str
    text: Text


@dataclass(frozen=True, slots=True)
class Claim:
    """Someone opened the owner's link."""

    code: str


@dataclass(frozen=True, slots=True)
class OfferPairing:
    """A stranger wrote and the operator allows one pairing line."""


@dataclass(frozen=True, slots=True)
class AskStale:
    """The message is old: ask whether it still matters."""


@dataclass(frozen=True, slots=True)
class Replace:
    turn: TurnId
    text: str


@dataclass(frozen=True, slots=True)
class Drop:
    turn: TurnId


@dataclass(frozen=True, slots=True)
class Pause:
    """The room cannot be written to."""


@dataclass(frozen=True, slots=True)
class Resume:
    """The room can be written to again."""


@dataclass(frozen=True, slots=True)
class Move:
    new_chat: str


Decision = (
    Ignore
    | Begin
    | Do
    | Tell
    | Dismiss
    | Claim
    | OfferPairing
    | AskStale
    | Replace
    | Drop
    | Pause
    | Resume
    | Move
)


@dataclass(frozen=True, slots=True)
class Policy:
    """What the operator and the platform lay down."""

    commands: Collection[str]
    bot_name: str = ""
    pairing: bool = False
    steer: bool = False
    stale_after: float = 21600.0
    """Seconds."""


def parse_command(text: str) -> tuple[str, str, str] | None:
    """Return (name, addressed bot, arguments) of a command, or None.

    Commands are case-insensitive; "/stop@navi_bot now" is ("stop", "navi_bot", "now").
    """
    match = _COMMAND.match(text.strip())
    if match is None:
        return None
    return match[1].lower(), (match[2] or "").lower(), (match[3] or "").strip()


def decide(inbound: Inbound, facts: Facts, policy: Policy, now: datetime) -> Decision:
    """Name what shall happen; `now` is aware UTC."""
    if facts.duplicate:
        return Ignore("duplicate")
    role = role_of(inbound.origin.sender, facts.role)
    match inbound:
        case Said():
            return _decide_said(inbound, facts, role, policy, now)
        case Pressed():
            return _decide_press(inbound, facts, role)
        case Edited(origin, text):
            turn = _queued_turn(facts, origin.message_id)
            return Replace(turn, text) if turn and has_rights(role) else Ignore("edit of the past")
        case Withdrawn(origin):
            turn = _queued_turn(facts, origin.message_id)
            return Drop(turn) if turn else Ignore("withdrawal of the past")
        case Left():
            return Pause() if facts.room is not None else Ignore("unknown room")
        case Returned():
            return Resume() if facts.room is not None else Ignore("unknown room")
        case Moved(_, new_chat):
            return Move(new_chat)


def _decide_said(said: Said, facts: Facts, role: Role, policy: Policy, now: datetime) -> Decision:
    if said.origin.sender.is_bot:
        return Ignore("bot")
    private = said.origin.chat_kind is ChatKind.PRIVATE
    command = parse_command(said.text) if not said.forwarded_from else None
    if command and command[0] == "start" and command[2] and private and not _knows(role):
        return Claim(command[2])
    if not has_rights(role):
        offered = policy.pairing and private and role is Role.GUEST
        rightless = said.origin.sender.rightless
        return OfferPairing() if offered and not rightless else Ignore("no rights")
    if command:
        return _decide_command(command, said, private, policy)
    if not private and not said.addressed:
        return Ignore("not addressed")
    if not said.text.strip() and not said.attachments:
        return Tell(texts.EMPTY)
    if len(said.text) > TEXT_LIMIT:
        return Tell(texts.TOO_LONG)
    if now - said.origin.sent_at > timedelta(seconds=policy.stale_after):
        return AskStale()
    return _begin(said, facts, policy)


def _knows(role: Role) -> bool:
    return role is Role.OWNER


def _decide_command(
    command: tuple[str, str, str], said: Said, private: bool, policy: Policy
) -> Decision:
    name, bot, arguments = command
    if bot and bot != policy.bot_name.lower():
        return Ignore("for another bot")
    if name in policy.commands:
        return Do(name, arguments)
    if private or bot or said.addressed:
        return Tell(texts.UNKNOWN_COMMAND)
    return Ignore("unknown command")


def _begin(said: Said, facts: Facts, policy: Policy) -> Decision:
    waiting = sum(turn.state == "queued" for turn in facts.active)
    if waiting >= QUEUE_LIMIT:
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
    )
    return Begin(request, behind=bool(facts.active))


def _decide_press(pressed: Pressed, facts: Facts, role: Role) -> Decision:
    """A press counts only if our message in this room shows that very button."""
    if not has_rights(role):
        return Dismiss(pressed.press, texts.NOT_ALLOWED)
    shown = next((button for button in facts.shown if button.data == pressed.data), None)
    if shown is None:
        return Dismiss(pressed.press, texts.PRESS_EXPIRED)
    if shown.person is not None and shown.person != facts.person:
        return Dismiss(pressed.press, texts.NOT_YOURS)
    command, _, arguments = pressed.data.partition(":")
    return Do(command, arguments, pressed.press)


def _queued_turn(facts: Facts, message_id: str) -> TurnId | None:
    """Return the queued turn of the sender's own message."""
    for turn in facts.active:
        if turn.state == "queued" and turn.message_id == message_id and turn.asker == facts.person:
            return turn.id
    return None
