"""The posts and small calls of one chat, and which of them goes next. No I/O.

Order. A post's first message waits for the first messages of the posts handed
over before it in the same room, and for the final pages of those that are
settled; a reply to a command does not wait for the latter. What is waited for
takes over the urgency of what waits.

Flights. One call at a time, and beside it one urgent call of another post, so
that an answer does not wait for an edit that hangs.
"""

import math
from dataclasses import dataclass, field

from navi_bot.delivery.actions import Call, Delete, Done, Edit, Send, Wait
from navi_bot.delivery.entry import Entry
from navi_bot.delivery.errand import Errand, Typing
from navi_bot.messages import Address, Priority, RoomId

MOST_FLIGHTS = 2


def is_urgent(key: str) -> bool:
    """Whether a post is a reply to a command, which waits for no final before it."""
    return key.startswith("reply:")


@dataclass(frozen=True, slots=True)
class PostJob:
    entry: Entry
    call: Call


@dataclass(frozen=True, slots=True)
class ErrandJob:
    errand: Errand


@dataclass(frozen=True, slots=True)
class TypingJob:
    address: Address


Job = PostJob | ErrandJob | TypingJob


@dataclass(slots=True)
class Option:
    """Something that may be called now. `job` None: the source is asked first."""

    priority: Priority
    job: Job | None
    served: float = -math.inf
    """When its post was served last: of equals, the longest ago goes first."""


@dataclass(slots=True)
class _Before:
    """What stands before a post in its room; the option is None if it cannot go now."""

    lacks_first: bool = False
    first: Option | None = None
    lacks_final: bool = False
    final: Option | None = None


@dataclass(slots=True)
class Lane:
    """One chat. `group` chooses its limits."""

    chat: str
    group: bool
    entries: dict[str, Entry] = field(default_factory=dict)
    errands: dict[str, Errand] = field(default_factory=dict)
    typing: dict[Address, Typing] = field(default_factory=dict)
    flights: list[Job] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        return not (self.entries or self.errands or self.typing or self.flights)

    def wish(self, now: float) -> Priority | None:
        """Return how urgent the most urgent thing to call now is; None: nothing is."""
        return min((option.priority for option in self._options(now)), default=None)

    def pick(self, now: float, granted: Priority) -> Job | None:
        """Ask the sources that changed, and return what to call now.

        Nothing less urgent than `granted`: the governor may have let the chat
        take a token that is kept back for such calls.
        """
        for entry in self.entries.values():
            if entry.may_pull(now):
                entry.pull(now)
        options = [option for option in self._options(now) if option.priority <= granted]
        best = min(options, key=lambda option: (option.priority, option.served), default=None)
        return best.job if best is not None else None

    def wakes_at(self, now: float) -> float | None:
        """Return when the wish may change by itself."""
        times = [entry.wakes_at(now) for entry in self.entries.values() if not entry.in_flight]
        times += [errand.not_before for errand in self.errands.values()]
        times += [typing.due for typing in self.typing.values()]
        return min((time for time in times if time is not None and time > now), default=None)

    def _options(self, now: float) -> list[Option]:
        if len(self.flights) >= MOST_FLIGHTS:
            return []
        options = self._post_options(now)
        options += [
            Option(Priority.ANSWER, ErrandJob(errand))
            for errand in self.errands.values()
            if errand.not_before <= now
        ]
        if not self.flights:
            options += [
                Option(Priority.TYPING, TypingJob(address))
                for address, typing in self.typing.items()
                if typing.due <= now
            ]
            return options
        return [option for option in options if option.priority <= Priority.ANSWER]

    def _post_options(self, now: float) -> list[Option]:
        """Return what the posts could call, in order, without those that have to wait."""
        rooms: dict[RoomId, _Before] = {}
        options: list[Option] = []
        for entry in self.entries.values():
            before = rooms.setdefault(entry.head.room, _Before())
            option = _option(entry, now)
            starts = not entry.loaded or entry.machine.awaits_first_send
            waits_for_final = before.lacks_final and not is_urgent(entry.head.key)
            waits = starts and (before.lacks_first or waits_for_final)
            if waits:
                if option is not None:
                    _hurry(before.first if before.lacks_first else before.final, option)
                option = None
            elif option is not None:
                options.append(option)
            if starts and not before.lacks_first:
                before.lacks_first, before.first = True, option
            if entry.is_final and not entry.is_delivered and not before.lacks_final:
                before.lacks_final, before.final = True, option
        return options


def _guess(entry: Entry) -> Priority:
    """Return how urgent a post is before its source is asked for its pages."""
    if entry.is_final:
        return Priority.FINAL
    return Priority.PROGRESS if entry.machine.has_messages else Priority.FIRST


def _option(entry: Entry, now: float) -> Option | None:
    if not entry.loaded or entry.in_flight:
        return None
    if entry.may_pull(now):
        return Option(_guess(entry), None, entry.served)
    call = entry.machine.next_action(now)
    if isinstance(call, Wait | Done):
        return None
    return Option(_priority(entry, call), PostJob(entry, call), entry.served)


def _priority(entry: Entry, call: Call) -> Priority:
    match call:
        case Delete():
            return Priority.PROGRESS
        case _ if entry.is_final:
            return Priority.FINAL
        case Send():
            return Priority.FIRST if entry.machine.awaits_first_send else Priority.PROGRESS
        case Edit(progress=progress):
            return Priority.PROGRESS if progress else Priority.ANSWER


def _hurry(ahead: Option | None, behind: Option) -> None:
    if ahead is not None:
        ahead.priority = min(ahead.priority, behind.priority)
