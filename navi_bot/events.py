"""What happens during a turn, as the agent loop tells it.

The loop yields these; the live message shows them; the JSON log and tests
name them by `wire_name`. They know nothing of messages being edited.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True, slots=True)
class Queued:
    """The turn waits for the model host; `place` 1 is next."""

    place: int


@dataclass(frozen=True, slots=True)
class ModelStarted:
    """The model host took the request; step counts model calls from 1."""

    step: int
    max_steps: int
    model: str


@dataclass(frozen=True, slots=True)
class ThinkingDelta:
    delta: str


@dataclass(frozen=True, slots=True)
class ThinkingEnd:
    pass


@dataclass(frozen=True, slots=True)
class TextDelta:
    delta: str


@dataclass(frozen=True, slots=True)
class ToolStarted:
    """`call_id` pairs it with its ToolEvent."""

    call_id: str
    tool_name: str
    arguments: Mapping[str, object]
    is_subagent: bool = False


@dataclass(frozen=True, slots=True)
class ToolEvent:
    call_id: str
    tool_name: str
    arguments: Mapping[str, object]
    result: str
    success: bool
    seconds: float
    is_subagent: bool = False


@dataclass(frozen=True, slots=True)
class TurnThinking:
    """The whole thinking of a sub-agent's step, sent before its tools."""

    thinking: str
    is_subagent: bool = False


@dataclass(frozen=True, slots=True)
class PlanningStatus:
    phase: int
    label: str


@dataclass(frozen=True, slots=True)
class PlanReady:
    plan: str


@dataclass(frozen=True, slots=True)
class Todo:
    """One item of the turn's checklist."""

    text: str
    state: str
    """"open", "active", "done" or "failed"."""


@dataclass(frozen=True, slots=True)
class TodoChanged:
    items: tuple[Todo, ...]


@dataclass(frozen=True, slots=True)
class ProfileSwitched:
    profile_id: str
    name: str


@dataclass(frozen=True, slots=True)
class Steered:
    """A message that arrived during the turn was given to the model."""

    text: str


@dataclass(frozen=True, slots=True)
class Notice:
    """A line for the person that is not the model's text (a retry, a hint)."""

    text: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """The turn waits for something outside it; the next event ends the wait."""

    text: str


@dataclass(frozen=True, slots=True)
class ContextCompressed:
    before: int
    after: int
    summary: str


@dataclass(frozen=True, slots=True)
class SubagentComplete:
    token_count: int
    tool_call_count: int


@dataclass(frozen=True, slots=True)
class AIHelperTokensUsed:
    prompt_tokens: int
    completion_tokens: int
    total: int


@dataclass(frozen=True, slots=True)
class StreamEnd:
    """The turn ended with an answer. `full_content` is the final text alone.

    `limit` names why it ended early ("" for a normal end): "iterations",
    "time", "same_call", "calls" (that cannot be used), "context", "repeating",
    "length". `prefix_share` is the part of the prompt
    equal to the room's previous one, 0..1, None for the first.
    """

    full_content: str
    context_tokens: int
    max_context_tokens: int
    elapsed_seconds: float
    tool_call_count: int
    token_count: int
    model: str = ""
    limit: str = ""
    prefix_share: float | None = None


@dataclass(frozen=True, slots=True)
class StreamStopped:
    """A person stopped the turn. `partial` is the text so far."""

    partial: str
    finished: tuple[str, ...] = ()
    """Tools that had finished, by name."""
    cancelled: tuple[str, ...] = ()
    """Tools that were running or never started."""
    lasting: tuple[str, ...] = ()
    """Those of both, by name, that have or may have changed the world: no stop undoes it."""


@dataclass(frozen=True, slots=True)
class StreamFailed:
    """The turn ended without an answer; `reason` is one sentence for a person.

    `goes_on`: what was done is kept, so that going on is better than asking
    again. `models`: what to ask instead, where the model is the reason.
    """

    reason: str
    partial: str = ""
    retryable: bool = True
    goes_on: bool = False
    models: tuple[str, ...] = ()


Event = (
    Queued
    | ModelStarted
    | ThinkingDelta
    | ThinkingEnd
    | TextDelta
    | ToolStarted
    | ToolEvent
    | TurnThinking
    | PlanningStatus
    | PlanReady
    | TodoChanged
    | ProfileSwitched
    | Steered
    | Notice
    | Waiting
    | ContextCompressed
    | SubagentComplete
    | AIHelperTokensUsed
    | StreamEnd
    | StreamStopped
    | StreamFailed
)

Ending = StreamEnd | StreamStopped | StreamFailed
"""Exactly one of these is the last event of a turn."""


def wire_name(event: Event) -> str:
    """Return the event's name in logs and tests: TextDelta is "text_delta".

    ToolEvent keeps its historical name "tool_call".
    """
    return "tool_call" if isinstance(event, ToolEvent) else _snake(type(event).__name__)


@cache
def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
