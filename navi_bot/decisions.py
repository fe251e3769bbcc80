"""What can be decided about an event: the names of what shall happen, as values."""

from collections.abc import Callable
from dataclasses import dataclass

from navi_bot.messages import Allowed, TurnId
from navi_bot.ports.records import TurnRequest
from navi_bot.texts import Text


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

    text: Callable[[], str]


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
    """The sender rewrote a message that still waits."""

    turn: TurnId
    text: str
    allowed: Allowed = "all"


@dataclass(frozen=True, slots=True)
class Drop:
    """The sender took back a message that still waits."""

    turn: TurnId


@dataclass(frozen=True, slots=True)
class Pause:
    """The room cannot be written to."""


@dataclass(frozen=True, slots=True)
class Resume:
    """The room can be written to again."""


@dataclass(frozen=True, slots=True)
class Move:
    """The chat has a new id."""

    new_chat: str


Change = Dismiss | Replace | Drop | Pause | Resume | Move
"""Sets a state and says nothing: carried out twice, it has the effect of once."""

Answered = Do | Tell | Claim | OfferPairing
"""Ends in a reply."""

Decision = Ignore | Begin | AskStale | Answered | Change
