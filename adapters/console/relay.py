"""The console of a daemon whose terminal is in another process.

`RelayAdapter` is the daemon's side: what was typed there comes in, pages go
out into the relay. `attach` is the terminal's side: it draws those pages with
the same terminal that `run` uses, and hands over what is typed.
"""

import asyncio
import time
import uuid
from collections.abc import Callable, Sequence

import structlog

from adapters.console.account import PLATFORM, ConsoleCalls
from adapters.console.markup import ConsoleSurface
from adapters.console.terminal import TerminalAdapter
from navi_bot.errors import StoreError, StoreUnavailable
from navi_bot.messages import Address, Inbound, Page
from navi_bot.ports.platform import Accept
from navi_bot.ports.relay import Relay

log = structlog.get_logger()

ACCOUNT = "relay"
RETRY = 2.0
"""Seconds before the relay is tried again when the database went away."""


class RelayOutbound(ConsoleCalls):
    """Hands pages to whichever terminal listens; a page drawn again is the same page."""

    idempotent = True

    def __init__(self, relay: Relay) -> None:
        self.surface = ConsoleSurface()
        self._relay = relay

    async def send(
        self,
        address: Address,
        page: Page,
        *,
        transaction: str,
        reply_to: str = "",
        silent: bool = False,
        plain: bool = False,
        final: bool = True,
    ) -> str:
        message_id = transaction or uuid.uuid4().hex
        await self._relay.draw(message_id, page, final)
        return message_id

    async def edit(
        self,
        address: Address,
        message_id: str,
        page: Page,
        *,
        transaction: str,
        final: bool,
        plain: bool = False,
    ) -> None:
        await self._relay.draw(message_id, page, final)


class RelayAdapter:
    """Implements the Adapter port over the relay."""

    platform = PLATFORM
    account = ACCOUNT
    name = ""
    private_interval = 0.1
    group_interval = 0.1
    late_interval = 0.0
    one_limit = False

    def __init__(
        self, relay: Relay, clock: Callable[[], float] = time.monotonic, retry: float = RETRY
    ) -> None:
        self._relay = relay
        self._clock = clock
        self._retry = retry
        self.trouble = ""
        self.outbound = RelayOutbound(relay)
        self._taken: tuple[Inbound, ...] = ()

    @property
    def last_contact(self) -> float:
        return self._clock()

    @property
    def last_try(self) -> float:
        return self._clock()

    async def connect(self) -> None:
        """Have nothing to connect to."""

    async def receive(self, accept: Accept, cursor: str) -> None:
        """Take what terminals typed, for ever."""
        while True:
            try:
                await self._listen(accept)
            except (StoreUnavailable, StoreError) as error:
                self.trouble = str(error)
                log.warning("relay_lost", error=str(error))
                await asyncio.sleep(self._retry)

    async def _listen(self, accept: Accept) -> None:
        async with self._relay.news("daemon") as news:
            await self._take(accept)
            async for _typed in news:
                await self._take(accept)

    async def _take(self, accept: Accept) -> None:
        self._taken += await self._relay.take()  # kept until it is accepted
        if self._taken:
            await accept(self._taken, "")
            self._taken = ()
        self.trouble = ""

    async def close(self) -> None:
        """Have nothing to close."""


async def attach(relay: Relay, terminal: TerminalAdapter) -> None:
    """Serve a terminal from a daemon in another process, until it is left."""
    async with relay.news("terminal") as news, asyncio.TaskGroup() as tasks:

        async def accept(batch: Sequence[Inbound], _cursor: str) -> None:
            for inbound in batch:
                await relay.say(inbound)

        async def draw() -> None:
            async for message_id in news:
                found = await relay.drawn(message_id)
                if found is not None:
                    terminal.outbound.show(message_id, *found)

        drawing = tasks.create_task(draw())
        await terminal.receive(accept, "")
        drawing.cancel()
