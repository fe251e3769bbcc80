"""The accounts that are being served now: where posts go and files come from."""

from collections.abc import Iterator
from contextlib import contextmanager

from navi_bot.delivery.deliveries import Deliveries
from navi_bot.delivery.dress import RoomForLabel
from navi_bot.delivery.reconciler import Reconciler
from navi_bot.errors import NotSent
from navi_bot.messages import Address, Attachment
from navi_bot.ports.platform import Adapter, Surface


class Online:
    """One for the daemon. `deliveries` is the way out for everybody."""

    def __init__(self) -> None:
        self.deliveries = Deliveries()
        self._accounts: dict[tuple[str, str], tuple[Adapter, Reconciler]] = {}

    @contextmanager
    def entered(self, adapter: Adapter, reconciler: Reconciler) -> Iterator[None]:
        """Have an account here for as long as it is served."""
        key = (adapter.platform, adapter.account)
        self._accounts[key] = (adapter, reconciler)
        try:
            with self.deliveries.serving(reconciler):
                yield
        finally:
            del self._accounts[key]

    def all(self) -> tuple[tuple[Adapter, Reconciler], ...]:
        return tuple(self._accounts.values())

    def surface(self, address: Address) -> Surface:
        """Return what pages of a room are measured with; NotSent when it is not served."""
        outbound = self._at(address).outbound
        return outbound.surface if outbound.idempotent else RoomForLabel(outbound.surface)

    async def fetch(self, address: Address, attachment: Attachment, limit: int) -> bytes:
        """Download a file of at most `limit` bytes; raises as the Outbound port does."""
        return await self._at(address).outbound.fetch(attachment, limit)

    def _at(self, address: Address) -> Adapter:
        account = self._accounts.get((address.platform, address.account))
        if account is None:
            raise NotSent(f"The {address.platform} account is not connected.")
        return account[0]
