"""Delivery's writes to the store: kept until they are made, as few as are safe.

What became of pages is noted in one statement for all posts. Where a restart
would act on it (a message is there, a send had no effect), it is noted at once.
That a final page is shown can wait for the next note that must be made, or
some seconds: a restart in between edits the page once more, to what it shows.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

import structlog

from navi_bot.delivery.actions import Gone, Record, Send, Sent, Shown, Unsent
from navi_bot.errors import NaviError, StoreError, StoreUnavailable
from navi_bot.messages import Head
from navi_bot.ports.delivery import Outbox, PageNote, StoredPost

log = structlog.get_logger()

T = TypeVar("T")
Write = Callable[[], Awaitable[None]]

STORE_DEADLINE = 10.0
"""Seconds for one statement."""

FIRST_WAIT, LONGEST_WAIT = 0.5, 30.0
"""Seconds between tries while the store is away."""

LATEST = 30.0
"""Seconds that a note waits for another one to go with."""

STORE_ERRORS = (StoreUnavailable, StoreError)


class Ledger:
    """What is not written yet is kept in memory: at most one note a page.

    While the store is away no first send is made whose intent is not stored;
    what is owed then are acknowledgements of messages that exist.
    """

    def __init__(self, outbox: Outbox, written: Callable[[str], None]) -> None:
        self._outbox = outbox
        self._written = written
        self._notes: dict[tuple[str, int], PageNote] = {}
        self._pressing: set[str] = set()
        """Keys whose notes do not wait for others."""
        self._noting = asyncio.Lock()
        self._under_way: dict[tuple[str, int], PageNote] = {}
        self._owed: dict[str, deque[Write]] = {}
        self._writing: set[str] = set()
        self._is_owing = asyncio.Event()
        self._is_late = asyncio.Event()

    async def begin(self, head: Head, send: Send) -> None:
        """Store the intent of a send, at once or not at all."""
        page = (head.key, send.number)
        if page in self._under_way:  # it must not arrive after the intent, which it would deny
            async with self._noting:
                pass
        if (note := self._notes.get(page)) is not None:
            self._notes[page] = replace(note, uncertain=None)
        begun = self._outbox.begin(head, send.number, send.transaction, send.desired)
        await _answered(begun)

    async def load(self, key: str) -> StoredPost | None:
        """Load what earlier runs stored; waits until the store answers."""
        wait = FIRST_WAIT
        while True:
            try:
                if any(noted == key for noted, _ in self._notes):
                    await self._note()
                return await _answered(self._outbox.load(key))
            except STORE_ERRORS:
                await asyncio.sleep(wait)
                wait = min(LONGEST_WAIT, wait * 2)

    async def unfinished(self, platform: str, account: str) -> tuple[StoredPost, ...]:
        await self._note()
        return await _answered(self._outbox.unfinished(platform, account))

    def owe(self, key: str, *writes: Write) -> None:
        """Remember writes behind what the key owes already; `settle` makes them."""
        if writes:
            self._owed.setdefault(key, deque()).extend(writes)

    def owe_records(self, key: str, records: tuple[Record, ...]) -> None:
        """Remember what a post's machine wants noted."""
        for record in records:
            note = note_of(key, record)
            page = (key, note.number)
            before = self._notes.get(page)
            self._notes[page] = note if before is None else merged(before, note)
            if isinstance(record, Shown) and not record.refused:
                self._is_late.set()
            else:
                self._pressing.add(key)
                self._is_owing.set()

    def owes(self, key: str) -> bool:
        """Whether something of a key must be written before it may be forgotten."""
        return key in self._owed or key in self._pressing

    async def run(self) -> None:
        """Write what could not be written at once, and what has waited, for ever."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._write_again())
            tasks.create_task(self._write_late())

    async def _write_again(self) -> None:
        wait = FIRST_WAIT
        while True:
            await self._is_owing.wait()
            self._is_owing.clear()
            await asyncio.sleep(wait)
            if not self._pressing and not self._owed:  # whoever owed it has settled it
                wait = FIRST_WAIT
            else:
                wait = FIRST_WAIT if await self.flush() else min(LONGEST_WAIT, wait * 2)

    async def _write_late(self) -> None:
        while True:
            await self._is_late.wait()
            await asyncio.sleep(LATEST)
            self._is_late.clear()
            await self.flush()

    async def flush(self) -> bool:
        """Write all there is; False: the store is away, `run` does it later."""
        try:
            await self._note()
            for key in list(self._owed):
                await self._pay(key)
        except STORE_ERRORS as error:
            return self._postponed("", error)
        return True

    async def settle(self, key: str) -> bool:
        """Write what a key owes, and the notes that wait; False: `run` does it later."""
        try:
            if key in self._pressing:
                await self._note()
            if key in self._owed:
                await self._pay(key)
        except STORE_ERRORS as error:
            return self._postponed(key, error)
        return True

    def _postponed(self, key: str, error: NaviError) -> bool:
        log.warning("write_postponed", key=key, error=str(error))
        self._is_owing.set()
        return False

    async def _note(self) -> None:
        """Note what is known of all pages; a note that changes meanwhile is made again."""
        async with self._noting:
            if not self._notes:
                return
            made = self._under_way = dict(self._notes)
            try:
                await _answered(self._outbox.note(tuple(made.values())))
            finally:
                self._under_way = {}
            for page, note in made.items():
                if self._notes[page] is note:
                    del self._notes[page]
        left = {key for key, _ in self._notes}
        for key in {key for key, _ in made} - left:
            self._pressing.discard(key)
            self._written(key)

    async def _pay(self, key: str) -> None:
        if key in self._writing:
            return
        owed = self._owed[key]
        self._writing.add(key)
        try:
            while owed:
                await _answered(owed[0]())
                owed.popleft()
        finally:
            self._writing.discard(key)
        del self._owed[key]
        self._written(key)


def note_of(key: str, record: Record) -> PageNote:
    """Return what a record says of its page."""
    match record:
        case Sent(number, message_id, content, page):
            shown = None if content else page
            return PageNote(key, number, message_id, content, uncertain=False, shown=shown)
        case Unsent(number):
            return PageNote(key, number, uncertain=False)
        case Shown(number, content):
            return PageNote(key, number, acknowledged_hash=content)
        case Gone(number):
            return PageNote(key, number, message_id="", acknowledged_hash="")


def merged(before: PageNote, after: PageNote) -> PageNote:
    """Return a note of all that two notes of a page say; the later one counts."""
    said = after.acknowledged_hash
    return PageNote(
        before.key,
        before.number,
        before.message_id if after.message_id is None else after.message_id,
        before.acknowledged_hash if said is None else said,
        before.uncertain if after.uncertain is None else after.uncertain,
        after.shown or before.shown,
    )


async def _answered(call: Awaitable[T]) -> T:
    try:
        async with asyncio.timeout(STORE_DEADLINE):
            return await call
    except NaviError:
        raise
    except TimeoutError as error:
        raise StoreUnavailable("The database did not answer in time.") from error
    except Exception as error:
        log.exception("store_failed")
        raise StoreUnavailable("The store failed in a way that it does not know.") from error
