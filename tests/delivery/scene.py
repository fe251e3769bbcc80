"""A reconciler between an outbox and a strict platform, on virtual time."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count

from delivery.growing_source import GrowingSource
from delivery.loopback import LoopbackAccount, LoopbackOutbound, Made
from delivery.memory_outbox import MemoryOutbox

from navi_bot.delivery.reconciler import Reconciler
from navi_bot.errors import (
    NaviError,
)
from navi_bot.messages import Address, Head, Page, Post, Prose, RoomId
from navi_bot.ports.delivery import Delivery


def head(key: str, chat: str = "a", room: int | None = None) -> Head:
    address = Address("loop", "bot", chat)
    number = room if room is not None else sum(map(ord, chat))
    return Head(key, RoomId(number), address, group=chat.startswith("group"))


def page(text: str) -> Page:
    return Page((Prose(text),))


def now() -> float:
    return asyncio.get_running_loop().time()


@dataclass
class Scene:
    """A reconciler between an outbox and a platform."""

    outbound: LoopbackOutbound = field(default_factory=LoopbackOutbound)
    outbox: MemoryOutbox = field(default_factory=MemoryOutbox)
    moves: list[tuple[str, str]] = field(default_factory=list)
    capacity: int = 2000
    account: Callable[[LoopbackOutbound], LoopbackAccount] = LoopbackAccount
    ids: "count[int]" = field(default_factory=count)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Reconciler]:
        loop = asyncio.get_running_loop()
        self.outbound.forget_what_is_known()
        async with Reconciler(
            self.account(self.outbound),
            self.outbox,
            self._move,
            capacity=self.capacity,
            clock=loop.time,
            token=lambda: f"t{next(self.ids)}",
        ) as reconciler:
            port: Delivery = reconciler
            assert port is reconciler
            yield reconciler

    def show(self, reconciler: Reconciler, key: str, *texts: str, chat: str = "a") -> None:
        post = Post(head(key, chat), tuple(page(text) for text in texts))
        self.outbox.want(post)
        reconciler.show(post)

    def live(
        self, reconciler: Reconciler, key: str, chat: str = "a", begun: str = ""
    ) -> GrowingSource:
        source = GrowingSource(key, 100_000, with_button=False)
        reconciler.follow(head(key, chat), source, begun)
        return source

    def finish(self, reconciler: Reconciler, key: str, source: GrowingSource, chat: str) -> None:
        source.final = True
        reconciler.touch(key)
        post = Post(head(key, chat), source.pages(now()))
        self.outbox.want(post)
        reconciler.show(post)

    @property
    def is_finished(self) -> bool:
        return not list(self.outbox.open_posts("loop", "bot"))

    async def _move(self, address: Address, new_chat: str) -> None:
        self.moves.append((address.chat, new_chat))


def failing(*errors: NaviError | float | None) -> Callable[[Made], NaviError | float | None]:
    """Answer these to the first sends, edits and deletes, then all is well."""
    queue = list(errors)

    def answer(made: Made) -> NaviError | float | None:
        is_post = made.kind in ("send", "edit", "delete")
        return queue.pop(0) if queue and is_post else None

    return answer


async def stream(
    reconciler: Reconciler, key: str, source: GrowingSource, seconds: float, every: float = 0.02
) -> None:
    """Add a word every `every` seconds."""
    for number in range(round(seconds / every)):
        source.add(f"w{number}")
        reconciler.touch(key)
        await asyncio.sleep(every)
