"""An adapter that insists on its life cycle: connect, receive, close, in this order."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from pydantic import SecretStr

from adapters.console.account import ConsoleCalls
from adapters.console.markup import ConsoleSurface, answer_text
from navi_bot.app.core import Core, assemble
from navi_bot.app.hosts import Hosts
from navi_bot.app.owners import ensure_owners
from navi_bot.app.parts import gather
from navi_bot.app.stores import opened_store
from navi_bot.messages import Address, ChatKind, Origin, Page, Said, Sender
from navi_bot.models.gate import FairGate
from navi_bot.models.scripted import ScriptedModel
from navi_bot.ports.agent import Backend
from navi_bot.ports.platform import Accept
from navi_bot.settings import Settings
from navi_bot.toolbox.custody import Custody

OWNER = "5"
PLATFORM = "strict"


class StrictOutbound(ConsoleCalls):
    """Notes what was shown; shows nothing for an adapter that is closed."""

    def __init__(self, adapter: "StrictAdapter") -> None:
        self.surface = ConsoleSurface()
        self._adapter = adapter
        self._sent = 0

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
        self._sent += 1
        self._show(page, final)
        return str(self._sent)

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
        self._show(page, final)

    def _show(self, page: Page, final: bool) -> None:
        assert not self._adapter.closed, "a call on a closed adapter"
        self._adapter.note(f"final: {answer_text(page)}" if final else "progress")


class StrictAdapter:
    """`connects`: what each try raises, None to let it in; `told`: what `receive` does next.

    A string is said by the owner, an error is raised, None ends it. `life` is
    what happened, in order.
    """

    private_interval = 0.01
    group_interval = 0.01
    late_interval = 0.0
    one_limit = False
    trouble = ""
    last_contact = 0.0
    last_try = 0.0
    name = "strict_bot"

    def __init__(self, account: str = "1", *connects: Exception | None) -> None:
        self.platform = PLATFORM
        self.account = account
        self.outbound = StrictOutbound(self)
        self.told: asyncio.Queue[str | Exception | None] = asyncio.Queue()
        self.life: list[str] = []
        self.closed = False
        self._connects = list(connects)
        self._receiving = False
        self._changed = asyncio.Event()

    def note(self, event: str) -> None:
        self.life.append(event)
        self._changed.set()

    async def until(self, event: str, nth: int = 1) -> None:
        """Wait until something that begins so has happened for the nth time."""
        async with asyncio.timeout(15):
            while sum(one.startswith(event) for one in self.life) < nth:
                self._changed.clear()
                await self._changed.wait()

    async def connect(self) -> None:
        assert not self.closed
        assert "connected" not in self.life, "connected already"
        error = self._connects.pop(0) if self._connects else None
        if isinstance(error, TimeoutError):
            self.note("connecting")
            try:
                await asyncio.Event().wait()
            finally:
                self.note("connecting ended")
        if error is not None:
            self.note("not connected")
            raise error
        self.note("connected")

    async def receive(self, accept: Accept, cursor: str) -> None:
        assert "connected" in self.life
        assert not self.closed
        assert not self._receiving, "two receive at once"
        self._receiving = True
        self.note("receiving")
        try:
            while (told := await self.told.get()) is not None:
                if isinstance(told, Exception):
                    raise told
                await accept((self.said(told),), "")
        finally:
            self._receiving = False
            self.note("received")

    async def close(self) -> None:
        assert not self.closed, "closed twice"
        assert not self._receiving, "closed while it receives"
        self.closed = True
        self.note("closed")

    def said(self, text: str) -> Said:
        key = uuid.uuid4().hex
        address = Address(self.platform, self.account, "chat")
        now = datetime.now(UTC)
        origin = Origin(key, address, ChatKind.PRIVATE, Sender(OWNER, "Ann"), key, now)
        return Said(origin, text, addressed=True)


@asynccontextmanager
async def assembled(
    dsn: str, folder: Path, *, word_seconds: float = 0.0, drain: float = 5.0
) -> AsyncIterator[Core]:
    """Everything that an account works with, real; the model speaks a script."""
    settings = Settings(
        data_dir=folder,
        database_url=SecretStr(dsn),
        owners=((PLATFORM, OWNER),),
        drain=drain,
        first_show=0.01,
    )
    model = ScriptedModel(word_seconds)
    backend = Backend(model=model, gate=FairGate(1), default_model="demo")
    hosts = Hosts({"ollama": backend, "openai": backend}, model, "the script", "demo")
    async with opened_store(settings) as stores:
        await ensure_owners(stores.people, settings.owners)
        yield assemble(await gather(settings, stores, hosts, Custody()))
