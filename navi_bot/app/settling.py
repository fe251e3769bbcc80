"""What is seen to when the database answers again after it was away."""

import asyncio

import structlog

from navi_bot.app.parts import Parts
from navi_bot.messages import TurnId
from navi_bot.ports.platform import Adapter
from navi_bot.rooms import Rooms

log = structlog.get_logger()

SETTLING = 1.0
"""Seconds after which a turn that nobody here knows of is nobody's."""


async def settle_down(parts: Parts, rooms: Rooms, adapter: Adapter) -> None:
    """Make new connections; take up turns that nobody runs, events that nobody saw to.

    A claim whose answer was lost leaves a turn that runs for the database alone.
    """
    await parts.stores.pool.expire_connections()
    if lost := await _unknown_turns(parts, adapter):
        await asyncio.sleep(SETTLING)
        for turn in lost & await _unknown_turns(parts, adapter):
            await parts.stores.turns.requeue(turn, 0.0)
            log.warning("turn_taken_up", turn=turn)
    await rooms.recover(adapter.platform, adapter.account)


async def _unknown_turns(parts: Parts, adapter: Adapter) -> set[TurnId]:
    """Return the turns that run as far as the database knows, but not here."""
    running = {one.turn for one in parts.running.all()}
    left = await parts.stores.turns.interrupted(adapter.platform, adapter.account)
    return {one.turn for one in left} - running
