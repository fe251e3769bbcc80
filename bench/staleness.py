"""How far what a room shows lags behind what the model has said; pure.

At any moment the staleness is the age of the oldest token that was generated
and is not visible yet, 0 when all are visible.
"""

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

ROUNDING = 1e-9  # a sample that falls on the end, but for a last digit, counts
EVERY = 0.05
"""Seconds between two samples."""

_WORD = re.compile(r"\bw(\d+)\b")


def word(number: int) -> str:
    """Return a token that says which one it is."""
    return f"w{number} "


def tokens_in(text: str) -> int:
    """Return how many tokens a text shows, counted by the last of them."""
    last = None
    for last in _WORD.finditer(text):  # noqa: B007 - only the last one counts
        pass
    return int(last[1]) + 1 if last else 0


@dataclass(frozen=True, slots=True)
class Shown:
    """From `at` on, `tokens` of them were visible. Monotonic seconds."""

    at: float
    tokens: int


def samples(
    generated: Sequence[float], shown: Sequence[Shown], until: float, every: float = EVERY
) -> list[float]:
    """Return the staleness in seconds, from the first token to the last visible one.

    `generated` has each token's time, `shown` what was visible, both rising.
    Ends at `until` when not everything was shown by then.
    """
    if not generated:
        return []
    times = [each.at for each in shown]
    whole = (each.at for each in shown if each.tokens >= len(generated))
    end = min(until, next(whole, until))
    found: list[float] = []
    number = 0
    while (now := generated[0] + number * every) <= end + ROUNDING:
        found.append(_age(generated, shown, times, now))
        number += 1
    return found


def _age(
    generated: Sequence[float], shown: Sequence[Shown], times: Sequence[float], now: float
) -> float:
    seen = bisect_right(times, now)
    visible = max((each.tokens for each in shown[:seen]), default=0)
    if visible >= len(generated) or generated[visible] > now:
        return 0.0
    return now - generated[visible]
