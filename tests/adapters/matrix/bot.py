"""An adapter on the real homeserver, whose events a test takes in itself."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar
from uuid import uuid4

from real_synapse import Login, Synapse

from adapters.matrix.adapter import MatrixAdapter
from adapters.matrix.login import Credentials
from adapters.matrix.sync import Patience
from navi_bot.errors import StoreUnavailable
from navi_bot.messages import Address, Inbound, Page, Prose, Said

T = TypeVar("T")

PATIENCE = Patience(poll=5.0, grace=5.0, backoff=(1.0, 2.0))


class Bot:
    """`async with` logs in and receives; `taken` is what was handed over, in order."""

    def __init__(
        self,
        synapse: Synapse,
        login: Login,
        data_dir: Path,
        *owners: str,
        cursor: str = "",
        url: str = "",
    ) -> None:
        self.credentials = Credentials(url or synapse.url, login.user_id, password=login.password)
        self._data_dir = data_dir
        self._owners = owners
        self.cursor = cursor
        self.taken: list[Inbound] = []
        self.batches: list[tuple[int, str]] = []
        self.failing = False
        self.id = login.user_id
        self.adapter = self.made()
        self._receiving: asyncio.Task[None] | None = None
        self._news = asyncio.Event()

    def made(self, **changes: str) -> MatrixAdapter:
        """Return another adapter of the same installation."""
        return MatrixAdapter(
            replace(self.credentials, **changes),
            self._data_dir,
            owners=self._owners,
            patience=PATIENCE,
        )

    async def __aenter__(self) -> Self:
        await self.adapter.connect()
        self._receiving = asyncio.ensure_future(self.adapter.receive(self._accept, self.cursor))
        if not self.cursor:
            await self.until(lambda: self.cursor)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._receiving is not None
        self._receiving.cancel()
        await asyncio.gather(self._receiving, return_exceptions=True)
        await self.adapter.close()

    async def ended(self, within: float = 15.0) -> BaseException | None:
        """Wait until receiving has ended by itself; return why."""
        assert self._receiving is not None
        async with asyncio.timeout(within):
            await asyncio.wait([self._receiving])
        return self._receiving.exception()

    async def _accept(self, batch: Sequence[Inbound], cursor: str) -> None:
        if self.failing:
            raise StoreUnavailable("The database is away.")
        known = {one.origin.key for one in self.taken}
        self.taken += [one for one in batch if one.origin.key not in known]
        self.batches.append((len(batch), cursor))
        self.cursor = cursor
        self._news.set()

    async def until(self, ready: Callable[[], T | None], within: float = 20.0) -> T:
        """Wait until something has been taken in; return it."""
        async with asyncio.timeout(within):
            while not (found := ready()):
                self._news.clear()
                await self._news.wait()
        return found

    async def hears(self, text: str, within: float = 20.0) -> Said:
        def found() -> Said | None:
            said = (one for one in self.taken if isinstance(one, Said))
            return next((one for one in said if text in one.text), None)

        return await self.until(found, within)

    async def gets(self, kind: type[T], within: float = 20.0) -> T:
        return await self.until(
            lambda: next((one for one in self.taken if isinstance(one, kind)), None), within
        )

    def texts(self) -> list[str]:
        return [one.text for one in self.taken if isinstance(one, Said)]

    async def shows(self, address: Address, text: str, **how: bool) -> str:
        """Send a page of Markdown; return its message id."""
        page = Page((Prose(text),))
        return await self.adapter.outbound.send(
            address, page, transaction=uuid4().hex, final=how.get("final", True)
        )

    def place(self, room: str, thread: str = "") -> Address:
        return Address("matrix", self.id, room, thread)
