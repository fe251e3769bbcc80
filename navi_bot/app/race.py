"""Works that run together until the first of them ends."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog

from navi_bot.errors import Bug

log = structlog.get_logger()


async def first_of(*works: Coroutine[Any, Any, object]) -> int:
    """Run the works; once one has ended, cancel the others and return its number.

    Raises what that one raised, as it was. What another one raises while it
    leaves comes too late to be raised; it is logged.
    """
    outcomes: list[tuple[int, Exception | None]] = []
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(_noted(number, work, outcomes)) for number, work in enumerate(works)
        ]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
    if not outcomes:
        raise Bug("A work was cancelled by somebody else than the one who waits for it.")
    for number, error in outcomes[1:]:
        if error is not None:
            log.error("work_failed_late", work=number, exc_info=error)
    number, error = outcomes[0]
    if error is not None:
        raise error
    return number


async def _noted(
    number: int, work: Coroutine[Any, Any, object], outcomes: list[tuple[int, Exception | None]]
) -> None:
    """Keep an error for the waiter: in a group it would come wrapped."""
    try:
        await work
    except Exception as error:  # noqa: BLE001 - raised again, as it is, by the one who waits
        outcomes.append((number, error))
    else:
        outcomes.append((number, None))
