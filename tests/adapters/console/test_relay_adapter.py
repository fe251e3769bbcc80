"""The daemon's side of a terminal in another process."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from adapters.console.account import said
from adapters.console.relay import RelayAdapter
from navi_bot.messages import Inbound, Page
from navi_bot.ports.relay import Side


class Typed:
    """A relay into which somebody has typed one line before the daemon listened."""

    def __init__(self) -> None:
        self.lines: list[Inbound] = [said("hello", "relay")]

    async def say(self, inbound: Inbound) -> None:
        self.lines.append(inbound)

    async def take(self) -> tuple[Inbound, ...]:
        taken, self.lines = tuple(self.lines), []
        return taken

    async def draw(self, message_id: str, page: Page, final: bool) -> None:
        raise AssertionError

    async def drawn(self, message_id: str) -> tuple[Page, bool] | None:
        raise AssertionError

    @asynccontextmanager
    async def news(self, side: Side) -> AsyncIterator[AsyncIterator[str]]:
        assert side == "daemon"
        yield self._heard()

    async def _heard(self) -> AsyncIterator[str]:
        await asyncio.Event().wait()
        yield ""


async def test_what_was_taken_and_not_accepted_is_handed_over_again() -> None:
    """The lease was lost in between: the line is gone from the relay, not from here."""
    relay = Typed()
    adapter = RelayAdapter(relay)
    begun, accepted = asyncio.Event(), asyncio.Event()
    seen: list[str] = []

    async def slow(_batch: Sequence[Inbound], _cursor: str) -> None:
        begun.set()
        await asyncio.Event().wait()

    async def accept(batch: Sequence[Inbound], _cursor: str) -> None:
        seen.extend(one.origin.key for one in batch)
        accepted.set()

    key = relay.lines[0].origin.key
    for hand_over, done in ((slow, begun), (accept, accepted)):
        receiving = asyncio.ensure_future(adapter.receive(hand_over, ""))
        await asyncio.wait_for(done.wait(), 5)
        receiving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await receiving
    assert seen == [key]
