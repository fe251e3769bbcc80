"""What one chat, or the whole account, may call: tokens, and what refusals taught.

How it learns. A bucket begins with the rate and the burst that the platform is
believed to take. A call that is refused although it came no closer behind the
one before than the first rate says was made in good time: the rate is halved.
One that came closer, on saved tokens, came too close: only as many in a row as
went well are let through from now on, unless it turns out later that it was
the rate after all. Accepted calls win back in half an hour what was lost: so a
limit that is always there costs one penalty in that time, and one that has
gone is forgotten. Pure: `now` is monotonic seconds.
"""

import math
from dataclasses import dataclass

MENDS_IN = 1800.0
"""Seconds of calling that undo a halving."""
LONGEST_GAP = 3.0
"""Seconds that one call may count for: silence teaches nothing, and 600 calls are the least."""
SLOWEST = 1 / 60
"""Calls a second, at worst."""
LATELY = 30.0
"""Seconds over which the use of calls is averaged."""
AFTER_PENALTY = 1.0
"""Tokens at the end of a penalty: one urgent call may go at once."""
ROUNDING = 1e-9


@dataclass(slots=True)
class Use:
    """How many calls a second were made lately, whatever was allowed."""

    rate: float = 0.0
    _at: float = -math.inf

    def note(self, now: float) -> None:
        faded = self.rate * math.exp((self._at - now) / LATELY)
        self.rate, self._at = faded + 1 / LATELY, now


@dataclass(slots=True)
class Bucket:
    """Tokens that refill at `rate` a second up to `burst`; blocked until a penalty is over."""

    first_rate: float
    first_burst: float
    at: float
    rate: float = 0.0
    burst: float = 0.0
    tokens: float = 0.0
    blocked_until: float = 0.0
    found: float = 0.0
    """The tokens that the last call found."""
    gap: float = math.inf
    """Seconds between the last two calls."""
    taken_at: float = -math.inf

    def __post_init__(self) -> None:
        self.rate, self.burst, self.tokens = self.first_rate, self.first_burst, self.first_burst

    @property
    def holds(self) -> int:
        """The tokens of a full bucket; a part of one lets nothing through."""
        return math.floor(self.burst + ROUNDING)

    def ready_at(self, need: float, now: float) -> float:
        """Return when `need` tokens, or as many as it holds, are there; `now` if they are."""
        self._refill(now)
        missing = min(need, self.holds) - self.tokens
        begin = max(now, self.blocked_until)
        return begin if missing <= ROUNDING else begin + missing / self.rate

    def take(self, now: float) -> None:
        self._refill(now)
        self.found, self.gap, self.taken_at = self.tokens, now - self.taken_at, now
        self.tokens = max(0.0, self.tokens - 1)

    def accepted(self) -> None:
        mended = 2 ** (min(self.gap, LONGEST_GAP) / MENDS_IN)
        self.rate = min(self.first_rate, self.rate * mended)
        self.burst = min(self.first_burst, self.burst * mended)

    def lesson(self) -> float:
        """Return what a refusal of the last call teaches: a burst, or 0.0 for a lower rate."""
        is_close = self.gap < 1 / self.first_rate - ROUNDING
        return max(1.0, self.holds - self.found) if is_close else 0.0

    def learn(self, lesson: float) -> None:
        """Take a `lesson` to heart."""
        if lesson:
            self.burst = min(self.burst, lesson)
        else:
            self.slow_down()
            self.burst = self.first_burst

    def slow_down(self, used: float = math.inf) -> None:
        """Halve the rate, or what was `used` of it lately (calls a second) if that is less."""
        self.rate = max(min(SLOWEST, self.first_rate), min(self.rate, used) / 2)

    def block(self, until: float, now: float) -> None:
        """Let nothing go before `until`; nothing is earned while it waits."""
        self._refill(now)
        self.tokens = AFTER_PENALTY
        self.blocked_until = max(self.blocked_until, until)

    def is_idle(self, now: float) -> bool:
        """It knows nothing that a new bucket would not know."""
        full = self.ready_at(self.burst, now) <= now
        return full and (self.rate, self.burst) == (self.first_rate, self.first_burst)

    def _refill(self, now: float) -> None:
        if now > self.at:
            earning = now - max(self.at, min(now, self.blocked_until))
            self.tokens = min(self.holds, self.tokens + earning * self.rate)
            self.at = now
