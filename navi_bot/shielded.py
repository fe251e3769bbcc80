"""A write that a cancellation must not cut short."""

import asyncio
from collections.abc import Coroutine

LAST_WRITE = 2.0
"""Seconds that a write gets after its task was told to end."""


async def shielded(writing: Coroutine[None, None, None], seconds: float = LAST_WRITE) -> None:
    """Make the write; when cancelled meanwhile, give it so many seconds more."""
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(writing)
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            await asyncio.wait((task,), timeout=seconds)
            task.cancel()
            raise
