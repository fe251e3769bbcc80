"""Delivery's writes to the store: in order for each post, kept until they are made."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

import structlog

from navi_bot.delivery.actions import Gone, Record, Send, Sent, Shown, Unsent
from navi_bot.errors import NaviError, StoreError, StoreUnavailable
from navi_bot.messages import Head
from navi_bot.ports.delivery import Outbox, StoredPost

log = structlog.get_logger()

T = TypeVar("T")
Write = Callable[[], Awaitable[None]]

STORE_DEADLINE = 10.0
"""Seconds for one statement."""

FIRST_WAIT, LONGEST_WAIT = 0.5, 30.0
"""Seconds between tries while the store is away."""

STORE_ERRORS = (StoreUnavailable, StoreError)


class Ledger:
    """What is not written yet is kept in memory: at most a few writes a page.

    While the store is away no first send is made, because its intent cannot
    be stored; what is owed then are acknowledgements of messages that exist.
    """

    def __init__(self, outbox: Outbox, written: Callable[[str], None]) -> None:
        self._outbox = outbox
        self._written = written
        self._owed: dict[str, deque[Write]] = {}
        self._writing: set[str] = set()
        self._is_owing = asyncio.Event()

    async def begin(self, head: Head, send: Send) -> None:
        """Store the intent of a send, at once or not at all."""
        begun = self._outbox.begin(head, send.number, send.transaction, send.desired)
        await _answered(begun)

    async def load(self, key: str) -> StoredPost | None:
        """Load what earlier runs stored; waits until the store answers."""
        wait = FIRST_WAIT
        while True:
            try:
                return await _answered(self._outbox.load(key))
            except STORE_ERRORS:
                await asyncio.sleep(wait)
                wait = min(LONGEST_WAIT, wait * 2)

    async def unfinished(self, platform: str, account: str) -> tuple[StoredPost, ...]:
        return await _answered(self._outbox.unfinished(platform, account))

    def owe(self, key: str, *writes: Write) -> None:
        """Note writes behind what the key owes already; `settle` makes them."""
        if writes:
            self._owed.setdefault(key, deque()).extend(writes)

    def owe_records(self, key: str, records: tuple[Record, ...]) -> None:
        """Note what a post's machine wants remembered."""
        self.owe(key, *(self._statement(key, record) for record in records))

    def owes(self, key: str) -> bool:
        return key in self._owed

    async def run(self) -> None:
        """Write what could not be written at once, for ever."""
        wait = FIRST_WAIT
        while True:
            await self._is_owing.wait()
            self._is_owing.clear()
            await asyncio.sleep(wait)
            for key in list(self._owed):
                if not await self.settle(key):
                    break
            wait = min(LONGEST_WAIT, wait * 2) if self._owed else FIRST_WAIT

    async def settle(self, key: str) -> bool:
        """Make the writes of a key; False: the store is away, `run` makes them later."""
        if key in self._writing or key not in self._owed:
            return True
        owed = self._owed[key]
        self._writing.add(key)
        try:
            while owed:
                await _answered(owed[0]())
                owed.popleft()
        except STORE_ERRORS as error:
            log.warning("write_postponed", key=key, error=str(error))
            self._is_owing.set()
            return False
        finally:
            self._writing.discard(key)
        del self._owed[key]
        self._written(key)
        return True

    def _statement(self, key: str, record: Record) -> Write:
        match record:
            case Sent(number, message_id, content):
                return partial(self._outbox.sent, key, number, message_id, content)
            case Unsent(number):
                return partial(self._outbox.not_sent, key, number)
            case Shown(number, content):
                return partial(self._outbox.shown, key, number, content)
            case Gone(number):
                return partial(self._outbox.gone, key, number)


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
