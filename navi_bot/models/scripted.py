"""A model that needs no host: it plays a part, through the real pipeline.

It is what `--demo` runs on and what the console falls back to where nothing
is configured. It thinks, makes a checklist, asks for the time and then
answers in streamed words; every answer is labelled. What it does next is a
pure function of the conversation, as with any model.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, replace

from navi_bot.messages import Message, ToolCall
from navi_bot.ports.model import Chunk, ModelInfo, ModelRequest

NAME = "demo"
LABEL = "*demo answer, no model:*"
WORD_SECONDS = 0.02
"""Pause after each streamed word: about 50 tokens a second, as local models do."""

_FACTS = re.compile(r"<facts>.*?</facts>", re.DOTALL)
PLAN = ["Read the question", "Look at the clock", "Answer"]
_QUESTION_LENGTH = 200
"""Characters of the question that the answer repeats."""

_SAMPLE = """Here is what an answer can look like.

1. **Text** arrives as it is written.
2. `code` and blocks keep their shape:

```python
def greet(name: str) -> str:
    return f"Hello {name}"
```

> Long answers go on in a further message."""


@dataclass(frozen=True, slots=True)
class Part:
    """What to say next: thinking, then text, then calls."""

    thinking: str = ""
    text: str = ""
    calls: tuple[ToolCall, ...] = ()


def play(messages: Sequence[Message], tools: frozenset[str]) -> Part:
    """Return the next part for a conversation; equal conversations play alike."""
    since = _since_question(messages)
    question = _words(next((m.content for m in reversed(messages) if m.role == "user"), ""))
    step = sum(bool(message.tool_calls) for message in since)
    part = _step(step, tools)
    if part is not None:
        return part
    results = {message.name: message.content for message in since if message.role == "tool"}
    return Part(thinking="Now the answer.", text=_answer(question, results))


def _step(step: int, tools: frozenset[str]) -> Part | None:
    """Return the working steps before the answer, as far as there are tools for them."""
    steps: tuple[Part, ...] = ()
    if "todo" in tools:
        steps += (
            Part(
                thinking="Someone tries me out. I make a small plan first.",
                calls=(_call("todo", 0, action="set", items=PLAN),),
            ),
        )
    if "clock" in tools:
        done = (_tick(1, 1),) if "todo" in tools else ()
        steps += (Part(text="The plan stands. Now the time.", calls=(*done, _call("clock", 1))),)
    if "todo" in tools:
        steps += (Part(calls=(_tick(2, 2), _tick(3, 3))),)
    return steps[step] if step < len(steps) else None


def _tick(number: int, call: int) -> ToolCall:
    return _call("todo", call, action="update", number=number, state="done")


def _since_question(messages: Sequence[Message]) -> Sequence[Message]:
    for index in range(len(messages) - 1, -1, -1):
        if messages[index].role == "user":
            return messages[index + 1 :]
    return messages


def _words(content: str) -> str:
    return _FACTS.sub("", content).strip()


def _call(name: str, serial: int, /, **arguments: object) -> ToolCall:
    return ToolCall(f"demo_{name}_{serial}", name, arguments)


def _answer(question: str, results: dict[str, str]) -> str:
    said = question[:_QUESTION_LENGTH] or "nothing"
    lines = [f"{LABEL} you wrote “{said}”."]
    if "clock" in results:
        lines.append(f"The clock says: {results['clock']}")
    lines.append(_SAMPLE if "sample" in question.lower() else "Write “sample” to see more.")
    return "\n\n".join(lines)


class ScriptedModel:
    """Implements the Model port by playing its part."""

    def __init__(self, word_seconds: float = WORD_SECONDS) -> None:
        self._pause = word_seconds

    async def stream_complete(self, request: ModelRequest) -> AsyncGenerator[Chunk]:
        part = play(request.messages, frozenset(tool.name for tool in request.tools))
        prompt = sum(len(message.content) for message in request.messages) // 4
        words = 0
        for word in _pieces(part.thinking):
            yield Chunk(thinking=word)
            words += 1
            await asyncio.sleep(self._pause)
        for word in _pieces(part.text):
            yield Chunk(text=word)
            words += 1
            await asyncio.sleep(self._pause)
        end = Chunk(
            finish="tool_calls" if part.calls else "stop",
            prompt_tokens=prompt,
            completion_tokens=words,
        )
        if part.calls:
            yield Chunk(tool_calls=part.calls)
        yield end

    async def complete(self, request: ModelRequest) -> Chunk:
        """Return the whole part as one chunk."""
        whole = Chunk()
        async for chunk in self.stream_complete(request):
            whole = replace(
                chunk,
                text=whole.text + chunk.text,
                thinking=whole.thinking + chunk.thinking,
                tool_calls=whole.tool_calls + chunk.tool_calls,
            )
        return whole

    async def describe(self, model: str) -> ModelInfo:
        return ModelInfo(NAME, context_length=65536, tools=True, thinking=True, vision=False)

    async def installed(self) -> tuple[str, ...]:
        return (NAME,)

    async def close(self) -> None:
        """Have nothing to close."""


def _pieces(text: str) -> list[str]:
    return re.findall(r"\S+\s*|\s+", text)
