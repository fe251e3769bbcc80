"""Who may make the next call: one governor for all calls of a bot account.

How it works. Every chat has a bucket of tokens, and so has the account; a call
takes one from each. A chat says with `ask` that it has something to call and
how urgent it is; `grant` names the chat whose turn it is. A chat that cannot
go yet (bucket empty, under a penalty) stands in `_later`, ordered by when it
can; one that can stands in `_ready`, ordered by priority and then by who was
served longest ago. So a decision costs O(log n) of the chats that ask, and
nothing for those that are silent.

The last tokens of a bucket are kept back for final states and answers, so
that these never wait behind progress. Typing only takes from a full bucket.

The platform's answers teach the rate: each accepted call adds a little, up to
the rate of the start; a refusal halves it and opens a penalty for that chat
alone. Only when several chats are refused at once the whole account slows
down. Pure: `now` is monotonic seconds.
"""

import heapq
import math
from dataclasses import dataclass, field
from itertools import count

from navi_bot.messages import Priority

PRIVATE_BURST, GROUP_BURST = 3.0, 5.0
OVERALL_RATE = 25.0
"""Calls a second, unless said otherwise; Telegram takes about 30 of one bot."""
OVERALL_BURST = 5.0
KEPT_BACK, OVERALL_KEPT_BACK = 1.0, 2.0
"""Tokens of a bucket that only final states and answers may take."""
INCREASE = 0.01
"""The share of the first rate that an accepted call adds."""
SLOWEST = 1 / 60
"""Calls a second, at worst."""
SEVERAL, AT_ONCE = 3, 3.0
"""So many chats refused within so many seconds mean the whole account."""
TIDY_EVERY = 1024
"""New chats after which idle buckets are let go."""
ROUNDING = 1e-9


@dataclass(slots=True)
class Bucket:
    """Tokens that refill at a learned rate; blocked until a penalty is over."""

    first_rate: float
    burst: float
    at: float
    rate: float = 0.0
    tokens: float = 0.0
    blocked_until: float = 0.0

    def __post_init__(self) -> None:
        self.rate, self.tokens = self.first_rate, self.burst

    def ready_at(self, need: float, now: float) -> float:
        """Return when `need` tokens are there; `now` if they are."""
        self._refill(now)
        missing = need - self.tokens
        begin = max(now, self.blocked_until)
        return begin if missing <= ROUNDING else begin + missing / self.rate

    def take(self, now: float) -> None:
        self._refill(now)
        self.tokens = max(0.0, self.tokens - 1)

    def accepted(self) -> None:
        self.rate = min(self.first_rate, self.rate + self.first_rate * INCREASE)

    def slow_down(self) -> None:
        self.rate = max(min(SLOWEST, self.first_rate), self.rate / 2)

    def block(self, until: float, now: float) -> None:
        """Let nothing go before `until`; then one urgent call may go at once."""
        self._refill(now)
        self.tokens = KEPT_BACK
        self.blocked_until = max(self.blocked_until, until)

    def is_idle(self, now: float) -> bool:
        """It knows nothing that a new bucket would not know."""
        full = self.ready_at(self.burst, now) <= now
        return full and self.rate == self.first_rate

    def _refill(self, now: float) -> None:
        if now > self.at:
            # A penalty earns nothing; what was there before it stays lost.
            earning = now - max(self.at, min(now, self.blocked_until))
            self.tokens = min(self.burst, self.tokens + earning * self.rate)
            self.at = now


@dataclass(slots=True)
class Chat:
    bucket: Bucket
    served: float = -math.inf
    wish: Priority | None = None
    serial: int = 0
    """Counts wishes; entries of older ones in the heaps are void."""


@dataclass(order=True, slots=True)
class Standing:
    """A place in a heap."""

    key: tuple[float, float]
    serial: int
    chat: str = field(compare=False)


