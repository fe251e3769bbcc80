"""The daemon: all accounts served side by side, from start to stop."""

import asyncio
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import structlog

from navi_bot.app.bulletin import bulletin
from navi_bot.app.core import Core
from navi_bot.app.owners import owner_link
from navi_bot.app.pulse import Listening, Pulse
from navi_bot.app.race import first_of
from navi_bot.app.service import Service
from navi_bot.errors import ConfigurationError, CredentialError, NaviError
from navi_bot.notify import Notifier
from navi_bot.ports.platform import Adapter
from navi_bot.store.pool import knock, ping

log = structlog.get_logger()

BULLETIN_EVERY = 2.0
"""Seconds between looks at how the accounts are, for systemd's status line."""

OWNER_RETRY = 10.0
"""Seconds until the link for an owner is tried again when the database was away."""


class Daemon:
    """Runs once. It lives for its adapters; those `aside` are served as long as it does."""

    def __init__(self, core: Core, adapters: Sequence[Adapter], aside: Sequence[Adapter]) -> None:
        self._parts = core.parts
        self._stopping = asyncio.Event()
        self._hurried = asyncio.Event()
        self._main = [Service(adapter, core, self._stopping) for adapter in adapters]
        self._aside = [Service(adapter, core, self._stopping) for adapter in aside]
        self._refused: list[CredentialError] = []
        self._notifier = Notifier.from_environment()

    async def serve(self) -> None:
        """Serve until told to stop. ConfigurationError when every platform refuses."""
        with self._signals():
            await first_of(self._serve_all(), self._hurried.wait())
        log.info("daemon_stopped")
        if self._main and len(self._refused) == len(self._main):
            raise ConfigurationError(*(str(error) for error in self._refused))

    async def _serve_all(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            besides = [tasks.create_task(self._announce()), tasks.create_task(self._beat())]
            besides += [tasks.create_task(self._offer_ownership(one)) for one in self._main]
            async with asyncio.TaskGroup() as serving:
                for service in self._main:
                    serving.create_task(self._served(service))
                for service in self._aside:
                    serving.create_task(service.run())
            for task in besides:
                task.cancel()

    async def _served(self, service: Service) -> None:
        """Serve one account; the daemon ends with the last one, or with its console."""
        try:
            await service.run()
        except CredentialError as error:
            log.error("account_refused", platform=service.adapter.platform, error=str(error))
            self._refused.append(error)
            if any(one.state != "ended" for one in self._main):
                return
        self._stop()

    async def _announce(self) -> None:
        """Say that the daemon is ready, once every account is online or has to wait."""
        for service in self._main:
            await service.settled.wait()
        if all(service.state == "ended" for service in self._main):
            return
        online = [one.adapter.platform for one in self._main if one.state == "online"]
        database, hosts = self._parts.stores.database, self._parts.hosts
        model = hosts.model or f"the profiles' models at {hosts.address}"
        log.info("daemon_ready", adapters=online, database=database, model=model)
        told = self._bulletin()
        self._notifier.ready(told)
        while True:
            await asyncio.sleep(BULLETIN_EVERY)
            if (now := self._bulletin()) != told:
                told = now
                self._notifier.status(told)

    def _bulletin(self) -> str:
        return bulletin(self._main, safe=self._parts.safe.on)

    async def _offer_ownership(self, service: Service) -> None:
        await service.online.wait()
        if link := await self._owner_link(service):
            log.warning("owner_link_made", link=link, hours=1)
            print(
                f"Nobody owns me yet. Open {link} within an hour to become my owner.",
                file=sys.stdout,
                flush=True,
            )

    async def _owner_link(self, service: Service) -> str:
        while True:
            try:
                return await owner_link(self._parts.stores.people, service.adapter)
            except NaviError as error:
                log.warning("owner_link_not_made", error=str(error), retry_in=OWNER_RETRY)
            await asyncio.sleep(OWNER_RETRY)

    async def _beat(self) -> None:
        if not self._notifier.interval:
            return
        stores, notifier = self._parts.stores, self._notifier
        database = partial(ping, stores.pool), partial(knock, stores.dsn)
        await Pulse(self._listening, *database, notifier.beat, notifier.interval).run()

    def _listening(self) -> list[Listening]:
        return [(one.adapter, one.online_since) for one in self._main if one.state == "online"]

    def _stop(self) -> None:
        if not self._stopping.is_set():
            self._notifier.stopping()
            self._stopping.set()

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """Stop at SIGTERM and SIGINT; at a second one, at once."""
        loop = asyncio.get_running_loop()

        def asked() -> None:
            log.info("stop_asked", again=self._stopping.is_set())
            if self._stopping.is_set():
                self._hurried.set()
            self._stop()

        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, asked)
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)
