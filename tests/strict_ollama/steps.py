"""What a scripted model does, step by step.

`delay` is the pause in seconds before a step. A script that runs out of steps
ends as a real answer does: with a last chunk of `done: true`.
"""

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

Body = dict[str, Any]
"""A request's decoded JSON body."""


@dataclass(frozen=True, slots=True)
class Text:
    """One chunk of content."""

    text: str
    delay: float = 0.0


@dataclass(frozen=True, slots=True)
class Thinking:
    """One chunk of thinking; not played when the request says `think: false`."""

    text: str
    delay: float = 0.0


@dataclass(frozen=True, slots=True)
class Called:
    """One tool call. `arguments` is an object; None, a string or anything else
    is sent as it is, as broken servers do. An empty id is made by the server."""

    name: str
    arguments: Any
    id: str = ""


@dataclass(frozen=True, slots=True)
class Calls:
    """One chunk with whole tool calls and no content."""

    calls: tuple[Called, ...]
    delay: float = 0.0


@dataclass(frozen=True, slots=True)
class Fail:
    """An error: a status before the first chunk, an `{"error"}` line after it."""

    error: str
    status: int = 500
    delay: float = 0.0


@dataclass(frozen=True, slots=True)
class Cut:
    """The stream ends cleanly, without `done: true`."""

    delay: float = 0.0


@dataclass(frozen=True, slots=True)
class Drop:
    """The connection breaks in the middle of the stream."""

    delay: float = 0.0


@dataclass(frozen=True, slots=True)
class Raw:
    """Bytes as they are; a line needs its own newline."""

    data: bytes
    delay: float = 0.0


@dataclass(frozen=True, slots=True)
class Pause:
    """Silence, in seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Hold:
    """Silence until the event is set (in-process only)."""

    until: asyncio.Event


@dataclass(frozen=True, slots=True)
class Done:
    """The end, with its reason."""

    reason: str = "stop"
    delay: float = 0.0


Step = Text | Thinking | Calls | Fail | Cut | Drop | Raw | Pause | Hold | Done
Answer = Sequence[Step]
Script = Callable[[Body], Answer]


def say(text: str, delay: float = 0.0) -> tuple[Text, ...]:
    """Return a text as a model streams it: a word, with the blanks after it, a chunk."""
    return tuple(Text(word, delay) for word in re.findall(r"\S+\s*|\s+", text))


def think(text: str, delay: float = 0.0) -> tuple[Thinking, ...]:
    """Return thinking as a model streams it."""
    return tuple(Thinking(word, delay) for word in re.findall(r"\S+\s*|\s+", text))


def in_turn(*answers: Answer) -> Script:
    """Return a script that gives one answer after the other; the last one repeats."""
    waiting = list(answers)

    def script(body: Body) -> Answer:
        return waiting.pop(0) if len(waiting) > 1 else waiting[0]

    return script
