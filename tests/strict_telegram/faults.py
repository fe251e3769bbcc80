"""What goes wrong on purpose: scripted per method, chat and nth call, or seeded.

An action says what happens; a `Fault` says to which calls. `Plan.choose`
answers for each call, in the order of the calls.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase


@dataclass(frozen=True, slots=True)
class Throttle:
    """429: wait so many seconds. Nothing happens."""

    seconds: int = 1


@dataclass(frozen=True, slots=True)
class Broken:
    """A 5xx with an HTML body, as proxies before the real server send it."""

    status: int = 502
    after: bool = False


@dataclass(frozen=True, slots=True)
class Reset:
    """The connection is reset before the call has its effect, or `after`."""

    after: bool = False


@dataclass(frozen=True, slots=True)
class Hang:
    """No answer ever comes; the effect happens iff `after`."""

    after: bool = False


@dataclass(frozen=True, slots=True)
class Slow:
    """The effect comes after `before` seconds, its answer `after` seconds later."""

    before: float = 0.0
    after: float = 0.0


@dataclass(frozen=True, slots=True)
class Refuse:
    """Any error body."""

    code: int
    description: str


Action = Throttle | Broken | Reset | Hang | Slow | Refuse

TERMINATED = Refuse(
    409,
    "Conflict: terminated by other getUpdates request; make sure that only one bot "
    "instance is running",
)


@dataclass(slots=True, eq=False)
class Fault:
    """An action and the calls that it hits.

    `method` is a pattern in any case; "*" means every method but getUpdates.
    It starts with the `nth` matching call and hits `times` of them (None: all
    that follow), until `until` (server clock's monotonic seconds).
    """

    action: Action
    method: str = "*"
    chat: int | None = None
    text: str = ""
    """Only calls whose text contains it."""
    nth: int = 1
    times: int | None = 1
    until: float | None = None
    seen: int = 0
    hits: int = 0

    def hit(self, method: str, params: Mapping[str, str], now: float) -> bool:
        """Whether this call, which is counted, is hit."""
        pattern = self.method.lower()
        if not fnmatchcase(method, pattern) or (pattern == "*" and method == "getupdates"):
            return False
        if self.chat is not None and params.get("chat_id") != str(self.chat):
            return False
        if self.text and self.text not in params.get("text", params.get("caption", "")):
            return False
        if self.until is not None and now >= self.until:
            return False
        self.seen += 1
        if self.seen < self.nth or (self.times is not None and self.hits >= self.times):
            return False
        self.hits += 1
        return True


@dataclass(slots=True)
class Chance:
    """Random faults: each matching call is hit with the rates given."""

    seed: int
    rates: Sequence[tuple[Action, float]]
    methods: Sequence[str] = ("send*", "edit*", "delete*", "answer*", "set*")
    source: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.source = random.Random(self.seed)

    def draw(self, method: str) -> Action | None:
        """Return what hits a call, None for nothing."""
        if not any(fnmatchcase(method, pattern.lower()) for pattern in self.methods):
            return None
        drawn = self.source.random()
        for action, rate in self.rates:
            if drawn < rate:
                return action
            drawn -= rate
        return None


@dataclass(slots=True)
class Plan:
    """All faults of a server. Scripted ones go before random ones."""

    faults: list[Fault] = field(default_factory=list)
    chance: Chance | None = None

    def choose(self, method: str, params: Mapping[str, str], now: float) -> Action | None:
        """Return what hits a call (method in lower case), None for nothing."""
        for fault in self.faults:
            if fault.hit(method, params, now):
                return fault.action
        return self.chance.draw(method) if self.chance else None

    def add(self, fault: Fault) -> Fault:
        """Add a fault; the same object can be removed."""
        self.faults.append(fault)
        return fault

    def remove(self, fault: Fault) -> None:
        """Take a fault away, if it is there."""
        self.faults = [known for known in self.faults if known is not fault]

    def clear(self) -> None:
        """Let everything go well again."""
        self.faults.clear()
        self.chance = None
