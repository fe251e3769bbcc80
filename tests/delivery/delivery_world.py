"""Delivery's pure machines in a world where anything may go wrong.

The world drives `Traffic` as the reconciler does, on a clock of its own, lets
calls land with any outcome, crashes the process at any step, and judges what
readers see (`chat_model`) and what the platform would count.
"""

from dataclasses import dataclass, replace
from itertools import count

from delivery.growing_source import GrowingSource
from delivery.judge import Known, judge_end, judge_order
from delivery.meter import Meters
from delivery.store_desk import StoreDesk
from delivery.wild_platform import WildPlatform

from navi_bot.delivery.actions import Edit, Outcome, Send
from navi_bot.delivery.entry import Entry
from navi_bot.delivery.governor import Governor
from navi_bot.delivery.lane import Lane, PostJob
from navi_bot.delivery.terms import CREDENTIAL_WAIT, Pace, Terms
from navi_bot.delivery.traffic import MOST_FLIGHTS, Traffic
from navi_bot.errors import (
    Ambiguous,
    CredentialError,
    NaviError,
    RoomGone,
    RoomMoved,
    StoreUnavailable,
    Throttled,
)
from navi_bot.messages import Address, Head, Page, Post, Prose, RoomId
from navi_bot.ports.delivery import begun_post

PRIVATE, GROUP = 1.2, 3.5
EDIT_LIMIT = 6


@dataclass
class Flight:
    lane: Lane
    job: PostJob


