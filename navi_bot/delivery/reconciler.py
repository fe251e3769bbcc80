"""One account's delivery: what rooms shall show, made true call by call.

How it works. `follow`, `show` and the rest only note what is wanted. A single
task (`_serve`) takes the calls that `Traffic` allows, one after the other, and
starts each as a task of its own. When a call lands, its post's machine has
learnt the outcome and the lane is looked at again; the ledger writes after it.

Memory. A post leaves when it is settled, acknowledged and written down. When
`capacity` posts are in memory, settled ones (command replies excepted) stay
where they are stored and are loaded, oldest first, once half the room is free.
Followed posts are always taken: there are no more of them than running turns.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine
from dataclasses import replace
from functools import partial
from typing import Self

import structlog

from navi_bot.delivery.carrier import Carrier, Counts, MoveRoom
from navi_bot.delivery.entry import Entry, anew
from navi_bot.delivery.errand import TYPING_AFTER, Errand, Typing, remark
from navi_bot.delivery.governor import Governor
from navi_bot.delivery.lane import Job, Lane, PostJob, is_urgent
from navi_bot.delivery.ledger import STORE_ERRORS, Ledger
from navi_bot.delivery.terms import Account, Terms, new_token, pace_of
from navi_bot.delivery.traffic import Traffic
from navi_bot.messages import Address, Head, Post
from navi_bot.ports.delivery import LiveSource, Outbox, begun_post

log = structlog.get_logger()

CAPACITY = 2000
"""Posts in memory."""
MOST_ERRANDS = 32
"""Reactions and press answers that wait in one chat; further ones are dropped."""
MOST_LOADS = 8
"""Posts whose stored pages are read at once."""
ANEW_WAIT, REFILL_WAIT = 1.0, 5.0
"""Seconds until a post whose call broke, and until the posts left in the store, are loaded."""


class Reconciler:
    """Implements the Delivery port for one bot account; runs while it is entered.

    `edit_limit`: progress edits a message. `clock`: monotonic seconds, the
    same as the event loop's; `governor` is made for the account if not given.
    """

    def __init__(
        self,
        account: Account,
        outbox: Outbox,
        move_room: MoveRoom,
        *,
        edit_limit: int | None = 40,
        capacity: int = CAPACITY,
        governor: Governor | None = None,
        clock: Callable[[], float] = time.monotonic,
        token: Callable[[], str] = new_token,
    ) -> None:
        self._account = account
        self._edit_limit = edit_limit
        self._capacity = capacity
        self._clock = clock
        self._token = token
        self.counts = Counts()
        intervals = account.private_interval, account.group_interval
        self._traffic = Traffic(
            governor or Governor(*intervals, clock(), one_limit=account.one_limit)
        )
        self._ledger = Ledger(outbox, self._written)
        self._carrier = Carrier(
            account.outbound, outbox, self._ledger, self._traffic, move_room, clock, self.counts
        )
        self._awake = asyncio.Event()
        self._landed = asyncio.Event()
        self._loads = asyncio.Semaphore(MOST_LOADS)
        self._group = asyncio.TaskGroup()
        self._tasks: set[asyncio.Task[object]] = set()
        self._is_open = False
        self._overflows = self._overflowed_again = self._is_refilling = False

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        self._is_open = True
        self._start(self._serve())
        self._start(self._ledger.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        """End at once; a send under way is then uncertain at the next start."""
        self._is_open = False
        for task in self._tasks:
            task.cancel()
        # Not told of an error: it would come out wrapped in a group.
        await self._group.__aexit__(None, None, None)

    # The port ------------------------------------------------------------------

    def follow(self, head: Head, source: LiveSource, begun: str = "") -> None:
        """Show a post that changes; earlier pages of the key are adopted, or it is `begun`."""
        self._entry(head, begun).follow(source)
        self._look_at(head.address, head.group)

    def touch(self, key: str) -> None:
        """Say that the source of a followed post has changed."""
        entry = self._traffic.posts.get(key)
        if entry is None or entry.source is None or (entry.dirty and not entry.is_final):
            return
        entry.dirty = True
        self._look_at(entry.head.address)

    def show(self, post: Post) -> None:
        """Show a settled post, which is stored; ends the following of its key."""
        head = post.head
        is_full = self._overflows or len(self._traffic.posts) >= self._capacity
        is_new = head.key not in self._traffic.posts and not is_urgent(head.key)
        if is_full and is_new:
            self._overflows = self._overflowed_again = True
            log.warning("post_left_in_store", key=head.key)
            return
        self._entry(head).settle(post.pages)
        self._look_at(head.address, head.group)

    def working(self, head: Head, on: bool) -> None:
        """Keep the typing action alive in a room, or let it fade."""
        address = self._traffic.moved(head.address)
        typing = self._traffic.lane(address.chat, head.group).typing
        if on:
            typing.setdefault(address, Typing(self._clock() + TYPING_AFTER))
        else:
            typing.pop(address, None)
        self._look_at(address)

    def react(self, address: Address, message_id: str, emoji: str) -> None:
        """Set our reaction to a message; "" removes it. Best effort."""
        call = partial(self._account.outbound.react, address, message_id, emoji)
        self._run_errand(address.chat, Errand(f"react {message_id}", call))

    def acknowledge(self, address: Address, press: str, text: str) -> None:
        """Answer a button press, in a lane of its own: no chat's limits hold. Best effort."""
        call = partial(self._account.outbound.acknowledge, press, text)
        self._run_errand(f"press {press}", Errand("press", call))

    def remark(self, address: Address, text: str) -> None:
        """Say something that is not worth storing. Best effort, never repeated."""
        self._run_errand(address.chat, remark(self._account.outbound, address, text, self._token()))

    # For the application ---------------------------------------------------------

    def serves(self, address: Address) -> bool:
        """Whether the address belongs to this account."""
        account = self._account
        return (address.platform, address.account) == (account.platform, account.account)

    async def recover(self) -> None:
        """Take up the settled posts that are not fully shown. Raises as the Outbox does."""
        self._overflowed_again = False
        for stored in await self._ledger.unfinished(self._account.platform, self._account.account):
            if len(self._traffic.posts) >= self._capacity:
                self._overflowed_again = True
                break
            if stored.head.key not in self._traffic.posts:
                pages = [page.desired for page in stored.pages if page.desired is not None]
                self._entry(stored.head).settle(pages)
                self._look_at(stored.head.address, stored.head.group)
        self._overflows = self._overflowed_again

    async def drain(self, seconds: float) -> bool:
        """Wait until every settled post is shown and nothing is under way or unwritten."""
        try:
            async with asyncio.timeout(seconds):
                while is_busy := self._is_busy():
                    self._landed.clear()
                    await self._landed.wait()
        except TimeoutError:
            is_busy = True
        return await self._written_down() and not is_busy

    async def _written_down(self) -> bool:
        """Write what has waited; a send that was meant and not made shall not look like one."""
        for entry in (one for one in self._traffic.posts.values() if not one.in_flight):
            self._ledger.owe_records(entry.head.key, entry.machine.take_records(leaving=True))
        return await self._ledger.flush()

    def _is_busy(self) -> bool:
        lanes, posts = self._traffic.lanes.values(), self._traffic.posts.values()
        return any(lane.flights for lane in lanes) or any(post.is_final for post in posts)

    # Tasks -----------------------------------------------------------------------

    def _start(self, work: Coroutine[None, None, object]) -> None:
        if not self._is_open:  # what comes now is stored, for the next start
            work.close()
            return
        task = self._group.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self) -> None:
        """Start every call that may be made, wait for the next, for ever."""
        while True:
            self._awake.clear()
            while (taken := self._traffic.take(self._clock())) is not None:
                self._start(self._fly(*taken))
            until = self._traffic.wakes_at(self._clock())
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(None if until is None else until - self._clock()):
                    await self._awake.wait()

    async def _fly(self, lane: Lane, job: Job) -> None:
        """Carry a call out; the boundary of its faults."""
        try:
            await self._carrier.carry(lane, job)
        except Exception:
            log.exception("call_crashed", chat=lane.chat)
            if isinstance(job, PostJob):  # nobody knows what the call did: as after a restart
                self._traffic.add(fresh := anew(job.entry))
                self._start(self._load(fresh, ANEW_WAIT))
        finally:
            self._traffic.landed(lane, job, self._clock())
            if isinstance(job, PostJob):  # its chat may have moved meanwhile
                self._look_at(job.entry.head.address)
            self._landed.set()
            self._awake.set()
        try:
            if isinstance(job, PostJob):  # a store that hangs holds up no chat
                await self._carrier.note(job)
        except Exception:
            log.exception("note_crashed", chat=lane.chat)

    async def _load(self, entry: Entry, wait: float = 0.0) -> None:
        await asyncio.sleep(wait)
        async with self._loads:
            entry.adopt(await self._ledger.load(entry.head.key))
        self._look_at(entry.head.address)
        self._landed.set()

    async def _refill(self) -> None:
        """Load the posts that were left in the store."""
        try:
            while self._overflows and len(self._traffic.posts) < self._capacity:
                try:
                    await self.recover()
                except STORE_ERRORS:
                    await asyncio.sleep(REFILL_WAIT)
        finally:
            self._is_refilling = False

    # Memory ------------------------------------------------------------------------

    def _entry(self, head: Head, begun: str = "") -> Entry:
        entry = self._traffic.posts.get(head.key)
        if entry is None:
            account = self._account
            pace = pace_of(account, head.group, self._edit_limit)
            terms = Terms(pace, account.outbound.idempotent, self._token)
            entry = Entry(head, terms, pace.interval)
            entry.adopt(begun_post(head, begun)) if begun else self._start(self._load(entry))
        entry.head = replace(head, address=self._traffic.moved(head.address))
        self._traffic.add(entry)
        return entry

    def _run_errand(self, chat: str, errand: Errand) -> None:
        lane = self._traffic.lane(chat)
        if len(lane.errands) >= MOST_ERRANDS and errand.topic not in lane.errands:
            log.warning("errand_dropped", chat=chat)
            return
        lane.errands[errand.topic] = errand
        self._traffic.refresh(lane, self._clock())
        self._awake.set()

    def _look_at(self, address: Address, group: bool = False) -> None:
        """Something happened in a room."""
        lane = self._traffic.lane(self._traffic.moved(address).chat, group)
        self._forget_finished(lane)
        self._traffic.refresh(lane, self._clock())
        self._awake.set()

    def _written(self, key: str) -> None:
        if (entry := self._traffic.posts.get(key)) is not None:
            self._look_at(entry.head.address)

    def _forget_finished(self, lane: Lane) -> None:
        """Let posts go that are done and written down."""
        for entry in [entry for entry in lane.entries.values() if entry.is_done]:
            key = entry.head.key
            self._ledger.owe_records(key, entry.machine.take_records())
            if not self._ledger.owes(key):
                self._traffic.drop(entry)
                self._landed.set()
        half_free = len(self._traffic.posts) <= self._capacity // 2
        if self._overflows and half_free and not self._is_refilling:
            self._is_refilling = True
            self._start(self._refill())
