"""Safe mode: what is still done after crashes in a row. Pure, but for the token.

    a start ─► three young daemons crashed within five minutes? ─ no ─► as ever
                  │ yes
                  └► safe mode: /status, /stop, /resume; messages are kept, nothing runs
                        ├ what crashed us three times is found and set aside ─► over
                        ├ the owner says /resume ─────────────────────────────► over
                        └ ten quiet minutes ──────────────────────────────────► over

A daemon is young for a minute. One that ended in order, or lived longer, ends
the row: whatever killed it, it had been of use.
"""

import asyncio
from collections.abc import Sequence

import structlog

from navi_bot.decisions import Decision, Dismiss, Do, Tell
from navi_bot.texts import safe_mode as texts

log = structlog.get_logger()

CRASHES = 3
SPAN = 300.0
"""Seconds in which so many young daemons have crashed."""
YOUNG = 60.0
"""Seconds after its start in which a daemon's end counts."""
QUIET = 600.0
"""Seconds of safe mode without a crash, after which it is over."""

STILL_DONE = frozenset(("status", "stop", "resume"))


def is_due(starts: Sequence[float], now: float) -> bool:
    """Whether to begin in safe mode. `starts`: of young daemons that crashed, in Unix seconds."""
    return sum(0 <= now - start <= SPAN for start in starts) >= CRASHES


def restricted(decision: Decision) -> Decision:
    """Return what is done of a decision in safe mode; what begins a turn only queues it."""
    match decision:
        case Do(command, _, press) if command not in STILL_DONE:
            return Dismiss(press, texts.PRESS) if press else Tell(texts.COMMAND)
    return decision


class SafeMode:
    """The token: whether it is on, and `over` when it is not, or not any more."""

    def __init__(self, *, on: bool = False) -> None:
        self.over = asyncio.Event()
        if on:
            log.error("safe_mode_entered", crashes=CRASHES, minutes=SPAN / 60)
        else:
            self.over.set()

    @property
    def on(self) -> bool:
        return not self.over.is_set()

    def leave(self, why: str) -> bool:
        """End it; False if it was not on."""
        if not self.on:
            return False
        log.warning("safe_mode_left", why=why)
        self.over.set()
        return True