class World:
    """Three chats with two rooms each; the last chat is a group."""

    def __init__(self, *, idempotent: bool) -> None:
        self.now = 1000.0
        self.desk = StoreDesk()
        self.platform = WildPlatform(idempotent=idempotent, edit_limit=EDIT_LIMIT)
        self.names = [f"chat{number}" for number in range(3)]
        self.posts: dict[str, Known] = {}
        self.flights: list[Flight] = []
        self._ids = count(1)
        self._unloaded: list[Entry] = []
        self._start()

    def follow(self, room: int, per_page: int) -> None:
        known = self._new("turn", room)
        known.source = GrowingSource(known.head.key, per_page, with_button=room % 2 == 0)
        begun = "" if self.desk.outbox.down else f"t{next(self._ids)}"
        if begun:
            self.desk.outbox.claim(known.head, begun)
        self._add(known, begun)

    def grow(self, key: str, words: int) -> None:
        source = self.posts[key].source
        assert source is not None
        for _ in range(words):
            source.add(f"w{next(self._ids)}")
        self._touch(key)

    def finish(self, key: str) -> None:
        """The turn ends: its source is final, its post is stored and settled."""
        known = self.posts[key]
        assert known.source is not None
        if not known.source.pages(self.now):
            self.grow(key, 1)
        known.source.final = True
        self._touch(key)
        self._settle(known, known.source.pages(self.now))

    def show(self, room: int, pages: int, *, urgent: bool) -> None:
        known = self._new("reply" if urgent else "note", room)
        contents = (f"{known.head.key}.{n}: w{next(self._ids)} and more" for n in range(pages))
        self._settle(known, tuple(Page((Prose(text),)) for text in contents))

    def _judge_limits(self, lane: Lane, job: PostJob) -> None:
        self.meters.count(lane.chat, lane.group, self.now)
        chats = [flight.lane.chat for flight in self.flights]
        assert chats.count(lane.chat) < 2, "more than two calls under way in a chat"
        assert len(chats) < MOST_FLIGHTS, "too many calls under way"
        assert all(flight.job.entry is not job.entry for flight in self.flights)

    def take(self) -> bool:
        """Take one call off; False when none may go."""
        self._catch_up()
        taken = self.traffic.take(self.now)
        if taken is None:
            return False
        lane, job = taken
        assert isinstance(job, PostJob)
        call, known = job.call, self.posts[job.entry.head.key]
        self._judge_limits(lane, job)
        judge_order(self.posts, self.platform.models, known, call, self.now)
        flight = Flight(lane, job)
        self.flights.append(flight)
        if isinstance(call, Send) and not call.begun:
            try:
                self.desk.begin(job.entry.head, call)
            except StoreUnavailable as error:
                self._land(flight, error)
        return True

    def land(self, choice: int, outcome: str, seconds: float) -> None:
        """Let one of the calls under way come to its end."""
        if not self.flights:
            return
        flight = self.flights[choice % len(self.flights)]
        entry, call = flight.job.entry, flight.job.call
        if isinstance(call, Edit) and self.posts[entry.head.key].closed:
            # Forgotten with its room and taken up anew: what it holds is not known.
            self.platform.model(entry.head).messages[call.message_id].known = False
        try:
            message_id = self.platform.answer(entry.head, flight.lane.chat, call, outcome, seconds)
        except NaviError as error:
            self._land(flight, error)
            return
        self.flights.remove(flight)
        if isinstance(call, Send):
            self.posts[entry.head.key].has_first = True
        entry.machine.accepted(self.now, message_id)
        self.traffic.governor.accepted(flight.lane.chat)
        self._after(flight)

    def crash(self, had_effect: bool, resume_words: int) -> None:
        """Lose the process; calls under way had their effect or not. Start again."""
        for flight in self.flights:
            if had_effect:
                self.platform.apply_in_vain(flight.job.entry.head, flight.job.call)
        self.flights.clear()
        for key, message_id in self.desk.forget():
            shown = self.platform.model(self.posts[key].head).messages[message_id]
            shown.orphan = not self.platform.idempotent
        self.platform.forget_what_is_known()
        self.desk.outbox.down = False
        self._start()
        self._resume(resume_words)

    def settle_everything(self) -> None:
        """Let all turns end and everything work; then judge what is visible."""
        self.desk.outbox.down = False
        for key, known in list(self.posts.items()):
            if known.source is not None and known.final_pages is None:
                self.finish(key)
        for _ in range(20_000):
            while self.take():
                pass
            if self.flights:
                self.land(0, "accepted", 0.0)
                continue
            if not self.traffic.posts:
                break
            wakes = self.traffic.wakes_at(self.now)
            assert wakes is not None, "posts are left and nothing will happen"
            self.now = max(self.now + 1e-6, wakes)
        assert not self.traffic.posts, "it never came to rest"
        self.desk.settle(late=True)
        judge_end(self.posts, self.platform.models)
        assert not list(self.desk.outbox.open_posts("model", "bot")), "the store has open posts"

    def _start(self) -> None:
        self.traffic = Traffic(Governor(PRIVATE, GROUP, self.now))
        self._unloaded = []
        self.meters = Meters(PRIVATE, GROUP, self.now)

    def _resume(self, words: int) -> None:
        order = count()
        for stored in self.desk.outbox.open_posts("model", "bot"):
            known = self.posts[stored.head.key]
            known.order = next(order)
            self._entry(known).settle(known.final_pages or ())
        for key, known in list(self.posts.items()):
            if known.source is None or known.final_pages is not None or known.closed:
                continue
            known.order = next(order)
            per_page = known.source.per_page
            known.source = GrowingSource(key, per_page, with_button=True)
            self._entry(known).follow(known.source)
            self.grow(key, words)
        self._catch_up()

    def _new(self, kind: str, room: int) -> Known:
        chat = room % 3
        address = Address("model", "bot", self.names[chat], f"t{room // 3}")
        key = f"{kind}:{next(self._ids)}"
        head = Head(key, RoomId(room), address, group=chat == 2)
        known = Known(head, len(self.posts) + 1000, None)
        self.posts[key] = known
        return known

    def _entry(self, known: Known, begun: str = "") -> Entry:
        head = known.head
        entry = self.traffic.posts.get(head.key)
        if entry is None:
            interval = GROUP if head.group else PRIVATE
            pace = Pace(interval, steady=4, limit=EDIT_LIMIT)
            terms = Terms(pace, self.platform.idempotent, lambda: f"t{next(self._ids)}")
            entry = Entry(head, terms, interval)
            if begun:
                entry.adopt(begun_post(head, begun))
            else:
                self._unloaded.append(entry)
        address = replace(head.address, chat=self.names[head.room % 3])
        entry.head = replace(head, address=address)
        self.traffic.add(entry)
        return entry

    def _add(self, known: Known, begun: str) -> None:
        assert known.source is not None
        entry = self._entry(known, begun)
        entry.follow(known.source)
        self._look_at(entry)

    def _settle(self, known: Known, pages: tuple[Page, ...]) -> None:
        self.desk.outbox.down = False  # whoever settles a post waits until it is stored
        self._catch_up()
        known.final_pages = pages
        self.desk.outbox.want(Post(known.head, pages))
        entry = self._entry(known)
        entry.settle(pages)
        self._look_at(entry)

    def _touch(self, key: str) -> None:
        entry = self.traffic.posts.get(key)
        if entry is not None and entry.source is not None:
            entry.dirty = True
            self._look_at(entry)

    def _look_at(self, entry: Entry) -> None:
        lane = self.traffic.lane(entry.head.address.chat)
        for other in [other for other in lane.entries.values() if other.is_done]:
            records = other.machine.take_records()
            self.desk.owe(other.head.key, records)
            if not self.desk.owes(other.head.key):
                self.traffic.drop(other)
        self.traffic.refresh(lane, self.now)

    def _catch_up(self) -> None:
        """Read and write what waits for the store."""
        if self.desk.outbox.down:
            return
        for entry in self._unloaded:
            entry.adopt(self.desk.load(entry.head.key))
            self._look_at(entry)
        self._unloaded = []
        for key in self.desk.settle():
            if key in self.traffic.posts:
                self._look_at(self.traffic.posts[key])

    def _land(self, flight: Flight, error: NaviError) -> None:
        self.flights.remove(flight)
        lane, entry, call = flight.lane, flight.job.entry, flight.job.call
        known = self.posts[entry.head.key]
        outcome = entry.machine.refused(error, self.now)
        known.note(call, outcome)
        if outcome is Outcome.REPLACED and isinstance(call, Edit):
            self.platform.model(entry.head).messages[call.message_id].orphan = True
        if isinstance(call, Edit) and isinstance(error, Ambiguous):
            self.platform.model(entry.head).messages[call.message_id].known = False
        match error:
            case Throttled(retry_after=seconds):
                self.traffic.governor.throttled(lane.chat, lane.group, seconds, self.now)
                self.meters.block(lane.chat, self.now + seconds)
            case CredentialError():
                self.traffic.governor.pause(self.now + CREDENTIAL_WAIT)
                self.meters.pause(self.now + CREDENTIAL_WAIT)
            case RoomGone():
                self._room_gone(lane, entry.head.room)
            case RoomMoved(new_chat=new_chat):
                self.names[entry.head.room % 3] = new_chat
                self.traffic.move(lane, new_chat, self.now)
                for shown in self.platform.model(entry.head).messages.values():
                    shown.editable = False  # it belongs to the chat that was
        self._after(flight)

    def _room_gone(self, lane: Lane, room: RoomId) -> None:
        self.traffic.abandon(lane, room, self.now)
        self.desk.abandon(room)
        for known in self.posts.values():
            if known.head.room == room:
                known.closed = True

    def _after(self, flight: Flight) -> None:
        entry = flight.job.entry
        self.traffic.landed(flight.lane, flight.job, self.now)
        self.desk.owe(entry.head.key, entry.machine.take_records())
        self._catch_up()
        if entry.head.key in self.traffic.posts:
            self._look_at(entry)