class Governor:
    """Spends the calls that a platform allows one bot account."""

    def __init__(
        self,
        private_interval: float,
        group_interval: float,
        now: float,
        overall_rate: float = OVERALL_RATE,
        *,
        cold: bool = False,
    ) -> None:
        """`cold`: another one has just spent what it could; every chat begins with one call."""
        self._intervals = {False: private_interval, True: group_interval}
        self._overall = Bucket(overall_rate, OVERALL_BURST, now)
        self._cold_since = now if cold else -math.inf
        self._chats: dict[str, Chat] = {}
        self._ready: list[Standing] = []
        self._later: list[Standing] = []
        self._serials = count(1)
        self._refusals: dict[str, float] = {}
        self._untidy = 0
        self.granted = Priority.TYPING
        """How urgent the wish was that `grant` answered last."""

    def ask(self, chat: str, group: bool, priority: Priority, now: float) -> None:
        """Have something to call. Replaces what the chat asked before."""
        known = self._chat(chat, group, now)
        if known.wish is priority:
            return
        known.wish, known.serial = priority, next(self._serials)
        self._place(chat, known, now)

    def withdraw(self, chat: str) -> None:
        """Have nothing to call any more."""
        known = self._chats.get(chat)
        if known is not None:
            known.wish = None

    def grant(self, now: float, least: Priority = Priority.TYPING) -> str | None:
        """Return the chat whose turn it is and forget its wish; None: nobody's.

        `least`: leave wishes aside that are less urgent than this. The caller
        says `spent` if it makes the call, and asks again if it has more.
        """
        self._promote(now)
        while (top := self._top(self._ready)) is not None:
            known = self._chats[top.chat]
            assert known.wish is not None, "the top of a heap is a valid wish"
            if known.wish > least or self._overall_ready_at(known.wish, now) > now:
                return None
            heapq.heappop(self._ready)
            if known.bucket.ready_at(_need(known.wish, known.bucket.burst), now) > now:
                self._place(top.chat, known, now)  # another call took its token
                continue
            self.granted, known.wish = known.wish, None
            return top.chat
        return None

    def wakes_at(self, now: float, least: Priority = Priority.TYPING) -> float | None:
        """Return when `grant` may answer next, None if nobody asks."""
        times = []
        self._promote(now)
        if (top := self._top(self._ready)) is not None:
            wish = self._chats[top.chat].wish
            assert wish is not None, "the top of a heap is a valid wish"
            if wish <= least:
                times.append(self._overall_ready_at(wish, now))
        if (later := self._top(self._later)) is not None:
            times.append(later.key[0])
        return min(times, default=None)

    def spent(self, chat: str, group: bool, now: float) -> None:
        """Take the tokens of a call that is being made."""
        known = self._chat(chat, group, now)
        known.bucket.take(now)
        known.served = now
        self._overall.take(now)

    def accepted(self, chat: str) -> None:
        """Learn from a call that the platform took."""
        known = self._chats.get(chat)
        if known is not None:
            known.bucket.accepted()
        self._overall.accepted()

    def throttled(self, chat: str, group: bool, retry_after: float, now: float) -> None:
        """Learn from a refusal: this chat waits `retry_after` seconds."""
        known = self._chat(chat, group, now)
        known.bucket.slow_down()
        known.bucket.block(now + retry_after, now)
        if known.wish is not None:
            known.serial = next(self._serials)
            self._place(chat, known, now)
        self._refusals[chat] = now
        recent = {c: at for c, at in self._refusals.items() if now - at <= AT_ONCE}
        self._refusals = recent
        if len(recent) >= SEVERAL:
            self._overall.slow_down()
            self._refusals = {}

    def pause(self, until: float) -> None:
        """Make no call at all before a time."""
        self._overall.blocked_until = max(self._overall.blocked_until, until)

    def _chat(self, chat: str, group: bool, now: float) -> Chat:
        known = self._chats.get(chat)
        if known is None:
            self._tidy(now)
            burst = GROUP_BURST if group else PRIVATE_BURST
            known = Chat(Bucket(1 / self._intervals[group], burst, now))
            earned = KEPT_BACK + (now - self._cold_since) / self._intervals[group]
            known.bucket.tokens = min(burst, earned)
            self._chats[chat] = known
        return known

    def _place(self, chat: str, known: Chat, now: float) -> None:
        assert known.wish is not None, "only a chat that asks is placed"
        ready = known.bucket.ready_at(_need(known.wish, known.bucket.burst), now)
        is_ready = ready <= now
        heap = self._ready if is_ready else self._later
        if len(heap) > 64 + 4 * len(self._chats):  # mostly void
            heap[:] = sorted(s for s in heap if self._is_valid(s))
        key = (float(known.wish), known.served) if is_ready else (ready, 0.0)
        heapq.heappush(heap, Standing(key, known.serial, chat))

    def _promote(self, now: float) -> None:
        while (top := self._top(self._later)) is not None and top.key[0] <= now + ROUNDING:
            heapq.heappop(self._later)
            known = self._chats[top.chat]
            assert known.wish is not None, "the top of a heap is a valid wish"
            self._place(top.chat, known, now + ROUNDING)

    def _top(self, heap: list[Standing]) -> Standing | None:
        """Return the first valid entry, void ones removed."""
        while heap and not self._is_valid(heap[0]):
            heapq.heappop(heap)
        return heap[0] if heap else None

    def _is_valid(self, standing: Standing) -> bool:
        known = self._chats.get(standing.chat)
        return known is not None and known.wish is not None and known.serial == standing.serial

    def _overall_ready_at(self, wish: Priority, now: float) -> float:
        urgent = wish <= Priority.ANSWER
        return self._overall.ready_at(1 if urgent else 1 + OVERALL_KEPT_BACK, now)

    def _tidy(self, now: float) -> None:
        self._untidy += 1
        if self._untidy < TIDY_EVERY:
            return
        self._untidy = 0
        for chat, known in list(self._chats.items()):
            if known.wish is None and known.bucket.is_idle(now):
                del self._chats[chat]


def _need(wish: Priority, burst: float) -> float:
    """Return the tokens that must be there for a call of this priority."""
    if wish <= Priority.ANSWER:
        return 1.0
    return burst if wish is Priority.TYPING else 1.0 + KEPT_BACK
