"""Time that a test may push forward."""

import time


class Clock:
    """Monotonic and wall seconds, both shifted by `advance`."""

    def __init__(self) -> None:
        self._shift = 0.0

    def now(self) -> float:
        """Return monotonic seconds."""
        return time.monotonic() + self._shift

    def wall(self) -> int:
        """Return Unix time in whole seconds, as Telegram counts dates."""
        return int(time.time() + self._shift)

    def advance(self, seconds: float) -> None:
        """Let time pass for everything that expires."""
        self._shift += seconds
