"""A bell that any number of waiters hear."""

import asyncio


class Signal:
    """`fire` wakes all that wait now. Without waiters it is forgotten."""

    def __init__(self) -> None:
        self._waiters: set[asyncio.Future[None]] = set()

    def fire(self) -> None:
        """Wake everyone who waits."""
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)
        self._waiters.clear()

    def next(self) -> asyncio.Future[None]:
        """Return what is done at the next `fire`; waiting begins at once."""
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.add(waiter)
        waiter.add_done_callback(self._waiters.discard)
        return waiter

    async def wait(self, longest: float) -> None:
        """Wait for the next `fire`, at most `longest` seconds."""
        waiter = self.next()
        await asyncio.wait({waiter}, timeout=longest)
        waiter.cancel()
