"""The model host: streamed answers, and what a model can do."""

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import IntEnum
from typing import Literal, Protocol

from navi_bot.messages import Message, RoomId, ToolCall

Think = bool | Literal["low", "medium", "high", "max"] | None


UNREADABLE = "unreadable_arguments"
"""The name under which a tool call's arguments stand that were no JSON object."""


class Urgency(IntEnum):
    """Who gets the model host first: people, then recalls, then our own work."""

    PERSON = 0
    RECALL = 1
    CHORE = 2


@dataclass(frozen=True, slots=True)
class ToolSchema:
    """A tool as the model sees it. `parameters` is a JSON schema object."""

    name: str
    description: str
    parameters: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One call. `messages` are complete, the system message first.

    `num_ctx` is in tokens and always sent; `images` of messages are paths
    below the data directory, which the backend reads and encodes.
    """

    model: str
    messages: tuple[Message, ...]
    tools: tuple[ToolSchema, ...] = ()
    temperature: float = 0.7
    num_ctx: int = 65536
    max_tokens: int = 0
    """Of the answer with its thinking; 0: as many as fit. Not every host can be told."""
    think: Think = None
    schema: Mapping[str, object] | None = None
    """A JSON schema that the answer must obey; never together with tools."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of an answer. One chunk may hold thinking, text and calls at once.

    `finish` is set on the last chunk only; a stream that ends without one
    broke off (the backend raises ModelUnavailable itself). Token counts are
    those of the whole call, on the last chunk.
    """

    text: str = ""
    thinking: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    finish: Literal["", "stop", "length", "tool_calls"] = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    prompt_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What the host says of a model. `context_length` is in tokens, 0 unknown."""

    name: str
    context_length: int
    tools: bool
    thinking: bool
    vision: bool


class Model(Protocol):
    """A model host. All methods raise the errors of the tree:

    ModelMissing, ModelUnavailable, ModelTimeout, CredentialError,
    ContextTooLarge, and Refused for a request that no retry will mend.
    Closing the generator closes the connection at once, so that generation
    stops.
    """

    def stream_complete(self, request: ModelRequest) -> AsyncGenerator[Chunk]: ...

    async def complete(self, request: ModelRequest) -> Chunk:
        """Return the whole answer as one chunk."""
        ...

    async def describe(self, model: str) -> ModelInfo:
        """Return what the model can do; cached, refreshed after an error."""
        ...

    async def installed(self) -> tuple[str, ...]: ...

    async def close(self) -> None: ...


class Gate(Protocol):
    """Turns away nobody, lets few in: one per model host, fair between rooms."""

    def enter(
        self, room: RoomId, urgency: Urgency, on_place: Callable[[int], None]
    ) -> AbstractAsyncContextManager[None]:
        """Wait for a place; `on_place` hears the place in the queue (1 = next)
        whenever it changes, and is not called when the gate is open."""
        ...
