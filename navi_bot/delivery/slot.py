"""One page of a post: what is desired, what the room shows, and the table between.

    event →   sent    unsent    doubted  refused   denied  edited  lost    replaced deleted  renewed
    ABSENT    SHOWN   ABSENT    UNSURE   GIVEN_UP  -       -       -       -        -        -
    UNSURE    SHOWN   UNSURE    UNSURE   GIVEN_UP  ABSENT  -       -       -        -        -
    SHOWN     -       SHOWN     SHOWN    GIVEN_UP  -       SHOWN   ABSENT  ABSENT   ABSENT   -
    GIVEN_UP  -       -         -        -         -       -       -       -        -        ABSENT

An unsent call surely had no effect, so an unsure page stays unsure. A doubted
edit leaves the message where it is, its content unknown. A page is refused
when every way to put it was. It is denied when the repeat of a stored
transaction is refused: then the first attempt was refused as well.
"""

from dataclasses import dataclass
from enum import Enum, auto

from navi_bot.delivery.actions import Outcome, Send
from navi_bot.delivery.dress import cut, labelled
from navi_bot.errors import Refused, TooLong
from navi_bot.messages import Button, Page
from navi_bot.pagehash import page_hash
from navi_bot.ports.delivery import StoredPage

REPEAT_MARK = "repeat-"
"""How the transaction of a labelled send begins, so that a restart keeps the label."""

PLAIN_FOR_GOOD = 3
"""Contents whose markup was refused, after which the page stays plain."""


MOST_CUTS = 8
"""Cuts of a page that the platform finds too long: a tenth of it is left."""


class State(Enum):
    """Where a page stands."""

    ABSENT = auto()
    """No message of it is in the room."""
    UNSURE = auto()
    """A first send was begun and its outcome never learnt."""
    SHOWN = auto()
    """A message is there."""
    GIVEN_UP = auto()
    """The platform will not take it."""


class Event(Enum):
    """What happened to a page."""

    SENT = auto()
    UNSENT = auto()
    DOUBTED = auto()
    REFUSED = auto()
    DENIED = auto()
    EDITED = auto()
    LOST = auto()
    REPLACED = auto()
    DELETED = auto()
    RENEWED = auto()


NEXT = {
    (State.ABSENT, Event.SENT): State.SHOWN,
    (State.ABSENT, Event.UNSENT): State.ABSENT,
    (State.ABSENT, Event.DOUBTED): State.UNSURE,
    (State.ABSENT, Event.REFUSED): State.GIVEN_UP,
    (State.UNSURE, Event.SENT): State.SHOWN,
    (State.UNSURE, Event.UNSENT): State.UNSURE,
    (State.UNSURE, Event.DOUBTED): State.UNSURE,
    (State.UNSURE, Event.REFUSED): State.GIVEN_UP,
    (State.UNSURE, Event.DENIED): State.ABSENT,
    (State.SHOWN, Event.UNSENT): State.SHOWN,
    (State.SHOWN, Event.DOUBTED): State.SHOWN,
    (State.SHOWN, Event.REFUSED): State.GIVEN_UP,
    (State.SHOWN, Event.EDITED): State.SHOWN,
    (State.SHOWN, Event.LOST): State.ABSENT,
    (State.SHOWN, Event.REPLACED): State.ABSENT,
    (State.SHOWN, Event.DELETED): State.ABSENT,
    (State.GIVEN_UP, Event.RENEWED): State.ABSENT,
}


@dataclass(slots=True)
class Slot:
    """The place of one page. Hashes are of the page without label or cut."""

    state: State = State.ABSENT
    desired: Page | None = None
    desired_hash: str = ""
    shown_hash: str | None = None
    """What the message holds; None when that is not known."""
    shown_buttons: tuple[tuple[Button, ...], ...] | None = None
    stored_hash: str = ""
    """The content that the store knows as settled."""
    given_hash: str = ""
    """The content that was given up."""
    message_id: str = ""
    transaction: str = ""
    begun: bool = False
    """The store holds the intent of a send with this transaction, and none was tried."""
    doubted: Send | None = None
    """The send whose outcome is not known, if this process made it."""
    labelled: bool = False
    plain: bool = False
    plained: int = 0
    cuts: int = 0
    with_reply: bool = True
    stuck: bool = False
    """Its message cannot be edited; only the final content is tried again."""
    lost_once: bool = False
    """A person deleted its message, and it was sent anew."""
    edits: int = 0
    edited_at: float = 0.0
    edit_transaction: str = ""
    edit_shape: tuple[str, bool, int] = ("", False, 0)

    def advance(self, event: Event) -> None:
        """Take the table's step; KeyError if it has none, which is a fault of ours."""
        self.state = NEXT[self.state, event]

    def adopt(self, stored: StoredPage, *, idempotent: bool) -> None:
        """Go on from what an earlier run stored."""
        self.message_id = stored.message_id
        self.transaction = stored.transaction
        self.labelled = stored.transaction.startswith(REPEAT_MARK)
        self.stored_hash = stored.acknowledged_hash
        if stored.message_id:
            self.state = State.SHOWN
            self.shown_hash = stored.acknowledged_hash or None
        elif stored.untried:
            self.begun = True
        elif stored.uncertain:
            self.state = State.UNSURE
            self.labelled = self.labelled or not idempotent
        elif stored.acknowledged_hash:
            self.state = State.GIVEN_UP
            self.given_hash = stored.acknowledged_hash

    def want(self, page: Page, *, final: bool) -> None:
        """Set the desired content; an equal page changes nothing."""
        if page is not self.desired or not self.desired_hash:
            content = page_hash(page)
            if content != self.desired_hash:
                self.desired_hash = content
                self.plain = self.plained >= PLAIN_FOR_GOOD
                self.cuts = 0
            self.desired = page
        if final and self.state is State.GIVEN_UP and self.given_hash != self.desired_hash:
            self.advance(Event.RENEWED)

    def dressed(self) -> Page:
        """Return the desired page as it is to be put now."""
        assert self.desired is not None, "a page is dressed only when it is desired"
        page = cut(self.desired, self.cuts) if self.cuts else self.desired
        return labelled(page) if self.labelled else page

    def put_otherwise(self, error: Refused, *, is_send: bool) -> Outcome | None:
        """Choose another way to put content that was refused; None: no way is left."""
        if not self.plain:
            self.plain = True
            self.plained += 1
            return Outcome.PLAINED
        if isinstance(error, TooLong) and self.cuts < MOST_CUTS:
            self.cuts += 1
            return Outcome.CUT
        if is_send and self.with_reply:
            self.with_reply = False
            return Outcome.RETRIED
        return None

    def forget_message(self) -> None:
        """Let go of a message that is not there any more, or cannot be used."""
        self.message_id = ""
        self.shown_hash = None
        self.shown_buttons = None
        self.stored_hash = ""
        self.edits = 0
        self.stuck = False

    @property
    def is_equal(self) -> bool:
        return self.state is State.SHOWN and self.shown_hash == self.desired_hash

    @property
    def is_settled(self) -> bool:
        """The room shows the desired content, or never will."""
        return self.is_equal or self.state is State.GIVEN_UP

    @property
    def is_due_as_message(self) -> bool:
        """It needs a send before anything that comes after it."""
        return self.state in (State.ABSENT, State.UNSURE)
