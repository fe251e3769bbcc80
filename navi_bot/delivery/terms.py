"""How one account takes posts: pace, repeats, waits after a failure."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from navi_bot.ports.platform import Outbound

UNSENT_BACKOFF, DOUBT_BACKOFF, LONGEST_BACKOFF = 0.5, 1.0, 60.0
"""Seconds before the first repeat, doubled each time, and at most."""

CREDENTIAL_WAIT = 30.0
"""Seconds between tries while the platform refuses our credentials."""


class Account(Protocol):
    """The part of an adapter that delivery needs."""

    @property
    def platform(self) -> str: ...
    @property
    def account(self) -> str: ...
    @property
    def outbound(self) -> Outbound: ...
    @property
    def private_interval(self) -> float: ...
    @property
    def group_interval(self) -> float: ...
    @property
    def late_interval(self) -> float: ...
    @property
    def one_limit(self) -> bool: ...


def new_token() -> str:
    """Return 24 random hex digits."""
    return secrets.token_hex(12)


@dataclass(frozen=True, slots=True)
class Pace:
    """How often one message is edited while its content grows.

    The first edits keep the chat's own pace, `interval` in seconds, and so do
    all without `late`. Where each edit is stored for ever (Matrix), those after
    number `after` wait `late` seconds; from `steady` on each waits `stretch`
    times longer than the one before, so that `limit` edits last for many minutes.
    """

    interval: float
    late: float = 0.0
    after: int = 10
    steady: int = 20
    stretch: float = 1.2
    limit: int | None = 40

    def gap(self, edits: int) -> float:
        """Return the least seconds between edit number `edits` and the next."""
        if not self.late:
            return 0.0
        pace = max(self.interval, self.late) if edits >= self.after else self.interval
        if edits >= self.steady:
            return pace * self.stretch ** (edits - self.steady + 1)
        return pace if pace > self.interval else 0.0


def pace_of(account: Account, group: bool, limit: int | None) -> Pace:
    """Return the pace of a message in a chat; `limit` is of edits that are stored for ever."""
    interval = account.group_interval if group else account.private_interval
    late = account.late_interval
    return Pace(interval, late, limit=limit if late else None)


@dataclass(frozen=True, slots=True)
class Terms:
    """`idempotent`: a send repeated with its transaction has no second effect.

    `token` makes a transaction's unique part.
    """

    pace: Pace
    idempotent: bool
    token: Callable[[], str]


@dataclass(slots=True)
class Backoff:
    """Waits that double with each failure in a row."""

    until: float = 0.0
    failures: int = 0

    def failed(self, now: float, base: float) -> None:
        self.until = now + min(LONGEST_BACKOFF, base * 2**self.failures)
        self.failures = min(self.failures + 1, 10)

    def succeeded(self) -> None:
        self.until, self.failures = 0.0, 0
