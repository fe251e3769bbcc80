"""Who was refused, a chat or the whole account? The platform does not say.

How it works. A refusal stays open until the next answer. If a call is taken
then, or the penalty passes, the chat was refused alone. If another chat is
refused instead, and is told an end that is not before the first one's, all
are. While chats are refused one by one, two in a row may be chance, and more
are asked for. After a penalty of all, one refusal is enough until a call is
taken. Pure: times are monotonic seconds.
"""

import math
from dataclasses import dataclass

SEVERAL, MANY = 2, 4
"""Chats refused in a row: all are; so many, while chats are refused one by one."""
ONE_BY_ONE = 60.0
"""Seconds for which a chat that was refused alone says that chats are."""
SAME_END = 1.5
"""Seconds by which two words about one end may differ: the platform tells whole seconds."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """When a chat was refused, until when, and what that teaches if it was refused alone."""

    chat: str
    at: float
    until: float
    lesson: float


class Blame:
    """The refusals that nothing explains yet."""

    def __init__(self) -> None:
        self._open: dict[str, Refusal] = {}
        self._alone_at = -math.inf
        self._were_all = False

    def refused(self, refusal: Refusal) -> bool:
        """Note a refusal; answer whether the whole account is refused."""
        self._open[refusal.chat] = refusal
        alike = sum(other.until <= refusal.until + SAME_END for other in self._open.values())
        one_by_one = refusal.at < self._alone_at + ONE_BY_ONE
        enough = 1 if self._were_all else MANY if one_by_one else SEVERAL
        if alike < enough:
            return False
        self._open.clear()
        self._were_all = True
        return True

    def taken(self) -> tuple[Refusal, ...]:
        """Note that a call was taken; return what chats were refused alone before."""
        self._were_all = False
        return self._alone(tuple(self._open.values()))

    def passed(self, now: float) -> tuple[Refusal, ...]:
        """Return the refusals whose penalties passed while no other chat was refused."""
        return self._alone(tuple(one for one in self._open.values() if one.until <= now))

    def _alone(self, refusals: tuple[Refusal, ...]) -> tuple[Refusal, ...]:
        for refusal in refusals:
            del self._open[refusal.chat]
            self._alone_at = max(self._alone_at, refusal.at)
        return refusals
