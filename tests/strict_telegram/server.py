"""The server as tests hold it: start, stop, and what goes wrong on purpose."""

import asyncio
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from aiohttp import web

from strict_telegram.acts import Acts
from strict_telegram.clock import Clock
from strict_telegram.faults import Action, Chance, Fault
from strict_telegram.http import MAX_UPLOAD, Front, Overload
from strict_telegram.limits import Gate, Limits, Name, named
from strict_telegram.model import Chat
from strict_telegram.moderation import Moderation
from strict_telegram.stage import Stage
from strict_telegram.watch import Watch
from strict_telegram.world import World

TOKEN = "7100000001:AAF-strict-server-for-tests-0123456789"
HOST = "127.0.0.1"


class Server(Stage, Acts, Moderation, Watch):
    """An async context manager. All methods belong to its event loop."""

    def __init__(
        self,
        *,
        token: str = TOKEN,
        name: str = "Navi",
        username: str = "navi_bot",
        limits: Limits | Name = "off",
        port: int = 0,
        clock: Clock | None = None,
    ) -> None:
        self.token = token
        self.world = World(token, name, username, named(limits), clock or Clock())
        self.front = Front(self.world, token)
        self.app = web.Application(client_max_size=MAX_UPLOAD)
        self.port = port
        self._runner = web.AppRunner(self.app, access_log=None, shutdown_timeout=0.2)
        self._site: web.TCPSite | None = None

    @property
    def url(self) -> str:
        """The base URL: `TELEGRAM_API_URL`."""
        return f"http://{HOST}:{self.port}"

    async def __aenter__(self) -> Self:
        self.app.router.add_route("*", "/{path:.*}", self.front.respond)
        await self._runner.setup()
        await self.accept_connections()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.front.closing.set()
        await self._runner.cleanup()

    async def accept_connections(self) -> None:
        """Listen (again), on the same port."""
        if self._site is None:
            self._site = web.TCPSite(self._runner, HOST, self.port, reuse_address=True)
            await self._site.start()
            self.port = self._runner.addresses[0][1]

    async def refuse_connections(self) -> None:
        """Stop listening and reset what is open: connections are refused."""
        assert self._runner.server is not None
        for connection in self._runner.server.connections:
            if connection.transport is not None:
                connection.transport.abort()
        if self._site is not None:
            await self._site.stop()
            self._site = None
        await asyncio.sleep(0)

    def fault(
        self,
        action: Action,
        method: str = "*",
        *,
        chat: Chat | None = None,
        text: str = "",
        nth: int = 1,
        times: int | None = 1,
        seconds: float | None = None,
    ) -> Fault:
        """Script a fault; see `Fault`. `seconds`: it ends by itself after them."""
        until = None if seconds is None else self.world.clock.now() + seconds
        fault = Fault(action, method, chat.id if chat else None, text, nth, times, until)
        return self.front.plan.add(fault)

    def random_faults(
        self,
        seed: int,
        rates: Sequence[tuple[Action, float]],
        methods: Sequence[str] | None = None,
    ) -> None:
        """Let each call of some methods fail with the rates given, seeded."""
        chance = Chance(seed, rates) if methods is None else Chance(seed, rates, methods)
        self.front.plan.chance = chance

    def heal(self, fault: Fault | None = None) -> None:
        """Take one fault away, or all of them, revocation and latency included."""
        if fault is not None:
            self.front.plan.remove(fault)
            return
        self.front.plan.clear()
        self.front.revoked = False
        self.front.latency = (0.0, 0.0)

    def revoke_token(self) -> None:
        """Answer 401 from now on."""
        self.front.revoked = True

    def set_limits(self, limits: Limits | Name) -> None:
        """Begin anew with other limits, all buckets full."""
        self.world.gate = Gate(named(limits))

    def punish(self, chat: Chat | None, seconds: float) -> None:
        """Refuse a chat's sends and edits for so long from its next one on; None: everyone's."""
        self.world.gate.punish(chat.id if chat else None, seconds)

    def set_load(
        self, *, latency: tuple[float, float] = (0.0, 0.0), overload: Overload | None = None
    ) -> None:
        """Set the seconds before and after each effect, and when it is too much."""
        self.front.latency = latency
        self.front.overload = overload or self.front.overload
