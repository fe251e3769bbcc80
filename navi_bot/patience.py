"""Waiting for what is away: a work that is done again until the database answers."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import structlog

from navi_bot.errors import NaviError, StoreUnavailable

log = structlog.get_logger()

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds between tries while the model host or the database is away.

    They grow from `first` to `longest`, so that what is mended is noticed soon;
    a model host that is away for `whole` is given up, the database never.
    """

    first: float = 1.0
    longest: float = 8.0
    whole: float = 600.0


BRIEF = Patience(first=0.1, longest=5.0, whole=5.0)
"""For what a person waits for: a server that starts again is back within seconds."""


async def while_away(
    work: Callable[[], Awaitable[T]],
    patience: Patience,
    *,
    endless: bool = True,
    faults: tuple[type[NaviError], ...] = (StoreUnavailable,),
    event: str = "database_awaited",
) -> T:
    """Do a work, and again after each of these faults; unless `endless`, for `whole` seconds.

    The work's effect must be the same when it is done again. `event` is what
    is logged of each try that failed.
    """
    began, wait = time.monotonic(), patience.first
    while True:
        try:
            return await work()
        except faults as error:
            if not endless and time.monotonic() - began + wait > patience.whole:
                raise
            log.warning(event, error=str(error), retry_in=wait)
        await asyncio.sleep(wait)
        wait = min(wait * 2, patience.longest)
