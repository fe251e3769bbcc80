"""A post in delivery's memory: its head, its machine, and where its pages come from."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import structlog

from navi_bot.delivery.actions import Call, Done, Wait
from navi_bot.delivery.post import PostMachine
from navi_bot.delivery.terms import Terms
from navi_bot.messages import Head, Page
from navi_bot.ports.delivery import LiveSource, StoredPost

log = structlog.get_logger()

UNCHANGED_WAIT = 0.1
"""Seconds between two looks at a source that showed nothing new."""


@dataclass(slots=True)
class Entry:
    """One post. Times are monotonic seconds."""

    head: Head
    terms: Terms
    interval: float
    """Seconds between two looks at a source whose changes have to wait."""
    machine: PostMachine = field(init=False)
    source: LiveSource | None = None
    settled: Sequence[Page] | None = None
    """The content for good, once there is one; then there is no source."""
    dirty: bool = False
    """The source may show something that the machine does not know."""
    pull_at: float = 0.0
    changes_at: float | None = None
    """When the source changes by itself."""
    loaded: bool = False
    """What earlier runs stored is known."""
    in_flight: bool = False
    served: float = -math.inf
    """When the last call was made for it."""

    def __post_init__(self) -> None:
        self.machine = PostMachine(self.terms)

    @property
    def is_final(self) -> bool:
        """The content is settled, whether the machine knows it yet or not."""
        return self.settled is not None or (self.source is not None and self.source.final)

    @property
    def is_delivered(self) -> bool:
        """Every final page is acknowledged, or never will be."""
        knows = self.loaded and not self._is_stale
        return knows and self.machine.final and not self.machine.is_behind

    @property
    def is_done(self) -> bool:
        """Nothing is left to call for this post, for good."""
        if not self.loaded or self.in_flight or self._is_stale:
            return False
        is_inert = self.source is None and self.settled is None
        return is_inert or isinstance(self.machine.next_action(self.pull_at), Done)

    def follow(self, source: LiveSource) -> None:
        self.source, self.settled = source, None
        self.dirty, self.pull_at = True, 0.0

    def settle(self, pages: Sequence[Page]) -> None:
        """End the following; `pages` are the content for good."""
        self.source, self.settled, self.dirty = None, pages, False
        if self.loaded:
            self.machine.want(pages, final=True)

    def adopt(self, stored: StoredPost | None) -> None:
        """Take over what an earlier run stored."""
        if stored is not None:
            self.machine.adopt(stored)
        self.loaded = True
        if self.settled is not None:
            self.machine.want(self.settled, final=True)

    def may_pull(self, now: float) -> bool:
        """Whether the source is to be asked when a call is granted."""
        if not self.loaded or self.in_flight or self.source is None:
            return False
        if self._is_stale and self.source.final:
            return True
        changed = self.changes_at is not None and self.changes_at <= now
        return (self.dirty or changed) and self.pull_at <= now

    def pull(self, now: float) -> None:
        """Ask the source for its pages; one that fails is not asked again."""
        assert self.source is not None, "only a followed post is pulled"
        self.dirty = False
        try:
            self.machine.want(self.source.pages(now), self.source.final)
            changes_at = self.source.wakes_at(now)
        except Exception:
            log.exception("live_source_failed", key=self.head.key)
            self.source, changes_at = None, None
        self.changes_at = None if changes_at is None else max(changes_at, now + UNCHANGED_WAIT)
        self.pull_at = self._next_look(now)

    def _next_look(self, now: float) -> float:
        """Return when the source is asked again, unless a call is made before."""
        if not self.machine.has_messages:
            return now
        if not self.machine.is_behind:
            return now + UNCHANGED_WAIT
        action = self.machine.next_action(now)
        until = action.until if isinstance(action, Wait) else None
        return now + self.interval if until is None else min(until, now + self.interval)

    def take_off(self, call: Call) -> None:
        """Note that a call is being made; after it the source is asked anew."""
        self.in_flight, self.pull_at = True, 0.0
        self.machine.begin(call)

    def wakes_at(self, now: float) -> float | None:
        """Return when something may have to be done without a further event."""
        if not self.loaded:
            return None
        times = [self.pull_at] if self.dirty else []
        if self.source is not None and self.changes_at is not None:
            times.append(max(self.changes_at, self.pull_at))
        action = self.machine.next_action(now)
        if isinstance(action, Wait) and action.until is not None:
            times.append(action.until)
        return min((time for time in times if time > now), default=None)

    @property
    def _is_stale(self) -> bool:
        """The machine does not know all that the source would show."""
        if self.source is None:
            return False
        return self.dirty or (self.source.final and not self.machine.final)


def anew(entry: Entry) -> Entry:
    """Return the entry as if nothing had been made of it yet; it is to be loaded."""
    dirty = entry.source is not None
    return replace(entry, dirty=dirty, pull_at=0.0, loaded=False, in_flight=False)
