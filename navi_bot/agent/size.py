"""The size guard: a prompt that does not fit never reaches the host.

The host would drop the oldest messages in silence, the system text first.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Overflow:
    """How a prompt misses the window; all in tokens, estimated."""

    new: int
    left: int
    window: int
    used: int
    reserve: int


def overflow(total: int, used: int, window: int, reserve: int) -> Overflow | None:
    """Return how a prompt of `total` tokens misses the window, None when it fits.

    `used` is the part of `total` that was there before the newest message;
    `reserve` is the part of `window` that is kept for the answer.
    """
    allowed = window - reserve
    if total <= allowed:
        return None
    return Overflow(max(0, total - used), max(0, allowed - used), window, used, reserve)
