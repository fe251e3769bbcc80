"""An adapter on the real homeserver, whose events a test takes in itself."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar
from uuid import uuid4

from adapters.matrix.adapter import MatrixAdapter
from adapters.matrix.login import Credentials
from adapters.matrix.sync import Patience
from adapters.matrix.trust import Unverified
from navi_bot.errors import NotSent, StoreUnavailable
from navi_bot.messages import Address, Inbound, Page, Prose, Returned, Said
from real_synapse.person import Person
from real_synapse.server import Login

T = TypeVar("T")

PATIENCE = Patience(poll=2.0, grace=2.0, backoff=(1.0, 1.0))


class Bot:
    """`async with` logs in and receives; `taken` is what was handed over, in order."""

    def __init__(
        self,
        url: str,
        login: Login,
        data_dir: Path,
        *owners: str,
        cursor: str = "",
        patience: Patience = PATIENCE,
    ) -> None:
        self.credentials = Credentials(url, login.user_id, password=login.password)
        self.login = login
        self.data_dir = data_dir
        self._owners = owners
        self.cursor = cursor
        self._patience = patience
        self.taken: list[Inbound] = []
        self.batches: list[tuple[int, str]] = []
        self.failing = False
        self.id = login.user_id
        self.unverified: Unverified = "talk"
        self.clock: Callable[[], float] = time.monotonic
        self.adapter = self.made()
        self._receiving: asyncio.Task[None] | None = None
        self._news = asyncio.Event()

    def made(self, **changes: str) -> MatrixAdapter:
        """Return another adapter of the same installation."""
        return MatrixAdapter(
            replace(self.credentials, **changes),
            self.data_dir,
            owners=self._owners,
            unverified=self.unverified,
            patience=self._patience,
            clock=self.clock,
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

    async def sends(self, address: Address, page: Page, transaction: str) -> str:
        """Send as delivery does: what was surely not sent is tried again."""
        async with asyncio.timeout(10):
            while True:
                try:
                    return await self.adapter.outbound.send(address, page, transaction=transaction)
                except NotSent:
                    await asyncio.sleep(0.05)

    async def shows(self, address: Address, text: str, **how: bool) -> str:
        """Send a page of Markdown; return its message id."""
        page = Page((Prose(text),))
        return await self.adapter.outbound.send(
            address, page, transaction=uuid4().hex, final=how.get("final", True)
        )

    def again(self, url: str = "", *, patience: Patience = PATIENCE) -> "Bot":
        """Return the bot of a later process: the same data, the stored cursor."""
        later = Bot(
            url or self.credentials.homeserver,
            self.login,
            self.data_dir,
            *self._owners,
            cursor=self.cursor,
            patience=patience,
        )
        later.taken = list(self.taken)
        return later

    async def joins(self, person: Person, *, encrypted: bool = False, **how: Any) -> str:
        """Have somebody open a room and invite; return it when the bot is in, and knows it."""
        room = await person.opens_room(self.id, encrypted=encrypted, **how)
        await person.waits(lambda: self._is_in(person, room))
        await self.until(lambda: self._has_come_into(room))
        return room

    def _has_come_into(self, room: str) -> bool:
        came = (one.origin.address.chat for one in self.taken if isinstance(one, Returned))
        return room in came

    def _is_in(self, person: Person, room: str) -> bool:
        user = person.client.rooms[room].users.get(self.id)
        return user is not None and not user.invited

    def place(self, room: str, thread: str = "") -> Address:
        return Address("matrix", self.id, room, thread)
