"""Named places between two durable steps, where a test may let the daemon fail.

Each point is passed at one place, by `await reached(NAME)`. The program itself
never sets the hook, and no setting does: only a test's launcher, before it
runs the program. Without a hook a point does nothing.

    taking in    batch_received ─ event_decided ─ event_stored ─ batch_stored
    a turn       room_woken ─ turn_claimed ─ question_prepared ─ model_called ─
                 chunk_received ─ … ─ answer_received
    its tools    batch_journalled ─ tool_called ─ tool_answered ─ result_journalled
                 ─ … ─ steering_taken ─ batch_recorded
    its end      turn_ending ─ turn_finished ─ turn_left, or turn_given_back
    a command    attempt_counted ─ command_done ─ reply_stored
    showing      intent_stored ─ page_answered ─ page_noted; the same with final_
    starting     turns_given_back ─ events_taken_up ─ posts_taken_up
    recalls      recalls_claimed
"""

from collections.abc import Awaitable, Callable
from typing import Literal

Point = Literal[
    "batch_received",
    "event_decided",
    "event_stored",
    "batch_stored",
    "room_woken",
    "turn_claimed",
    "question_prepared",
    "model_called",
    "chunk_received",
    "answer_received",
    "batch_journalled",
    "tool_called",
    "tool_answered",
    "result_journalled",
    "steering_taken",
    "batch_recorded",
    "turn_ending",
    "turn_finished",
    "turn_left",
    "turn_given_back",
    "attempt_counted",
    "command_done",
    "reply_stored",
    "intent_stored",
    "page_answered",
    "page_noted",
    "final_answered",
    "final_noted",
    "turns_given_back",
    "events_taken_up",
    "posts_taken_up",
    "recalls_claimed",
]

Hook = Callable[[Point], Awaitable[None]]

_hook: Hook | None = None


async def reached(point: Point) -> None:
    """Pass a point; raises, waits or ends the process only where a test's hook does."""
    if _hook is not None:
        await _hook(point)


def watch(hook: Hook | None) -> None:
    """Have a hook called at every point from now on, or none any more; for tests alone."""
    global _hook
    _hook = hook
