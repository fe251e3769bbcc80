"""All chats of one account: which call is made next, and when to look again. No I/O.

A lane is looked at when something happens in it, or when its timer rings; the
governor chooses between the lanes that have something to call.
"""

import heapq
from dataclasses import replace

from navi_bot.delivery.actions import Edit
from navi_bot.delivery.entry import Entry
from navi_bot.delivery.governor import Governor
from navi_bot.delivery.lane import ErrandJob, Job, Lane, PostJob, TypingJob
from navi_bot.messages import Address, Priority, RoomId

MOST_FLIGHTS, MOST_ORDINARY = 16, 12
"""Calls under way at once; the difference is kept for final states and answers."""


class Traffic:
    """The lanes of an account. Times are monotonic seconds."""

    def __init__(self, governor: Governor) -> None:
        self.governor = governor
        self.lanes: dict[str, Lane] = {}
        self.posts: dict[str, Entry] = {}
        self._moved: dict[str, str] = {}
        self._timers: list[tuple[float, str]] = []
        self._rings: dict[str, float] = {}
        self._flying = 0

    def lane(self, chat: str, group: bool = False) -> Lane:
        """Return the lane of a chat, made if there is none; then `refresh` it."""
        lane = self.lanes.setdefault(chat, Lane(chat, group))
        lane.group = lane.group or group
        return lane

    def moved(self, address: Address) -> Address:
        """Return where an address is now, as far as the platform told."""
        return replace(address, chat=self._moved.get(address.chat, address.chat))

    def add(self, entry: Entry) -> None:
        """Take a post into its room's line, behind those that are there."""
        self.posts[entry.head.key] = entry
        self.lane(entry.head.address.chat, entry.head.group).entries[entry.head.key] = entry

    def drop(self, entry: Entry) -> None:
        """Forget a post."""
        self.posts.pop(entry.head.key, None)
        lane = self.lanes.get(entry.head.address.chat)
        if lane is not None:
            lane.entries.pop(entry.head.key, None)

    def abandon(self, lane: Lane, room: RoomId, now: float) -> None:
        """Forget everything that is to be shown in a room."""
        for entry in [entry for entry in lane.entries.values() if entry.head.room == room]:
            lane.typing.pop(entry.head.address, None)
            self.drop(entry)
        self.refresh(lane, now)

    def move(self, lane: Lane, new_chat: str, now: float) -> None:
        """Go on with a lane's posts in the chat's new place, in the same order."""
        for old, known in self._moved.items():
            self._moved[old] = new_chat if known == lane.chat else known
        self._moved[lane.chat] = new_chat
        self._moved.pop(new_chat, None)
        target = self.lane(new_chat, lane.group)
        for key, entry in lane.entries.items():
            entry.head = replace(entry.head, address=self.moved(entry.head.address))
            target.entries[key] = entry
        for address, typing in lane.typing.items():
            target.typing[self.moved(address)] = typing
        lane.entries, lane.typing, lane.errands = {}, {}, {}
        self.refresh(lane, now)
        self.refresh(target, now)

    def refresh(self, lane: Lane, now: float) -> None:
        """Look at a lane in which something happened."""
        if self.lanes.get(lane.chat) is not lane:
            return
        if lane.is_empty:
            del self.lanes[lane.chat]
            self.governor.withdraw(lane.chat)
            return
        wish = lane.wish(now)
        if wish is None:
            self.governor.withdraw(lane.chat)
        else:
            self.governor.ask(lane.chat, lane.group, wish, now)
        self._set_timer(lane, now)

    def take(self, now: float) -> tuple[Lane, Job] | None:
        """Return a call to make now, its tokens taken; None: nothing may go."""
        self._ring(now)
        while (least := self._least()) is not None:
            chat = self.governor.grant(now, least)
            if chat is None:
                return None
            lane = self.lanes[chat]
            job = lane.pick(now, self.governor.granted)
            if job is not None:
                self._take_off(lane, job, now)
            self.refresh(lane, now)
            if job is not None:
                return lane, job
        return None

    def landed(self, lane: Lane, job: Job, now: float) -> None:
        """Note that a call came to its end."""
        self._flying -= 1
        lane.flights = [flight for flight in lane.flights if flight is not job]
        if isinstance(job, PostJob):
            job.entry.in_flight = False
        self.refresh(lane, now)

    def wakes_at(self, now: float) -> float | None:
        """Return when `take` may answer next without a further event."""
        times = [self._timers[0][0]] if self._timers else []
        least = self._least()
        if least is not None and (granted := self.governor.wakes_at(now, least)) is not None:
            times.append(granted)
        return min(times, default=None)

    def _least(self) -> Priority | None:
        """Return the least urgent calls that may still take off."""
        if self._flying >= MOST_FLIGHTS:
            return None
        return Priority.ANSWER if self._flying >= MOST_ORDINARY else Priority.TYPING

    def _take_off(self, lane: Lane, job: Job, now: float) -> None:
        self._flying += 1
        lane.flights.append(job)
        match job:
            case PostJob(entry=entry, call=call):
                # An edit that fills a page up is half a turn: the next page belongs to it.
                half = isinstance(call, Edit) and call.final and not entry.is_final
                entry.served = entry.served if half else now
                entry.take_off(call)
                self.governor.spent(lane.chat, lane.group, now, again=half)
            case ErrandJob(errand=errand):
                del lane.errands[errand.topic]
                self.governor.spent(lane.chat, lane.group, now)
            case TypingJob(address=address):
                lane.typing[address].shown(now)
                self.governor.typed(now)

    def _set_timer(self, lane: Lane, now: float) -> None:
        at = lane.wakes_at(now)
        if at is not None and at < self._rings.get(lane.chat, float("inf")):
            self._rings[lane.chat] = at
            heapq.heappush(self._timers, (at, lane.chat))

    def _ring(self, now: float) -> None:
        while self._timers and self._timers[0][0] <= now:
            at, chat = heapq.heappop(self._timers)
            if self._rings.get(chat) == at:
                del self._rings[chat]
                if (lane := self.lanes.get(chat)) is not None:
                    self.refresh(lane, now)
