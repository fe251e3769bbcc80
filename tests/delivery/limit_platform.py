"""The platform's rules, modelled a second time: what it takes, and when it would have.

By theoretical arrival times instead of tokens, so that a fault of one model
does not hide in the other: every verdict of the server is compared with ours.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from delivery.crowd import Run
from delivery.loopback import Trip
from strict_telegram.limits import Rate, Rule

Scope = tuple[str, str]
OVERALL: Scope = ("overall", "")


@dataclass(slots=True)
class Rules:
    """One rule's calls so far. `due`: when the bucket would be full again."""

    rule: Rule
    due: float = -math.inf
    taken: list[float] = field(default_factory=list)

    def free_at(self, after: float) -> float:
        """Return the first time, not before `after`, at which a call is taken."""
        if isinstance(self.rule, Rate):
            gap = self.rule.seconds / self.rule.count
            return max(after, self.due - (self.rule.burst - 1) * gap)
        if len(self.taken) < self.rule.count:
            return after
        return max(after, self.taken[-self.rule.count] + self.rule.seconds)

    def take(self, at: float) -> None:
        if isinstance(self.rule, Rate):
            self.due = max(self.due, at) + self.rule.seconds / self.rule.count
        else:
            self.taken.append(at)


@dataclass(slots=True)
class Ban:
    """A penalty under way."""

    until: float = -math.inf
    length: float = 0.0


@dataclass(slots=True)
class Platform:
    """All rules and penalties of one run, as they are between two calls."""

    run: Run
    _rules: dict[Scope, Rules] = field(default_factory=dict)
    _bans: dict[Scope, Ban] = field(default_factory=dict)
    _coming: dict[Scope, float] = field(default_factory=dict)

    def free_at(self, chat: str, after: float) -> float:
        """Return the first time from `after` on at which a call to a chat is taken.

        Never, as far as is known, while the next call is to open a penalty.
        """
        if any(scope in self._coming for scope in _scopes(chat)):
            return math.inf
        at = max([after, *(self._ban(scope).until for scope in _scopes(chat))])
        for rules in self._limited(chat).values():
            at = rules.free_at(at)
        return at

    def is_banned(self, at: float) -> bool:
        """Whether a call that comes in then is refused because all are."""
        return OVERALL in self._coming or at < self._ban(OVERALL).until

    def punish(self, chat: str | None, seconds: float) -> None:
        self._coming[OVERALL if chat is None else ("chat", chat)] = seconds

    def apply(self, trip: Trip) -> None:
        """Take a call, or punish it; our verdict must be the server's."""
        wait = self._judge(trip.made.chat, trip.arrived)
        assert (trip.wait > 0) == (wait > 0), f"two models disagree about {trip}"
        assert abs(trip.wait - wait) <= 1.0 + 1e-6, f"two models disagree about {trip}"
        if not wait:
            for rules in self._limited(trip.made.chat).values():
                rules.take(trip.arrived)

    def _judge(self, chat: str, at: float) -> float:
        """Return the seconds of a refusal, opened or lengthened; 0.0 if there is none."""
        limits = self.run.limits
        for scope in _scopes(chat):
            ban = self._ban(scope)
            if at < ban.until - 1e-6:
                if limits.growth > 1:
                    longer = min(limits.longest, ban.length * limits.growth)
                    self._bans[scope] = Ban(at + longer, longer)
                return self._ban(scope).until - at
            if scope in self._coming:
                return self._open(scope, at, self._coming.pop(scope))
        for scope, rules in self._limited(chat).items():
            wait = rules.free_at(at) - at
            if wait > 1e-6:
                return self._open(scope, at, max(limits.penalty, wait))
        return 0.0

    def _open(self, scope: Scope, at: float, seconds: float) -> float:
        self._bans[scope] = Ban(at + seconds, seconds)
        return seconds

    def _ban(self, scope: Scope) -> Ban:
        return self._bans.get(scope, Ban())

    def _limited(self, chat: str) -> dict[Scope, Rules]:
        limits = self.run.limits
        kinds: dict[str, Rule | None]
        kinds = {"chat": limits.chat, "group": limits.group, "overall": limits.overall}
        return {
            scope: self._rules.setdefault(scope, Rules(rule))
            for scope in _scopes(chat)
            if (rule := kinds[scope[0]]) is not None
        }


def replay(run: Run) -> Iterator[tuple[Platform, Trip]]:
    """Yield each counted call of a run and the platform as it is before it."""
    platform = Platform(run)
    penalties = sorted(run.penalties, key=lambda penalty: penalty.at)
    for trip in counted(run):
        while penalties and penalties[0].at <= trip.arrived:
            first = penalties.pop(0)
            platform.punish(first.chat, first.seconds)
        yield platform, trip
        platform.apply(trip)


def counted(run: Run) -> list[Trip]:
    """Return the calls that the limits count, in the order in which they came in."""
    return sorted((trip for trip in run.trips if trip.counted), key=lambda trip: trip.arrived)


def _scopes(chat: str) -> list[Scope]:
    group = [("group", chat)] if chat.startswith("group") else []
    return [("chat", chat), *group, OVERALL]
