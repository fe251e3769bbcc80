"""What the agent loop is given: a journal, model hosts, tools, and ways to measure."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from navi_bot.messages import Entry, Message, ToolCall
from navi_bot.ports.model import Chunk, Gate, Model, Think, ToolSchema
from navi_bot.ports.tools import Call, Catalogue, ProfileSummary, Result, Stop, Tool


class Journal(Protocol):
    """What a turn writes down, each method in a commit of its own but `close`."""

    async def record(self, entries: Sequence[Entry]) -> None:
        """Append entries in order; clears the pending batch."""
        ...

    async def begin_batch(self, step: int, assistant: Message, effects: Mapping[str, str]) -> None:
        """Write down the intent of a batch: call id → effect class."""
        ...

    async def end_call(self, step: int, call_id: str, result: str, ok: bool) -> None: ...

    async def steering(self) -> tuple[Message, ...]:
        """Take the messages that steer this turn, to be recorded by the taker."""
        ...

    async def profile_id(self) -> str:
        """Return the session's profile as it is now."""
        ...

    async def close(self, entries: Sequence[Entry]) -> None:
        """Hand over the last entries; they are stored together with the turn's end.

        Called at most once, before the ending event, and nothing is recorded
        after it. It clears the pending batch as `record` does.
        """
        ...


@dataclass(frozen=True, slots=True)
class Backend:
    """A model host as the loop uses it. Timeouts are in seconds, sizes in tokens.

    `reserve` is the part of the window that is kept for the answer.
    """

    model: Model
    gate: Gate
    default_model: str
    num_ctx: int = 65536
    reserve: int = 2048
    think: Think = None
    first_chunk_timeout: float = 180.0
    chunk_timeout: float = 60.0


class Guard(Protocol):
    def __call__(
        self, stream: AsyncGenerator[Chunk], stop: Stop, first: float, gap: float
    ) -> AsyncGenerator[Chunk]:
        """Pass chunks on, ending early on stop; ModelTimeout after `first`
        seconds without any chunk or `gap` seconds without the next. Closing
        it closes the stream."""
        ...


class Estimator(Protocol):
    """Counts tokens before the host does, and learns from what the host says."""

    def tokens(
        self, model: str, messages: Sequence[Message], tools: Sequence[ToolSchema]
    ) -> int: ...

    def learn(
        self,
        model: str,
        messages: Sequence[Message],
        tools: Sequence[ToolSchema],
        prompt_tokens: int,
    ) -> None: ...


class Repetition(Protocol):
    """Watches one answer for a model that repeats itself."""

    def feed(self, text: str) -> bool:
        """Take the next piece; True from the moment it repeats."""
        ...


class Toolbox(Protocol):
    """The tools that are installed."""

    def catalogue(
        self,
        names: Sequence[str],
        profiles: Sequence[ProfileSummary],
        problems: Sequence[str] = (),
    ) -> Catalogue:
        """Return what a turn with these tool names may use, in fixed order.

        Names that are not installed are absent; `problems` are those of the
        profiles, shown together with the tools' own.
        """
        ...

    async def run(self, tool: Tool, asked: ToolCall, call: Call) -> Result:
        """Carry out one call. Every failure, bad arguments and the tool's
        timeout included, is a result with ok=False; only a cancellation passes.
        """
        ...
