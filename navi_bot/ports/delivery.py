"""The one way out: desired states handed to delivery, and its durable ledger."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from navi_bot.messages import Address, Head, Page, Post, RoomId


class LiveSource(Protocol):
    """What one post should show, pulled when a call may be made."""

    def pages(self, now: float) -> Sequence[Page]:
        """Return all pages; frozen ones are the same objects as before."""
        ...

    @property
    def final(self) -> bool:
        """The content will not change any more."""
        ...

    def wakes_at(self, now: float) -> float | None:
        """When the content changes by itself next (seconds shown), if it does.

        A first show that should wait (up to 1.5 s) also answers its time here
        and gives no pages before.
        """
        ...


class Delivery(Protocol):
    """Hands posts to the adapter of their room. None of these ever waits."""

    def follow(self, head: Head, source: LiveSource, begun: str = "") -> None:
        """Show a post that changes; earlier pages of the key are adopted.

        `begun`: the post is new, and the intent of its first send is stored
        already, with this transaction.
        """
        ...

    def touch(self, key: str) -> None:
        """Say that the source of a followed post has changed."""
        ...

    def show(self, post: Post) -> None:
        """Show a settled post. If the key is being followed, this ends it.

        The post must be stored already, by the statement that decided it, so
        that a crash cannot lose it.
        """
        ...

    def working(self, head: Head, on: bool) -> None:
        """Keep the typing action alive in a room, or let it fade."""
        ...

    def react(self, address: Address, message_id: str, emoji: str) -> None: ...

    def acknowledge(self, address: Address, press: str, text: str) -> None: ...

    def remark(self, address: Address, text: str) -> None:
        """Say something that is not worth storing. Best effort, never repeated."""
        ...


@dataclass(frozen=True, slots=True)
class StoredPage:
    """One outbox row. `desired` is what the room shall show at last, None while
    a turn still streams; hashes are of rendered-independent page content."""

    number: int
    desired: Page | None
    desired_hash: str
    acknowledged_hash: str
    message_id: str
    transaction: str
    uncertain: bool
    """A first send was begun and its outcome never learnt."""
    untried: bool = False
    """Its intent was stored by us, and we have not made it yet."""


@dataclass(frozen=True, slots=True)
class StoredPost:
    head: Head
    final: bool
    pages: tuple[StoredPage, ...]


def begun_post(head: Head, transaction: str) -> StoredPost:
    """Return a post of which the intent of the first send is stored, and no more."""
    page = StoredPage(0, None, "", "", "", transaction, uncertain=True, untried=True)
    return StoredPost(head, False, (page,))


@dataclass(frozen=True, slots=True)
class PageNote:
    """What became of a page; None: that is as it was.

    `shown` is what its message shows, of a post that is not settled: its
    buttons must be known when one is pressed.
    """

    key: str
    number: int
    message_id: str | None = None
    acknowledged_hash: str | None = None
    uncertain: bool | None = None
    shown: Page | None = None


class Outbox(Protocol):
    """The durable side of delivery. Raises StoreUnavailable or StoreError."""

    async def load(self, key: str) -> StoredPost | None: ...

    async def unfinished(self, platform: str, account: str) -> tuple[StoredPost, ...]:
        """Return final posts of the account that are not fully acknowledged."""
        ...

    async def begin(self, head: Head, number: int, transaction: str, page: Page) -> None:
        """Record the intent of a first send, and what it shows, before it is made.

        Replaces the transaction of an earlier try of the same page; a settled
        post keeps its desired pages.
        """
        ...

    async def note(self, notes: Sequence[PageNote]) -> None:
        """Record what became of pages of any posts; at most one note a page."""
        ...

    async def abandon(self, room: RoomId, reason: str) -> None:
        """Give up on a room that cannot be written to; pause it."""
        ...
