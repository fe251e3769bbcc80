"""How many calls the platform takes, as pure token buckets.

Telegram's backend does not publish its limits. What is known: about one
message a second a chat with short bursts, 20 a minute in a group, 30 a second
for the bot, and a penalty whose length differs (1 s to more than 130 s) and
which grows for those who do not wait.
"""

import math
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Literal


@dataclass(frozen=True, slots=True)
class Rate:
    """`count` calls in `seconds`, at most `burst` at once."""

    count: float
    seconds: float
    burst: float


@dataclass(frozen=True, slots=True)
class Limits:
    """What is limited and how a breach is punished. Times are in seconds.

    `counted` are patterns of lower-case method names. A penalty lasts at
    least `penalty`; each call made during it multiplies it by `growth`, up to
    `longest`.
    """

    chat: Rate | None = Rate(1, 1.0, 3)
    group: Rate | None = Rate(20, 60.0, 20)
    overall: Rate | None = Rate(30, 1.0, 30)
    counted: tuple[str, ...] = ("send*", "edit*", "copymessage*", "forwardmessage*")
    typing: bool = False
    reactions: bool = False
    drafts: bool = False
    penalty: float = 1.0
    growth: float = 1.0
    longest: float = 600.0

    def counts(self, method: str) -> bool:
        """Whether calls of a method (lower case) take tokens."""
        switches = {
            "sendchataction": self.typing,
            "setmessagereaction": self.reactions,
            "sendmessagedraft": self.drafts,
        }
        if method in switches:
            return switches[method]
        return any(fnmatchcase(method, pattern) for pattern in self.counted)


OFF = Limits(chat=None, group=None, overall=None)
MILD = Limits()
HARSH = Limits(penalty=30.0, growth=2.0)
CRUEL = Limits(penalty=130.0, growth=2.0)
NAMED = {"off": OFF, "mild": MILD, "harsh": HARSH, "cruel": CRUEL}
Name = Literal["off", "mild", "harsh", "cruel"]


def named(limits: Limits | Name) -> Limits:
    """Return limits given by name or as they are."""
    return limits if isinstance(limits, Limits) else NAMED[limits]


class Bucket:
    """Tokens that refill at a rate. Full at first."""

    def __init__(self, rate: Rate, now: float) -> None:
        self._rate = rate
        self._tokens = rate.burst
        self._at = now

    def wait(self, now: float) -> float:
        """Return the seconds until a token is there; 0.0 if one is."""
        per_second = self._rate.count / self._rate.seconds
        self._tokens = min(self._rate.burst, self._tokens + (now - self._at) * per_second)
        self._at = now
        return 0.0 if self._tokens >= 1 - 1e-9 else (1 - self._tokens) / per_second

    def take(self) -> None:
        """Spend a token that `wait` found."""
        self._tokens -= 1


@dataclass(slots=True)
class _Penalty:
    until: float
    length: float


@dataclass(slots=True)
class Gate:
    """All buckets of one bot. `charge` answers with the wait in whole seconds."""

    limits: Limits
    _buckets: dict[tuple[str, int], Bucket] = field(default_factory=dict)
    _penalties: dict[tuple[str, int], _Penalty] = field(default_factory=dict)

    def charge(self, method: str, chat: int, is_group: bool, now: float) -> int:
        """Take a token of every bucket of a call; 0, or seconds of a refusal.

        A refused call takes none. A call under a penalty lengthens it.
        """
        if not self.limits.counts(method):
            return 0
        keys = self._keys(chat, is_group)
        for key, _rate in keys:
            penalty = self._penalties.get(key)
            if penalty is not None and now < penalty.until:
                return self._lengthen(penalty, now)
        buckets = [self._bucket(key, rate, now) for key, rate in keys]
        for (key, _rate), bucket in zip(keys, buckets, strict=True):
            wait = bucket.wait(now)
            if wait > 0:
                length = max(self.limits.penalty, wait)
                self._penalties[key] = _Penalty(now + length, length)
                return max(1, math.ceil(length))
        for bucket in buckets:
            bucket.take()
        return 0

    def _keys(self, chat: int, is_group: bool) -> list[tuple[tuple[str, int], Rate]]:
        limits = self.limits
        keys: list[tuple[tuple[str, int], Rate]] = []
        if limits.chat is not None:
            keys.append((("chat", chat), limits.chat))
        if limits.group is not None and is_group:
            keys.append((("group", chat), limits.group))
        if limits.overall is not None:
            keys.append((("overall", 0), limits.overall))
        return keys

    def _bucket(self, key: tuple[str, int], rate: Rate, now: float) -> Bucket:
        if key not in self._buckets:
            self._buckets[key] = Bucket(rate, now)
        return self._buckets[key]

    def _lengthen(self, penalty: _Penalty, now: float) -> int:
        if self.limits.growth > 1:
            penalty.length = min(self.limits.longest, penalty.length * self.limits.growth)
            penalty.until = now + penalty.length
        return max(1, math.ceil(penalty.until - now))
