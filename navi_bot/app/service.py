"""One bot account, from its first connection to its last message.

    connect ─► lease ─► delivery ─► what a crash left ─► wake-ups ─► polling
       │          │                                                    │
       │          └ another daemon holds it: stand by                  ├ told to stop
       └ unreachable: try again; refused: CredentialError              ├ lease lost: begin again
                                                                       ├ the console was left
                                                                       └ safe mode over: begin again
At the end polling stops first, then turns get their drain, then the last
calls to the platform.
"""

import asyncio
import time
from collections.abc import Coroutine, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from functools import partial
from typing import Literal

import structlog

from navi_bot.app import accounts
from navi_bot.app.core import Core
from navi_bot.app.lookout import LookOut
from navi_bot.app.race import first_of
from navi_bot.decide import Policy
from navi_bot.delivery.governor import Governor
from navi_bot.delivery.reconciler import Reconciler
from navi_bot.errors import PlatformError, StoreError
from navi_bot.fault_points import reached
from navi_bot.messages import Address, Inbound
from navi_bot.ports.platform import Adapter
from navi_bot.recall.engine import RecallEngine
from navi_bot.rooms import Rooms
from navi_bot.rooms import Stores as RoomStores
from navi_bot.store.lease import Leases
from navi_bot.store.queue import Wakeups, queue_name

log = structlog.get_logger()

