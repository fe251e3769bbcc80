"""What a post's machine asks for, and what it wants to be remembered."""

from dataclasses import dataclass
from enum import StrEnum

from navi_bot.messages import Page


@dataclass(frozen=True, slots=True)
class Send:
    """Show page `number` as a new message.

    `begun`: this very transaction is stored already. `desired` is the page
    without label or cut, `content` its hash, "" when the message may end up
    with other content (a repeated transaction of unknown content).
    """

    number: int
    page: Page
    desired: Page
    content: str
    transaction: str
    plain: bool
    final: bool
    with_reply: bool
    begun: bool = False


@dataclass(frozen=True, slots=True)
class Edit:
    """Make the message of page `number` show other content.

    `progress`: it counts towards the limit of edits a message.
    """

    number: int
    message_id: str
    page: Page
    content: str
    transaction: str
    plain: bool
    final: bool
    progress: bool


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove the message of a page that is not wanted any more."""

    number: int
    message_id: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do before `until` (monotonic seconds), or before an event."""

    until: float | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """The room shows what it shall show, for good."""


Call = Send | Edit | Delete
Action = Call | Wait | Done


@dataclass(frozen=True, slots=True)
class Sent:
    """Store: the page is message `message_id` and shows `page`.

    `content` "": not settled yet.
    """

    number: int
    message_id: str
    content: str
    page: Page


@dataclass(frozen=True, slots=True)
class Unsent:
    """Store: the send that was begun surely had no effect."""

    number: int


@dataclass(frozen=True, slots=True)
class Shown:
    """Store: the final content of the page is settled. `refused`: it is not there, for good."""

    number: int
    content: str
    refused: bool = False


@dataclass(frozen=True, slots=True)
class Gone:
    """Store: the page has no message any more."""

    number: int


Record = Sent | Unsent | Shown | Gone


class Outcome(StrEnum):
    """What became of a call that failed; the name of its log event."""

    RETRIED = "call_retried"
    DOUBTED = "call_doubted"
    PLAINED = "page_sent_plain"
    CUT = "page_cut"
    REPLACED = "page_replaced"
    QUIETED = "post_quieted"
    GIVEN_UP = "page_given_up"
    CLOSED = "post_closed"
