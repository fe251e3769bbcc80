"""What serving one account is made of: built anew each time that it goes online."""

import time
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from datetime import UTC, datetime

from navi_bot.app import accounts
from navi_bot.app.core import Core
from navi_bot.app.status import status_lines
from navi_bot.decide import Policy
from navi_bot.delivery.governor import Governor
from navi_bot.delivery.reconciler import Reconciler
from navi_bot.meanwhile import Believed, Meanwhile
from navi_bot.messages import Address
from navi_bot.ports.platform import Adapter
from navi_bot.recall.engine import RecallEngine
from navi_bot.rooms import Rooms
from navi_bot.rooms import Stores as RoomStores
from navi_bot.store.queue import Wakeups, queue_name

Besides = Callable[[], Coroutine[None, None, object]]
"""The account's own work, begun anew each time that it receives."""


class Station:
    """Builds the parts for one adapter out of what all accounts share."""

    def __init__(self, adapter: Adapter, core: Core) -> None:
        self._adapter = adapter
        self._core = core
        self._parts = core.parts
        self._governor = Governor(
            adapter.private_interval,
            adapter.group_interval,
            time.monotonic(),
            accounts.calls_per_second(self._parts.settings, adapter.platform),
            one_limit=adapter.one_limit,
        )

    def reconciler(self) -> Reconciler:
        stores = self._parts.stores
        self._governor.begin_anew(time.monotonic())
        move_room = stores.inbox.move_room
        return Reconciler(self._adapter, stores.outbox, move_room, governor=self._governor)

    def meanwhile(self, believed: Believed) -> Meanwhile:
        parts = self._parts
        return Meanwhile(
            parts.online.deliveries,
            parts.running,
            self._policy,
            frozenset(parts.settings.owners),
            believed,
            lambda: status_lines(parts.online, parts.aftermath, parts.stores.database),
        )

    def rooms(self) -> Rooms:
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

    async def besides(self, stack: AsyncExitStack) -> Besides:
        """Begin the account's own work, turns and recalls; in safe mode only wait for its end."""
        safe, stores = self._parts.safe, self._parts.stores
        if safe.on:
            return safe.over.wait
        await stack.enter_async_context(self._wakeups())
        platform, account = self._adapter.platform, self._adapter.account
        alarm = stack.enter_context(stores.bell.alarm(queue_name(platform, account)))
        deliveries = self._parts.online.deliveries
        return RecallEngine(stores.recall_work, deliveries, alarm, platform, account).run

    def _policy(self, _address: Address) -> Policy:
        settings = self._parts.settings
        return Policy(
            commands=self._parts.commands,
            bot_name=self._adapter.name,
            pairing=settings.pairing == "code",
            steer=settings.steer,
            stale_after=settings.stale_after,
            safe=self._parts.safe.on,
        )

    def _wakeups(self) -> Wakeups:
        settings, adapter = self._parts.settings, self._adapter
        return Wakeups(
            self._parts.stores.dsn,
            [queue_name(adapter.platform, adapter.account)],
            settings.concurrency,
            self._core.runner.wake,
            drain=settings.drain,
        )
