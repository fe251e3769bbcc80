"""One bot account, from its first connection to its last message.

    connect ─► lease ─► delivery ─► what a crash left ─► wake-ups ─► polling ─► told to stop,
       │          │                                               │  ▲         or left (console)
       │          └ another daemon holds it: stand by    database │  │ lease ours again
       └ unreachable: try again; refused: CredentialError    lost ▼  │
                                                           overhearing ─► another daemon has the
                                                                          lease: begin again

It also begins again when safe mode is over. While it overhears, running turns
go on and what they show is shown; messages are heard for /stop and /status
alone, and nothing is confirmed or taken in.
At the end polling stops first, then turns get their drain, then the last
calls to the platform.
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import Literal

import structlog

from navi_bot.app.core import Core
from navi_bot.app.lookout import LookOut
from navi_bot.app.race import first_of
from navi_bot.app.settling import settle_down
from navi_bot.app.station import Besides, Station
from navi_bot.app.tenure import Tenure
from navi_bot.delivery.reconciler import Reconciler
from navi_bot.errors import PlatformError, StoreError, StoreUnavailable
from navi_bot.fault_points import reached
from navi_bot.intake import Intake
from navi_bot.messages import Inbound
from navi_bot.ports.platform import Adapter, LooksOut
from navi_bot.rooms import Rooms

log = structlog.get_logger()

WAITS = (1.0, 2.0, 4.0)
"""Seconds between tries to reach a platform or the database; the last one repeats.

What is mended is to work again within 10 s, and a try that hangs takes up to CONNECT_TIMEOUT."""

CONNECT_TIMEOUT = 30.0
"""Seconds for one try; an adapter has shorter ones for each of its requests."""

DELIVERY_DRAIN = 2.0
"""Seconds for the last calls when the account goes offline; what is left is stored."""

LOST, RESUMED = 2, 3
"""The places of the lease and of safe mode's end among what ends receiving.

After a loss the first is that of the lease's return.
"""

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
        self._station = Station(adapter, core)
        self._runner = core.runner
        self._parts = core.parts
        self._stopping = stopping
        self._waits = waits
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
        """Be online once; False when another daemon has the account now, True when that was all."""
        adapter, stores = self.adapter, self._parts.stores
        platform, account = adapter.platform, adapter.account
        async with AsyncExitStack() as stack:
            tenure = await stack.enter_async_context(Tenure(stores.dsn, platform, account))
            if not await tenure.begin():
                self._become("standing by")
                if await first_of(self._stopping.wait(), tenure.stand_by()) == 0:
                    return True
            reconciler = self._station.reconciler()
            await stack.enter_async_context(reconciler)
            stack.push_async_callback(reconciler.drain, DELIVERY_DRAIN)
            stack.enter_context(self._parts.online.entered(adapter, reconciler))
            rooms = await stack.enter_async_context(self._station.rooms())
            taking_up = self._take_up(rooms, reconciler)
            if await first_of(self._stopping.wait(), taking_up) == 0:
                return True
            meanwhile = self._station.meanwhile(rooms.believed)
            intake = Intake(partial(self._accept, rooms), rooms.heed, meanwhile)
            await stack.enter_async_context(intake)
            await stack.enter_async_context(LookOut(adapter, intake.heed))
            return await self._receive(intake, rooms, tenure, await self._station.besides(stack))

    async def _receive(
        self, intake: Intake, rooms: Rooms, tenure: Tenure, besides: Besides
    ) -> bool:
        """Receive while the lease is ours, overhear while nobody knows whose it is."""
        cursor = await self._cursor()
        while True:
            self.online_since = time.monotonic()
            self._become("online")
            self.online.set()
            log.info("account_online", platform=self.adapter.platform, account=self.adapter.account)
            receiving = self.adapter.receive(intake.accept, cursor)
            works = (receiving, self._stopping.wait(), tenure.until_lost(), besides())
            how = await first_of(*works)
            if how == LOST:
                intake.lose()
                hearing = self._overhear(intake, cursor)
                how = await first_of(hearing, self._stopping.wait(), self._regain(tenure, rooms))
            if how != LOST:
                return how != RESUMED
            if not tenure.held:
                return False
            cursor = await self._cursor()

    async def _accept(self, rooms: Rooms, batch: Sequence[Inbound], cursor: str) -> None:
        """Take a batch in; a cursor that comes without events is kept all the same."""
        await rooms.accept(batch, cursor)
        if cursor and not batch:
            adapter = self.adapter
            await self._parts.stores.inbox.keep_cursor(adapter.platform, adapter.account, cursor)

    async def _cursor(self) -> str:
        adapter = self.adapter
        return await self._parts.stores.inbox.cursor(adapter.platform, adapter.account)

    async def _overhear(self, intake: Intake, cursor: str) -> None:
        """Hear stops where the look-out does not; what breaks is of no matter."""
        try:
            if not isinstance(self.adapter, LooksOut):
                await self.adapter.receive(intake.overhear, cursor)
        except (PlatformError, StoreError) as error:
            log.debug("not_overheard", platform=self.adapter.platform, error=str(error))
        await asyncio.Event().wait()

    async def _regain(self, tenure: Tenure, rooms: Rooms) -> None:
        """Wait for the database, and see to what its absence left behind."""
        while True:
            await tenure.regain()
            try:
                if tenure.held:
                    await settle_down(self._parts, rooms, self.adapter)
                return
            except (StoreUnavailable, StoreError) as error:
                log.warning("database_away", platform=self.adapter.platform, error=str(error))

    async def _take_up(self, rooms: Rooms, reconciler: Reconciler) -> None:
        """See to what an earlier daemon left: turns, events, posts."""
        platform, account = self.adapter.platform, self.adapter.account
        safe = self._parts.safe
        given_back, set_aside = await self._runner.take_up(platform, account)
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
