"""Waiting that a person can stop."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from navi_bot.ports.tools import Stop

T = TypeVar("T")


class Stopped(Exception):
    """The turn's stop token is set, and what was being waited for is gone."""


@dataclass(frozen=True, slots=True)
class _Outcome(Generic[T]):
    value: T | None = None
    error: Exception | None = None


async def until_stopped(work: Coroutine[Any, Any, T], stop: Stop) -> T:
    """Return what `work` returns, or raise what it raises.

    Once `stop` is set, `work` is cancelled and awaited, and Stopped is raised.
    Work that is done at that moment keeps its outcome.
    """
    if stop.is_set:
        work.close()
        raise Stopped
    async with asyncio.TaskGroup() as group:
        job = group.create_task(_outcome(work))
        watch = group.create_task(stop.wait())
        await asyncio.wait({job, watch}, return_when=asyncio.FIRST_COMPLETED)
        job.cancel()
        watch.cancel()
    if job.cancelled():
        raise Stopped
    return _told(job.result())


async def overruled(
    work: Coroutine[Any, Any, T], stop: Stop, instead: Callable[[], T], seconds: float
) -> T:
    """Return what `work` returns, which ends by itself when `stop` is set.

    If it has not within so many seconds, `instead` is called there and then;
    `work` is cancelled, awaited, and what `instead` gave is returned.
    """
    async with asyncio.TaskGroup() as group:
        job = group.create_task(_outcome(work))
        watch = group.create_task(_stopped_for(stop, seconds))
        await asyncio.wait({job, watch}, return_when=asyncio.FIRST_COMPLETED)
        other = None if job.done() else _Outcome(value=instead())
        job.cancel()
        watch.cancel()
    return _told(other or job.result())


async def _stopped_for(stop: Stop, seconds: float) -> None:
    await stop.wait()
    await asyncio.sleep(seconds)


async def _outcome(work: Coroutine[Any, Any, T]) -> _Outcome[T]:
    """Keep an error for the waiter: in a group it would come wrapped and cancel the others."""
    try:
        return _Outcome(value=await work)
    except Exception as error:  # noqa: BLE001 - raised again, as it is, by the one who waits
        return _Outcome(error=error)


def _told(outcome: _Outcome[T]) -> T:
    if outcome.error is not None:
        raise outcome.error
    return outcome.value  # type: ignore[return-value]  # without an error it holds the value
