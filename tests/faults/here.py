"""Faults in the test's own process: a point that raises when it is reached."""

from collections.abc import Iterator
from contextlib import contextmanager

from navi_bot.fault_points import Point, watch


@contextmanager
def failing_at(point: Point, error: Exception, times: int = 1) -> Iterator[list[Point]]:
    """Raise at a point, so often; yields the list of those that were reached."""
    reached: list[Point] = []

    async def hook(here: Point) -> None:
        reached.append(here)
        if here == point and reached.count(point) <= times:
            raise error

    watch(hook)
    try:
        yield reached
    finally:
        watch(None)