WAITS = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Seconds between tries to reach a platform or the database; the last one repeats."""

CONNECT_TIMEOUT = 60.0
"""Seconds for one try; an adapter has shorter ones for each of its requests."""

DELIVERY_DRAIN = 2.0
"""Seconds for the last calls when the account goes offline; what is left is stored."""

LEASE_LOST, RESUMED = 2, 3
"""Their places among what ends being online."""

State = Literal["connecting", "standing by", "online", "ended"]


class Service:
    """Serves one adapter. `settled`: it is online, or known to have to wait; `online`: it was.

    `online_since`: monotonic seconds of when it went online last.
    """

    def __init__(
        self,
        adapter: Adapter,
        core: Core,
        stopping: asyncio.Event,
        waits: Sequence[float] = WAITS,
    ) -> None:
        self.adapter = adapter
        self._core = core
        self._parts = core.parts
        self._stopping = stopping
        self._waits = waits
        self._governor = Governor(
            adapter.private_interval,
            adapter.group_interval,
            time.monotonic(),
            accounts.calls_per_second(self._parts.settings, adapter.platform),
        )
        self.state: State = "connecting"
        self.settled = asyncio.Event()
        self.online = asyncio.Event()
        self.online_since = 0.0

    async def run(self) -> None:
        """Serve until told to stop, or until the console is left.

        CredentialError when the platform refuses the account.
        """
        try:
            if await self._connected():
                await self._serve()
        finally:
            self._become("ended")
            await self.adapter.close()

    async def _connected(self) -> bool:
        """Connect, however long it takes; False when told to stop meanwhile."""
        attempt = 0
        while not self._stopping.is_set():
            try:
                return await first_of(self._stopping.wait(), self._connect()) == 1
            except PlatformError as error:
                await self._pause(attempt, "account_not_connected", error)
                attempt += 1
        return False

    async def _connect(self) -> None:
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                await self.adapter.connect()
        except TimeoutError as error:
            raise PlatformError(f"{self.adapter.platform} does not answer.") from error

    async def _serve(self) -> None:
        attempt = 0
        while not self._stopping.is_set():
            try:
                if await self._online_once():
                    return
                self._become("connecting")
                attempt = 0
            except (PlatformError, StoreError) as error:
                attempt = 0 if self.state == "online" else attempt
                await self._pause(attempt, "account_offline", error)
                attempt += 1

    async def _pause(self, attempt: int, event: str, error: Exception) -> None:
        self._become("connecting")
        wait = self._waits[min(attempt, len(self._waits) - 1)]
        log.warning(event, platform=self.adapter.platform, error=str(error), retry_in=wait)
        await first_of(self._stopping.wait(), asyncio.sleep(wait))

    async def _online_once(self) -> bool:
        """Be online once; False when the lease was lost, True when that was all."""
        adapter, stores = self.adapter, self._parts.stores
        platform, account = adapter.platform, adapter.account
        async with AsyncExitStack() as stack:
            leases = await stack.enter_async_context(Leases(stores.dsn))
            if not await leases.acquire(platform, account):
                self._become("standing by")
                if await first_of(self._stopping.wait(), leases.wait_for(platform, account)) == 0:
                    return True
            reconciler = self._reconciler()
            await stack.enter_async_context(reconciler)
            stack.push_async_callback(reconciler.drain, DELIVERY_DRAIN)
            stack.enter_context(self._parts.online.entered(adapter, reconciler))
            rooms = await stack.enter_async_context(self._rooms())
            await self._take_up(rooms, reconciler)
            await stack.enter_async_context(LookOut(adapter, rooms.heed))
            cursor = await stores.inbox.cursor(platform, account)
            besides = await self._besides(stack)
            self.online_since = time.monotonic()
            self._become("online")
            self.online.set()
            log.info("account_online", platform=platform, account=account)
            receiving = adapter.receive(partial(self._accept, rooms), cursor)
            works = (receiving, self._stopping.wait(), leases.lost.wait(), besides)
            return await first_of(*works) not in (LEASE_LOST, RESUMED)

    async def _accept(self, rooms: Rooms, batch: Sequence[Inbound], cursor: str) -> None:
        """Take a batch in; a cursor that comes without events is kept all the same."""
        await rooms.accept(batch, cursor)
        if cursor and not batch:
            adapter = self.adapter
            await self._parts.stores.inbox.keep_cursor(adapter.platform, adapter.account, cursor)

    def _reconciler(self) -> Reconciler:
        adapter, stores = self.adapter, self._parts.stores
        self._governor.begin_anew(time.monotonic())
        move_room = stores.inbox.move_room
        return Reconciler(adapter, stores.outbox, move_room, governor=self._governor)

    def _rooms(self) -> Rooms:
        parts = self._parts
        return Rooms(
            RoomStores(parts.stores.inbox, parts.stores.turns, parts.stores.people),
            parts.running,
            parts.online.deliveries,
            self._core.replies,
            self._policy,
            frozenset(parts.settings.owners),
            lambda: datetime.now(UTC),
        )

    async def _besides(self, stack: AsyncExitStack) -> Coroutine[None, None, object]:
        """Begin the account's own work, turns and recalls; in safe mode only wait for its end."""
        safe, stores = self._parts.safe, self._parts.stores
        if safe.on:
            return safe.over.wait()
        await stack.enter_async_context(self._wakeups())
        platform, account = self.adapter.platform, self.adapter.account
        alarm = stack.enter_context(stores.bell.alarm(queue_name(platform, account)))
        deliveries = self._parts.online.deliveries
        return RecallEngine(stores.recall_work, deliveries, alarm, platform, account).run()

    def _policy(self, _address: Address) -> Policy:
        settings = self._parts.settings
        return Policy(
            commands=self._parts.commands,
            bot_name=self.adapter.name,
            pairing=settings.pairing == "code",
            steer=settings.steer,
            stale_after=settings.stale_after,
            safe=self._parts.safe.on,
        )

    def _wakeups(self) -> Wakeups:
        settings, adapter = self._parts.settings, self.adapter
        return Wakeups(
            self._parts.stores.dsn,
            [queue_name(adapter.platform, adapter.account)],
            settings.concurrency,
            self._core.runner.wake,
            drain=settings.drain,
        )

    async def _take_up(self, rooms: Rooms, reconciler: Reconciler) -> None:
        """See to what an earlier daemon left: turns, events, posts."""
        platform, account = self.adapter.platform, self.adapter.account
        safe = self._parts.safe
        given_back, set_aside = await self._core.runner.take_up(platform, account)
        if given_back:
            log.warning("turns_interrupted", platform=platform, count=given_back)
        await reached("turns_given_back")
        if safe.on:
            set_aside += await rooms.set_aside(platform, account)
        if set_aside:
            safe.leave("what crashed is set aside")
        if not safe.on:
            await rooms.recover(platform, account)
        await reached("events_taken_up")
        if not safe.on:
            await reconciler.recover()
        await reached("posts_taken_up")

    def _become(self, state: State) -> None:
        self.state = state
        self.settled.set()
