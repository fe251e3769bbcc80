"""A terminal in one process, the daemon in another, the database between them."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Literal, Protocol

from navi_bot.messages import Inbound, Page

Side = Literal["daemon", "terminal"]


class Relay(Protocol):
    """Raises StoreUnavailable and StoreError like every store."""

    async def say(self, inbound: Inbound) -> None:
        """Hand over what was typed."""
        ...

    async def take(self) -> tuple[Inbound, ...]:
        """Take what was typed, oldest first, once."""
        ...

    async def draw(self, message_id: str, page: Page, final: bool) -> None:
        """Hand over what a terminal shall show under a message's number."""
        ...

    async def drawn(self, message_id: str) -> tuple[Page, bool] | None: ...

    def news(self, side: Side) -> AbstractAsyncContextManager[AsyncIterator[str]]:
        """Listen: a side hears message numbers to draw, or "" for typed input."""
        ...
