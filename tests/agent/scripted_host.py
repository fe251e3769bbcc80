"""A scripted model host and the measures that go with it, for the agent's tests."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

from navi_bot.messages import Message, RoomId, ToolCall
from navi_bot.ports.model import Chunk, ModelInfo, ModelRequest, ToolSchema, Urgency

Act = Chunk | Exception | Callable[[], Awaitable[None]]
"""One thing a scripted answer does: send a chunk, break, or something awaited."""


def said(*words: str, prompt: int = 100, finish: str = "stop") -> list[Act]:
    """Script an answer of text."""
    return [*(Chunk(text=word) for word in words), _end(finish, prompt)]


def calls(*made: tuple[str, Mapping[str, object]], text: str = "", ids: bool = True) -> list[Act]:
    """Script an answer that calls tools."""
    asked = tuple(
        ToolCall(f"c{place}" if ids else "", name, arguments)
        for place, (name, arguments) in enumerate(made)
    )
    return [Chunk(text=text, thinking="hm", tool_calls=asked), _end("tool_calls", 100)]


def _end(finish: str, prompt: int) -> Chunk:
    return Chunk(finish=finish, prompt_tokens=prompt, completion_tokens=7)  # type: ignore[arg-type]  # test words


async def for_ever() -> None:
    await asyncio.Event().wait()


class ScriptedHost:
    """Plays its scripts in order; the last one for ever."""

    def __init__(self, *scripts: Sequence[Act], info: ModelInfo | None = None) -> None:
        self.scripts = list(scripts)
        self.requests: list[ModelRequest] = []
        self.open = 0
        self.info = info or ModelInfo("m", 65536, tools=True, thinking=True, vision=True)
        self.describing: Exception | None = None

    async def stream_complete(self, request: ModelRequest) -> AsyncGenerator[Chunk]:
        self.requests.append(request)
        script = self.scripts[min(len(self.requests), len(self.scripts)) - 1]
        self.open += 1
        try:
            for act in script:
                await asyncio.sleep(0)
                if isinstance(act, Exception):
                    raise act
                if isinstance(act, Chunk):
                    yield act
                else:
                    await act()
        finally:
            self.open -= 1

    async def complete(self, request: ModelRequest) -> Chunk:
        raise NotImplementedError

    async def describe(self, model: str) -> ModelInfo:
        if self.describing is not None:
            raise self.describing
        return self.info

    async def installed(self) -> tuple[str, ...]:
        return (self.info.name,)

    async def close(self) -> None: ...


class OpenGate:
    """Lets everybody in, after telling the places it is given."""

    def __init__(self, *places: int, held: bool = False) -> None:
        self.places = places
        self.held = held
        self.inside = 0
        self.entered: list[Urgency] = []
        self.on_enter: Callable[[], None] = lambda: None

    @asynccontextmanager
    async def enter(
        self, room: RoomId, urgency: Urgency, on_place: Callable[[int], None]
    ) -> AsyncGenerator[None]:
        for place in self.places:
            on_place(place)
            await asyncio.sleep(0)
        if self.held:
            await for_ever()
        self.on_enter()
        self.entered.append(urgency)
        self.inside += 1
        try:
            yield
        finally:
            self.inside -= 1


class Characters:
    """Estimates a token for every four characters, and remembers what it is taught."""

    def __init__(self) -> None:
        self.taught: list[int] = []

    def tokens(self, model: str, messages: Sequence[Message], tools: Sequence[ToolSchema]) -> int:
        return sum(len(each.content) // 4 for each in messages)

    def learn(
        self,
        model: str,
        messages: Sequence[Message],
        tools: Sequence[ToolSchema],
        prompt_tokens: int,
    ) -> None:
        self.taught.append(prompt_tokens)


class Parrot:
    """Sees a repetition when the same piece comes five times in a row."""

    def __init__(self) -> None:
        self.last, self.times = "", 0

    def feed(self, text: str) -> bool:
        self.times = self.times + 1 if text == self.last else 1
        self.last = text
        return self.times >= 5
