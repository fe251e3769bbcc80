"""What is known of who speaks where: asked of the store, or remembered.

What is remembered may have changed. A decision that rests on it is stored
with a condition: the store takes the message in only if the sender still has
that role and nothing waits or runs in the room. So memory saves the question,
never the check.
"""

import asyncio
from collections import OrderedDict
from dataclasses import replace

from navi_bot.access import has_rights, role_of
from navi_bot.messages import Address, Inbound, Pressed, Said
from navi_bot.ports.records import Facts
from navi_bot.ports.store import Inbox

MOST = 1000
"""Pairs of room and sender that are remembered; the one that was silent longest goes."""

EARLY = 0.3
"""Seconds in which a message that is shown already gets its id noted; presses can be quicker."""


class Acquaintances:
    """One for each account."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self._facts: OrderedDict[tuple[Address, str], Facts] = OrderedDict()

    def believed(self, inbound: Inbound) -> Facts | None:
        """Return the facts of a message in a quiet room as they were; None when not known."""
        if not isinstance(inbound, Said):
            return None
        return self._facts.get((inbound.origin.address, inbound.origin.sender.id))

    async def facts(self, inbound: Inbound) -> Facts:
        """Ask what is known; for a press on a message that we do not know, twice."""
        facts = await self._inbox.facts(inbound)
        may_ask = has_rights(role_of(inbound.origin.sender, facts.role))
        unknown = isinstance(inbound, Pressed) and not facts.shown_post
        if may_ask and unknown and not facts.duplicate:
            await asyncio.sleep(EARLY)
            facts = await self._inbox.facts(inbound)
        if may_ask and facts.room is not None:
            self._remember(inbound, facts)
        return facts

    def _remember(self, inbound: Inbound, facts: Facts) -> None:
        about = (inbound.origin.address, inbound.origin.sender.id)
        self._facts[about] = replace(facts, active=(), shown=(), shown_post="", duplicate=False)
        self._facts.move_to_end(about)
        if len(self._facts) > MOST:
            self._facts.popitem(last=False)
