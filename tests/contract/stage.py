"""Where an adapter is held to its port: a place on its platform, and a person in it.

A stage lets the person act and tells what the person sees. `Abilities` says in
which ways platforms honestly differ; a rule looks at nothing else to know what
to ask for.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol, TypeVar

from navi_bot.errors import StoreUnavailable
from navi_bot.messages import Address, Inbound, Page, Prose, Said
from navi_bot.ports.platform import Adapter

T = TypeVar("T")

PATIENCE = 30.0
"""Seconds until something that must happen has not."""
LOOK_AGAIN = 0.01


@dataclass(frozen=True, slots=True)
class Abilities:
    """What there is on a platform. What is not there is asked for in vain, without an error."""

    remote: bool = False
    """A server is asked, which may refuse, limit, or be away; it limits pages, too."""
    recovers: bool = False
    """Receiving goes on by itself when nothing could be stored; else it is begun again."""
    progress: bool = True
    """A person sees a message while it grows."""
    once: bool = False
    """A send repeated with its transaction has no second effect."""
    removal: bool = False
    """Messages can be taken away, by the bot and by people."""
    replies: bool = False
    buttons: bool = False
    files: bool = False
    signs: bool = False
    """Typing and reactions are seen."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A message of the bot as a person sees it now."""

    text: str
    id: str = ""
    reply_to: str = ""


class Taken:
    """What was accepted. `away`: the store takes nothing."""

    def __init__(self, cursor: str) -> None:
        self.cursor = cursor
        self.events: list[Inbound] = []
        self.offered: list[Inbound] = []
        self.away = False

    async def accept(self, batch: Sequence[Inbound], cursor: str) -> None:
        self.offered += batch
        if self.away:
            raise StoreUnavailable("The database does not answer.")
        self.events += batch
        self.cursor = cursor

    def said(self) -> list[Said]:
        return [event for event in self.events if isinstance(event, Said)]


class Person(Protocol):
    """What each platform brings along; `place` is where the person talks to the bot."""

    abilities: Abilities
    adapter: Adapter
    place: Address
    cursor: str
    """That an earlier process stored."""

    def another(self) -> Adapter:
        """Return an adapter for the same account, not connected."""
        ...

    def impostor(self) -> Adapter:
        """Return one whose credentials are wrong; remote platforms only."""
        ...

    async def says(self, text: str) -> None: ...
    async def sees(self) -> Sequence[Seen]: ...


class Remote(Person, Protocol):
    """A person on a platform with a server and all that goes with it."""

    async def gives(self, name: str, content: bytes) -> None:
        """Send a file."""
        ...

    async def receives(self, name: str) -> bytes:
        """Return the content of a file that the bot has sent; LookupError: none is there."""
        ...

    async def presses(self, message_id: str, label: str) -> None: ...
    async def removes(self, message_id: str) -> None: ...
    async def sees_typing(self) -> bool: ...
    async def sees_reactions(self, message_id: str) -> Sequence[str]: ...

    async def shuts_out(self) -> Address:
        """Let the bot into another place and put it out again; return the place."""
        ...

    async def throttles(self, seconds: float) -> None:
        """Have the server refuse the next send for some seconds."""
        ...

    @asynccontextmanager
    async def outage(self) -> AsyncIterator[None]:
        """Have the server away, as long as it is entered."""
        yield


class Stage:
    """A connected adapter that receives, begun again as the daemon does it."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self.can = person.abilities
        self.adapter = person.adapter
        self.out = person.adapter.outbound
        self.place = person.place
        self.taken = Taken(person.cursor)
        self._receiving: asyncio.Task[None] | None = None
        self._numbers = iter(range(1, 10_000))

    @property
    def remote(self) -> Remote:
        assert self.can.remote
        return self.person  # type: ignore[return-value]  # remote platforms have all of it

    def word(self, text: str) -> str:
        """Return words that nothing has said yet."""
        return f"{text} n{next(self._numbers)}."

    async def begin(self) -> None:
        """Receive; returns when the adapter has heard of its platform."""
        self._receiving = asyncio.ensure_future(self._receive())

        async def heard() -> bool:
            return self.adapter.last_contact > 0

        await self.until(heard)

    async def end(self) -> None:
        """Cancel receiving; it must end by itself, as cancelled."""
        receiving, self._receiving = self._receiving, None
        assert receiving is not None
        receiving.cancel()
        async with asyncio.timeout(PATIENCE):
            await asyncio.wait([receiving])
        assert receiving.cancelled(), "a cancelled receive ends as cancelled"

    async def _receive(self) -> None:
        while True:
            try:
                await self.adapter.receive(self.taken.accept, self.taken.cursor)
            except StoreUnavailable:
                assert not self.can.recovers
            await asyncio.sleep(LOOK_AGAIN)

    async def until(self, ready: Callable[[], Awaitable[T]]) -> T:
        """Wait until something is so; return it."""
        deadline = time.monotonic() + PATIENCE
        while not (found := await ready()):
            assert time.monotonic() < deadline, f"not within {PATIENCE} s: {await self.look()}"
            await asyncio.sleep(LOOK_AGAIN)
        return found

    async def look(self) -> list[Seen]:
        return list(await self.person.sees())

    async def sees(self, text: str) -> Seen:
        """Wait until the person sees a message with a text."""

        async def found() -> Seen | None:
            return next((one for one in await self.look() if text in one.text), None)

        seen = await self.until(found)
        assert seen is not None
        return seen

    async def seen_in_the_end(self, text: str) -> list[Seen]:
        """Return the messages that show a text when all that was sent before is shown."""
        await self.shows(mark := self.word("mark"))
        await self.sees(mark)
        return [one for one in await self.look() if text in one.text]

    async def hears(self, text: str) -> Said:
        """Wait until something that was said is stored; answer it."""

        async def found() -> Said | None:
            return next((one for one in self.taken.said() if text in one.text), None)

        said = await self.until(found)
        assert said is not None
        await self.shows("noted")
        return said

    async def shows(self, text: str, *, final: bool = True, **how: str) -> str:
        """Send a page; return its id."""
        how.setdefault("transaction", self.word("t"))
        return await self.out.send(self.place, page(text), final=final, **how)  # type: ignore[arg-type]  # words by name

    async def changes(self, message_id: str, text: str, *, final: bool = True) -> None:
        transaction = self.word("t")
        await self.out.edit(
            self.place, message_id, page(text), transaction=transaction, final=final
        )


def page(text: str) -> Page:
    return Page((Prose(text),))
