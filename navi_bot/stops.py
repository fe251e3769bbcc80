"""Stops come first: their token is set before anything is stored, whatever hangs.

Who may stop is what the database says of them. When it does not answer at
once, memory does: it knows who asked, and the owners whom the settings name.

A stop can come while what was sent before it is still being taken in, which
lasts as long as the database likes. An adapter that looks out for that shows
us such events early (`heed`); they are taken in later, like all others.
"""

import asyncio
from collections.abc import Callable, Sequence

from navi_bot.access import may_stop, role_of
from navi_bot.decide import Policy, asks_to_stop
from navi_bot.messages import Address, Inbound, Role, Said
from navi_bot.ports.records import Facts
from navi_bot.ports.store import Inbox
from navi_bot.running import Running, RunningTurn
from navi_bot.side_work import SideWork

LOOK, HURRIED_LOOK = 0.3, 0.05
"""Seconds that the database gets; the second, while it owes us an answer for longer already.

A stop is to be carried out within 1 s.
"""


HEEDED = 256
"""Stops that are remembered until their events are taken in."""


class Stops:
    """Finds the stops in a batch. `owners`: (platform, id) of the settings."""

    def __init__(
        self,
        inbox: Inbox,
        running: Running,
        work: SideWork,
        policy: Callable[[Address], Policy],
        owners: frozenset[tuple[str, str]],
    ) -> None:
        self._inbox = inbox
        self._running = running
        self._work = work
        self._policy = policy
        self._owners = owners
        self._heeded: dict[str, RunningTurn] = {}
        self._overdue: set[asyncio.Task[None]] = set()

    async def first(self, batch: Sequence[Inbound]) -> dict[str, RunningTurn]:
        """Stop what a batch asks to stop; return the turns by their events' keys.

        Takes LOOK seconds at most, however many stops there are.
        """
        keys = (inbound.origin.key for inbound in batch)
        heeded = {key: self._heeded[key] for key in keys if key in self._heeded}
        return heeded | await self._carried_out(batch)

    async def heed(self, batch: Sequence[Inbound]) -> None:
        """Stop what these ask to stop before they are taken in; `first` will tell of it."""
        self._heeded |= await self._carried_out(batch)
        for key in list(self._heeded)[:-HEEDED]:
            del self._heeded[key]

    async def _carried_out(self, batch: Sequence[Inbound]) -> dict[str, RunningTurn]:
        stopped: dict[str, RunningTurn] = {}
        async with asyncio.TaskGroup() as looking:
            for inbound in batch:
                address = inbound.origin.address
                turn = self._running.at(address)
                if turn and asks_to_stop(inbound, self._policy(address), turn.turn):
                    looking.create_task(self._carry_out(inbound, turn, stopped))
        return stopped

    async def _carry_out(
        self, inbound: Inbound, turn: RunningTurn, stopped: dict[str, RunningTurn]
    ) -> None:
        if turn.stop.is_set or await self._may_stop(inbound, turn):
            if isinstance(inbound, Said):  # it drops what waits; a button stops its own turn alone
                self._running.hold(turn.room)
            turn.stop.stop(inbound.origin.sender.name)
            stopped[inbound.origin.key] = turn

    async def _may_stop(self, inbound: Inbound, turn: RunningTurn) -> bool:
        sender = inbound.origin.sender
        facts = await self._facts(inbound)
        if facts is not None and facts.duplicate:
            return False
        if facts is not None:
            role = facts.role
        else:  # whoever asked had rights then
            named = (inbound.origin.address.platform, sender.id) in self._owners
            role = Role.OWNER if named else Role.MEMBER
        return may_stop(role_of(sender, role), is_asker=sender.id == turn.asker_id)

    async def _facts(self, inbound: Inbound) -> Facts | None:
        """Return what the database says within its time, None when it does not."""
        found: list[Facts] = []
        # A task of its own: giving up on a query that hangs would hang as well.
        looking = self._work.start(self._look_up(inbound, found), "stop")
        await asyncio.wait((looking,), timeout=HURRIED_LOOK if self._overdue else LOOK)
        if not looking.done():
            self._overdue.add(looking)
            looking.add_done_callback(self._overdue.discard)
        return found[0] if found else None

    async def _look_up(self, inbound: Inbound, found: list[Facts]) -> None:
        found.append(await self._inbox.facts(inbound))
