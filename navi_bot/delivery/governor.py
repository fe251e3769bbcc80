"""Who may make the next call: one governor for all calls of a bot account.

How it works. Every chat has a bucket of tokens, and so has the account; a call
takes one from each. A chat says with `ask` that it has something to call and
how urgent it is; `grant` names the chat whose turn it is. A chat that cannot
go yet (bucket empty, under a penalty) stands in `_later`, ordered by when it
can; one that can stands in `_ready`, ordered by priority and then by who was
served longest ago. So a decision costs O(log n) of the chats that ask, and
nothing for those that are silent.

Progress goes only from a full bucket, so that final states and answers find
tokens at any time; and as the platform's own bucket is full then too, ours
says what the platform would.

A refusal opens a penalty for its chat alone, unless it turns out that all are
refused (`blame`); then everything waits. What is learnt from it is told in
`bucket`. Pure: `now` is monotonic seconds.
"""

import heapq
import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count

from navi_bot.delivery.blame import Blame, Refusal
from navi_bot.delivery.bucket import ROUNDING, Bucket, Use
from navi_bot.messages import Priority

BURST = 3.0
"""Calls in a row, to one chat and to all: with one each 3.5 s, 20 in any minute to a group."""
OVERALL_RATE = 25.0
"""Calls a second, unless said otherwise: 28 in any second; Telegram takes about 30 of one bot."""
NEED = {
    Priority.FINAL: 1.0,
    Priority.ANSWER: 1.0,
    Priority.FIRST: 2.0,
    Priority.PROGRESS: BURST,
    Priority.TYPING: BURST,
}
"""Tokens that must be in a chat's bucket for a call, if the bucket holds so many."""
TIDY_EVERY = 1024
"""New chats after which idle buckets are let go."""


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
        one_limit: bool = False,
    ) -> None:
        """`one_limit`: what the platform limits is the account, so its refusals teach a rate."""
        self._intervals = {False: private_interval, True: group_interval}
        self._overall = Bucket(overall_rate, BURST, now)
        self._use, self._one_limit = Use(), one_limit
        self._cold_since = -math.inf
        self._chats: dict[str, Chat] = {}
        self._ready: list[Standing] = []
        self._later: list[Standing] = []
        self._serials = count(1)
        self._blame = Blame()
        self._untidy = 0
        self.granted = Priority.TYPING
        """How urgent the wish was that `grant` answered last."""

    def begin_anew(self, now: float) -> None:
        """Void all wishes. What was learnt holds on; chats not known yet have no full bucket.

        An earlier process may just have called there; as progress needs a full
        bucket, it left the others.
        """
        self._cold_since = now
        for known in self._chats.values():
            known.wish = None

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
            if known.bucket.ready_at(NEED[known.wish], now) > now:
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

    def spent(self, chat: str, group: bool, now: float, *, again: bool = False) -> None:
        """Take the tokens of a call that is being made; `again`: the chat's turn is not over."""
        known = self._chat(chat, group, now)
        known.bucket.take(now)
        known.served = known.served if again else now
        self._overall.take(now)
        self._use.note(now)

    def typed(self, now: float) -> None:
        """Take the token of a typing action; platforms do not count it with a chat's messages."""
        self._overall.take(now)

    def accepted(self, chat: str) -> None:
        """Learn from a call that the platform took."""
        self._teach(self._blame.taken())
        known = self._chats.get(chat)
        if known is not None:
            known.bucket.accepted()
        self._overall.accepted()

    def throttled(self, chat: str, group: bool, retry_after: float, now: float) -> None:
        """Learn from a refusal: this chat waits `retry_after` seconds, or all do."""
        known, until = self._chat(chat, group, now), now + retry_after
        is_new = known.bucket.blocked_until <= now  # no call that was under way with another
        known.bucket.block(until, now)
        if known.wish is not None:
            known.serial = next(self._serials)
            self._place(chat, known, now)
        if now < self._overall.blocked_until:
            self._overall.block(until, now)
        elif is_new:
            self._teach(self._blame.passed(now))
            lesson = 0.0 if self._one_limit else known.bucket.lesson()
            if self._blame.refused(Refusal(chat, now, until, lesson)):
                self._overall.slow_down(self._use.rate if self._one_limit else math.inf)
                self._overall.block(until, now)

    def pause(self, until: float) -> None:
        """Make no call at all before a time."""
        self._overall.blocked_until = max(self._overall.blocked_until, until)

    def _chat(self, chat: str, group: bool, now: float) -> Chat:
        known = self._chats.get(chat)
        if known is None:
            self._tidy(now)
            bucket = Bucket(1 / self._intervals[group], BURST, now)
            bucket.tokens = min(BURST, BURST - 1 + (now - self._cold_since) * bucket.rate)
            known = Chat(bucket)
            self._chats[chat] = known
        return known

    def _teach(self, alone: Iterable[Refusal]) -> None:
        """Let the chats learn that were refused alone."""
        for refusal in alone:
            if (known := self._chats.get(refusal.chat)) is not None:
                known.bucket.learn(refusal.lesson)

    def _place(self, chat: str, known: Chat, now: float) -> None:
        assert known.wish is not None, "only a chat that asks is placed"
        ready = known.bucket.ready_at(NEED[known.wish], now)
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
        return self._overall.ready_at(1.0 if wish <= Priority.ANSWER else BURST, now)

    def _tidy(self, now: float) -> None:
        self._untidy += 1
        if self._untidy < TIDY_EVERY:
            return
        self._untidy = 0
        for chat, known in list(self._chats.items()):
            if known.wish is None and known.bucket.is_idle(now):
                del self._chats[chat]
