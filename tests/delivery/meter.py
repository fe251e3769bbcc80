"""What a platform would count."""

from dataclasses import dataclass

from navi_bot.delivery.governor import BURST, OVERALL_RATE


@dataclass
class Meter:
    """An upper bound of what the platform takes, kept apart from the governor."""

    rate: float
    burst: float
    at: float
    tokens: float = 0.0
    blocked_until: float = 0.0

    def __post_init__(self) -> None:
        self.tokens = self.burst

    def block(self, until: float) -> None:
        """The platform named a time; then it takes a call again."""
        self.blocked_until = max(self.blocked_until, until)
        self.tokens = max(self.tokens, 1.0)

    def count(self, now: float) -> None:
        self.tokens = min(self.burst, self.tokens + (now - self.at) * self.rate)
        self.at = now
        assert now >= self.blocked_until - 1e-6, "a call was made during a penalty"
        assert self.tokens >= 1 - 1e-6, "more calls were made than the bucket holds"
        self.tokens -= 1


class Meters:
    """One for each chat and one for the account."""

    def __init__(self, private_interval: float, group_interval: float, now: float) -> None:
        self._intervals = private_interval, group_interval
        self._overall = Meter(OVERALL_RATE, BURST, now)
        self._chats: dict[str, Meter] = {}

    def count(self, chat: str, group: bool, now: float) -> None:
        if chat not in self._chats:
            self._chats[chat] = Meter(1 / self._intervals[group], BURST, now)
        self._chats[chat].count(now)
        self._overall.count(now)

    def block(self, chat: str, until: float) -> None:
        self._chats[chat].block(until)

    def pause(self, until: float) -> None:
        self._overall.blocked_until = until
