"""What the poll loop does next, by how its last poll went.

Pure; times are monotonic seconds. A poll is *long* (the server holds it until
something comes), *short* (held for a moment) or a *probe* (answered at once).

    state       outcome              → state       then
    well        updates, or none       well        long poll at once
    well        broken, refused, 5xx   troubled    probe after a growing wait
    any         no answer in time      troubled    new connections and a probe, soon
    troubled    an answer              well        long poll at once
    any         429                    as it was   the wait that it asks for
    any         409                    contested   short poll after 3 s; told after 45 s,
                                                   then after 10 s growing to 60 s
    contested   a poll in peace        well        long poll at once
    any         not stored             unstored    long poll after 1 s, nothing confirmed
    unstored    stored                 well        long poll at once

Two programs that take turns in receiving never leave the conflict for good:
it is over when none has come for longer than the longest wait.
"""

from dataclasses import dataclass
from enum import StrEnum

from navi_bot.errors import NaviError, PollConflict, StoreError, StoreUnavailable, Throttled

SILENT = "Telegram does not answer; the connections are made anew."
GROWTH = 1.5
MARGIN = 45.0
"""Seconds beyond the longest wait until a conflict without a further one is over: a poll,
and its grace."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the poll loop waits, in seconds."""

    poll: int = 25
    """Asked of the server; it allows up to 50."""
    grace: float = 15.0
    """Beyond it until a poll counts as dead."""
    probe: float = 7.0
    """For an answer that needs no waiting, and for new connections."""
    short: int = 5
    """Asked of the server while another program may poll."""
    backoff: tuple[float, float] = (1.0, 8.0)
    """First and last wait while Telegram is away; what is mended works again within 10 s."""
    store: float = 1.0
    """While nothing is stored: a stop is to be heard all the same."""
    early: float = 3.0
    """Between conflicts that a predecessor's last poll may cause."""
    silent: float = 45.0
    """Of conflict, before it is told; a predecessor's poll lives up to 50."""
    conflict: tuple[float, float] = (10.0, 60.0)
    """First and last wait after that."""


class State(StrEnum):
    WELL = "well"
    TROUBLED = "troubled"
    UNSTORED = "unstored"
    CONTESTED = "contested"


@dataclass(frozen=True, slots=True)
class Poll:
    """How to poll: seconds asked of the server, and those after which it is dead."""

    ask: int
    deadline: float


@dataclass(frozen=True, slots=True)
class Pause:
    """What comes before the next poll. `anew`: with new connections."""

    seconds: float
    anew: bool = False


class Listening:
    """The state of one account's receiving. `trouble` is one sentence, "" when all is well."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self.state = State.TROUBLED
        self.trouble = ""
        self._wait = patience.backoff[0]
        self._contested_since = 0.0
        self._last_conflict: float | None = None

    def begin(self) -> None:
        """Receiving begins, again perhaps: a probe tells at once how it is."""
        self.state, self.trouble = State.TROUBLED, ""

    def next_poll(self) -> Poll:
        patience = self._patience
        match self.state:
            case State.TROUBLED:
                return Poll(0, patience.probe)
            case State.CONTESTED:
                return Poll(patience.short, patience.short + patience.probe)
        return Poll(patience.poll, patience.poll + patience.grace)

    def heard(self, *, empty: bool) -> None:
        """A poll was answered, and what it brought is stored.

        Updates come to whoever asks first, so they do not say that we are alone.
        """
        self._wait = self._patience.backoff[0]
        if self.state is State.CONTESTED and not empty:
            return
        self.state, self.trouble = State.WELL, ""

    def failed(self, error: Exception, now: float) -> Pause:
        """A poll came to nothing, or what it brought was not stored."""
        match error:
            case PollConflict():
                return Pause(self._after_conflict(error, now))
            case Throttled():
                return Pause(error.retry_after + 0.5)
            case StoreUnavailable() | StoreError():
                self.state, self.trouble = State.UNSTORED, str(error)
                return Pause(self._patience.store)
            case NaviError():
                self.state, self.trouble = State.TROUBLED, str(error)
                wait, self._wait = self._wait, min(self._wait * GROWTH, self._patience.backoff[1])
                return Pause(wait)
        self.state, self.trouble = State.TROUBLED, SILENT
        return Pause(self._patience.backoff[0], anew=True)

    def _after_conflict(self, error: PollConflict, now: float) -> float:
        first, longest = self._patience.conflict
        before, self._last_conflict = self._last_conflict, now
        if before is None or now - before > longest + MARGIN:
            self._contested_since = now
        self.state = State.CONTESTED
        overdue = now - self._contested_since - self._patience.silent
        if overdue < 0:
            return self._patience.early
        self.trouble = f"{error} Stop the other program, or revoke the token with @BotFather."
        return min(first + overdue, longest)
