"""What is said while the database takes nothing in: from memory, once, not stored.

Nobody is looked up: it knows the owners whom the settings name, and those who
are remembered from before. All others get nothing.
"""

from collections.abc import Callable, Sequence

from navi_bot.access import has_rights, role_of
from navi_bot.decide import Policy, our_command
from navi_bot.messages import Address, ChatKind, Inbound, Role, Said
from navi_bot.ports.delivery import Delivery
from navi_bot.ports.records import Facts
from navi_bot.running import Running
from navi_bot.texts import rooms as texts

Believed = Callable[[Inbound], Facts | None]
"""What is remembered of a message's sender and room."""

REMEMBERED = 10_000
"""Events that were answered during one outage; further ones get nothing."""


class Meanwhile:
    """Answers /status, and tells each room once that its messages wait."""

    def __init__(
        self,
        delivery: Delivery,
        running: Running,
        policy: Callable[[Address], Policy],
        owners: frozenset[tuple[str, str]],
        believed: Believed,
        status: Callable[[], Sequence[str]],
    ) -> None:
        """`owners`: (platform, id) of the settings; `status`: the daemon's own lines."""
        self._delivery = delivery
        self._running = running
        self._policy = policy
        self._status = status
        self._owners = owners
        self._believed = believed
        self._answered: set[str] = set()
        self._told: set[Address] = set()

    def tell(self, batch: Sequence[Inbound], reason: str) -> None:
        """Answer what can be answered of a batch that was not taken in."""
        for inbound in batch:
            if isinstance(inbound, Said) and self._may_be_answered(inbound):
                self._answered.add(inbound.origin.key)
                self._answer(inbound, reason)

    def over(self) -> None:
        """The database takes things in again."""
        self._answered.clear()
        self._told.clear()

    def _may_be_answered(self, said: Said) -> bool:
        origin = said.origin
        if origin.key in self._answered or len(self._answered) >= REMEMBERED:
            return False
        facts = self._believed(said)
        named = (origin.address.platform, origin.sender.id) in self._owners
        role = facts.role if facts else Role.OWNER if named else Role.GUEST
        is_meant = origin.chat_kind is ChatKind.PRIVATE or said.addressed
        return is_meant and has_rights(role_of(origin.sender, role))

    def _answer(self, said: Said, reason: str) -> None:
        address = said.origin.address
        match our_command(said, self._policy(address)):
            case "status":
                self._delivery.remark(address, "\n".join(self._report(address, reason)))
            case "stop":
                return  # its token is set; the live message shows it
            case _ if address not in self._told:
                self._told.add(address)
                self._delivery.remark(address, texts.CANNOT_TAKE(reason=reason))

    def _report(self, address: Address, reason: str) -> list[str]:
        turn = self._running.at(address)
        doing = turn.doing if turn else ""
        return [reason, *([texts.STILL_RUNNING(what=doing)] if doing else []), *self._status()]
