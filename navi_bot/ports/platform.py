"""A chat platform: what comes in, what goes out, how much fits on a page."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, runtime_checkable

from navi_bot.messages import Address, Attachment, Inbound, Page, Role


class Surface(Protocol):
    """The pure measuring of a platform's pages. No I/O, no clock, no state.

    `fits` renders the page as `Outbound.send` would and answers whether every
    limit holds (length after parsing, entities, bytes of the event).
    """

    def fits(self, page: Page) -> bool: ...


class Outbound(Protocol):
    """Calls to a platform. Each returns, or raises an error of the tree:

    Throttled, NotSent, Ambiguous, Refused and its kinds, CredentialError.
    Foreign exceptions never pass. Editing to equal content is success.
    """

    idempotent: bool
    """A send repeated with the same `transaction` has no second effect."""

    @property
    def surface(self) -> Surface: ...

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
        """Show a page as a new message; return the platform's message id.

        `plain` sends the text without any formatting; `final` says that the
        page will not be edited any more.
        """
        ...

    async def edit(
        self,
        address: Address,
        message_id: str,
        page: Page,
        *,
        transaction: str,
        final: bool,
        plain: bool = False,
    ) -> None: ...

    async def delete(self, address: Address, message_id: str) -> None: ...

    async def react(self, address: Address, message_id: str, emoji: str) -> None:
        """Set our reaction; "" removes it."""
        ...

    async def show_typing(self, address: Address) -> None:
        """Show that we work. It fades by itself after about five seconds."""
        ...

    async def acknowledge(self, press: str, text: str) -> None:
        """Answer a button press; `text` is shown briefly, "" for none."""
        ...

    async def fetch(self, attachment: Attachment, limit: int) -> bytes:
        """Download a file of at most `limit` bytes; TooLong if it is larger."""
        ...


Accept = Callable[[Sequence[Inbound], str], Awaitable[None]]
"""Store a batch durably together with the cursor that follows it.

When it returns, the adapter may move its offset; when it raises
StoreUnavailable, the adapter keeps its offset and asks again later.
"""

Heed = Callable[[Sequence[Inbound]], Awaitable[None]]
"""Carry out the stops among events that are not handed over yet. Raises nothing."""


@runtime_checkable
class LooksOut(Protocol):
    """An adapter that sees what comes while what came before is being taken in."""

    async def look_out(self, heed: Heed) -> None:
        """Show `heed` what has come and cannot be handed over yet, for ever.

        It confirms nothing: all of it is handed over in its turn. It goes on
        when `receive` has ended, and ends by cancellation, or by itself when
        somebody else receives.
        """
        ...


class Rights(Protocol):
    """Who may do what on a platform. May raise StoreUnavailable."""

    async def role(self, who: str) -> Role:
        """Return the role of somebody by their id there; GUEST for strangers."""
        ...

    async def expects_strangers(self) -> bool:
        """Answer whether strangers may open a private chat (to bring a code, or be given one)."""
        ...


@runtime_checkable
class AsksForRights(Protocol):
    """An adapter that decides by people's rights what reaches the rooms at all."""

    def consult(self, rights: Rights) -> None:
        """Ask these from now on; called before `connect`."""
        ...


class Adapter(Protocol):
    """One bot account on one platform."""

    platform: str
    private_interval: float
    group_interval: float
    """Seconds between calls to one chat that are sustainable, to begin with."""
    late_interval: float
    """Seconds between two edits of a message that has had ten; 0.0 where that is no matter."""
    one_limit: bool
    """The platform limits the account, all its chats together, far below what chats may."""

    @property
    def account(self) -> str:
        """The bot's own id; known after `connect`."""
        ...

    @property
    def name(self) -> str:
        """How people mention the bot ("navi_bot"); "" where there are no names."""
        ...

    @property
    def outbound(self) -> Outbound: ...

    async def connect(self) -> None:
        """Learn who we are. Raises CredentialError or PlatformError."""
        ...

    async def receive(self, accept: Accept, cursor: str) -> None:
        """Poll for ever, handing every batch to `accept`; ends by cancellation.

        Retries by itself with backoff and keeps `last_contact` up to date.
        """
        ...

    @property
    def last_contact(self) -> float:
        """Monotonic seconds of the last successful poll; 0.0 before the first."""
        ...

    @property
    def last_try(self) -> float:
        """Monotonic seconds until which receiving is known to be at work: its last
        try, or the end of a wait that it chose; 0.0 before the first."""
        ...

    @property
    def trouble(self) -> str:
        """One sentence on what is wrong now; "" when all is well."""
        ...

    async def close(self) -> None: ...
