"""Opens the database for a daemon, which can wait for it.

While it waits nothing is polled, so that nothing is lost, and systemd is told
what is waited for.
"""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack

import structlog

from navi_bot.app.owners import ensure_owners
from navi_bot.app.stores import Stores, opened_store
from navi_bot.errors import StoreError, StoreUnavailable
from navi_bot.notify import Notifier
from navi_bot.settings import Settings

log = structlog.get_logger()

WAITS = (1.0, 2.0, 4.0)
"""Seconds between tries; the last one repeats."""

SAID_EVERY = 15
"""Tries between two lines of log, about a minute: a night's outage must not fill the journal."""

GRANTED = 60.0
"""Seconds in which systemd hears of us again: longer than one try and its wait."""


async def opened(
    stack: AsyncExitStack,
    settings: Settings,
    notifier: Notifier,
    *,
    patient: bool,
    waits: Sequence[float] = WAITS,
) -> Stores:
    """Open the store for as long as the stack lasts, its owners known.

    Raises as `opened_store` does; if `patient`, a database of the operator's
    that is away or ill is waited for.
    """
    patient = patient and settings.database_url is not None
    attempt = 0
    while True:
        try:
            return await _tried(stack, settings)
        except (StoreUnavailable, StoreError) as error:
            if not patient:
                raise
            wait = waits[min(attempt, len(waits) - 1)]
            if attempt % SAID_EVERY == 0:
                log.warning("database_awaited", error=str(error), retry_in=wait)
            notifier.waiting(f"waiting for the database: {error}", GRANTED)
        await asyncio.sleep(wait)
        attempt += 1


async def _tried(stack: AsyncExitStack, settings: Settings) -> Stores:
    async with AsyncExitStack() as trial:
        stores = await trial.enter_async_context(opened_store(settings, alone=True))
        await ensure_owners(stores.people, settings.owners)
        await stack.enter_async_context(trial.pop_all())
    return stores
