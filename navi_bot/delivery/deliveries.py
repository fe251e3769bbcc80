"""The Delivery port over all accounts: each address goes to its own reconciler."""

from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from navi_bot.delivery.reconciler import Reconciler
from navi_bot.messages import Address, Head, Post
from navi_bot.ports.delivery import LiveSource

log = structlog.get_logger()


class Deliveries:
    """Implements the Delivery port.

    An address that no account serves (its platform is not connected yet) is
    left alone: settled posts are stored, and `recover` finds them.
    """

    def __init__(self) -> None:
        self._reconcilers: list[Reconciler] = []

    @contextmanager
    def serving(self, reconciler: Reconciler) -> Iterator[None]:
        """Send what is for this account its way, as long as it is entered."""
        self._reconcilers.append(reconciler)
        try:
            yield
        finally:
            self._reconcilers.remove(reconciler)

    def follow(self, head: Head, source: LiveSource, begun: str = "") -> None:
        if (reconciler := self._at(head.address)) is not None:
            reconciler.follow(head, source, begun)

    def touch(self, key: str) -> None:
        for reconciler in self._reconcilers:
            reconciler.touch(key)

    def show(self, post: Post) -> None:
        if (reconciler := self._at(post.head.address)) is not None:
            reconciler.show(post)

    def working(self, head: Head, on: bool) -> None:
        if (reconciler := self._at(head.address)) is not None:
            reconciler.working(head, on)

    def react(self, address: Address, message_id: str, emoji: str) -> None:
        if (reconciler := self._at(address)) is not None:
            reconciler.react(address, message_id, emoji)

    def acknowledge(self, address: Address, press: str, text: str) -> None:
        if (reconciler := self._at(address)) is not None:
            reconciler.acknowledge(address, press, text)

    def remark(self, address: Address, text: str) -> None:
        if (reconciler := self._at(address)) is not None:
            reconciler.remark(address, text)

    def _at(self, address: Address) -> Reconciler | None:
        for reconciler in self._reconcilers:
            if reconciler.serves(address):
                return reconciler
        log.warning("address_not_served", platform=address.platform)
        return None
