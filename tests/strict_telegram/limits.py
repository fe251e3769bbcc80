"""How many calls the platform takes, as pure token buckets and windows.

Telegram's backend does not publish its limits. What is known: about one
message a second a chat with short bursts, 20 a minute in a group, 30 a second
for the bot, and a penalty whose length differs (1 s to more than 130 s) and
which grows for those who do not wait. Whether "20 a minute" is a bucket or a
sliding window is not known; a client should pass both.
"""

import math
from collections import deque
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
class Window:
    """At most `count` calls in any stretch of `seconds`."""

    count: int
    seconds: float


Rule = Rate | Window


@dataclass(frozen=True, slots=True)
class Limits:
    """What is limited and how a breach is punished. Times are in seconds.

    `counted` are patterns of lower-case method names. A penalty lasts at
    least `penalty`; each call made during it multiplies it by `growth`, up to
    `longest`.
    """

    chat: Rule | None = Rate(1, 1.0, 3)
    group: Rule | None = Rate(20, 60.0, 20)
    overall: Rule | None = Rate(30, 1.0, 30)
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
SLIDING = Limits(group=Window(20, 60.0), overall=Window(30, 1.0), penalty=30.0, growth=2.0)
NAMED = {"off": OFF, "mild": MILD, "harsh": HARSH, "cruel": CRUEL, "sliding": SLIDING}
Name = Literal["off", "mild", "harsh", "cruel", "sliding"]


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


class Slots:
    """The calls of a window's last seconds. Empty at first."""

    def __init__(self, window: Window) -> None:
        self._window = window
        self._taken: deque[float] = deque()
        self._at = 0.0

    def wait(self, now: float) -> float:
        """Return the seconds until a call leaves the window; 0.0 if there is room."""
        self._at = now
        while self._taken and self._taken[0] <= now - self._window.seconds + 1e-9:
            self._taken.popleft()
        is_free = len(self._taken) < self._window.count
        return 0.0 if is_free else self._taken[0] + self._window.seconds - now

    def take(self) -> None:
        """Use the room that `wait` found."""
        self._taken.append(self._at)


@dataclass(slots=True)
class _Penalty:
    until: float
    length: float


Scope = tuple[str, int]
"""What a rule or a penalty is about: a chat, a group, or ("overall", 0)."""

OVERALL: Scope = ("overall", 0)


@dataclass(slots=True)
class Gate:
    """All rules of one bot. `charge` answers with the wait in whole seconds."""

    limits: Limits
    _meters: dict[Scope, Bucket | Slots] = field(default_factory=dict)
    _penalties: dict[Scope, _Penalty] = field(default_factory=dict)
    _coming: dict[Scope, float] = field(default_factory=dict)

    def charge(self, method: str, chat: int, is_group: bool, now: float) -> int:
        """Take a token of every rule of a call; 0, or seconds of a refusal.

        A refused call takes none. A call under a penalty lengthens it.
        """
        if not self.limits.counts(method):
            return 0
        rules = self._rules(chat, is_group)
        for scope in rules:
            penalty = self._penalties.get(scope)
            if penalty is not None and now < penalty.until:
                return self._lengthen(penalty, now)
            if scope in self._coming:
                return self._open(scope, self._coming.pop(scope), now)
        meters = {scope: self._meter(scope, rule, now) for scope, rule in rules.items() if rule}
        for scope, meter in meters.items():
            wait = meter.wait(now)
            if wait > 0:
                return self._open(scope, max(self.limits.penalty, wait), now)
        for meter in meters.values():
            meter.take()
        return 0

    def punish(self, chat: int | None, seconds: float) -> None:
        """Open a penalty without cause at a chat's next call; None: at anyone's, for all."""
        self._coming[OVERALL if chat is None else ("chat", chat)] = seconds

    def _open(self, scope: Scope, length: float, now: float) -> int:
        self._penalties[scope] = _Penalty(now + length, length)
        return max(1, math.ceil(length))

    def _rules(self, chat: int, is_group: bool) -> dict[Scope, Rule | None]:
        limits = self.limits
        group = {("group", chat): limits.group} if is_group else {}
        return {("chat", chat): limits.chat, **group, OVERALL: limits.overall}

    def _meter(self, scope: Scope, rule: Rule, now: float) -> Bucket | Slots:
        if scope not in self._meters:
            self._meters[scope] = Bucket(rule, now) if isinstance(rule, Rate) else Slots(rule)
        return self._meters[scope]

    def _lengthen(self, penalty: _Penalty, now: float) -> int:
        if self.limits.growth > 1:
            penalty.length = min(self.limits.longest, penalty.length * self.limits.growth)
            penalty.until = now + penalty.length
        return max(1, math.ceil(penalty.until - now))
