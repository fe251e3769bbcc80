"""One answer being generated: a script's steps as pieces of a stream."""

import asyncio
import math
import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import Any

from strict_ollama import wire
from strict_ollama.installed import Installed
from strict_ollama.prompt import count, written
from strict_ollama.refusal import Refusal
from strict_ollama.runner import Slot
from strict_ollama.steps import (
    Answer,
    Body,
    Calls,
    Cut,
    Done,
    Drop,
    Fail,
    Hold,
    Pause,
    Raw,
    Step,
    Text,
    Thinking,
)

REPEATED_TOKENS = 30
"""More equal tokens in a row than this, and the server breaks off without a word."""


class CleanEnd(Exception):
    """The stream ends here, without a last chunk."""


class BrokenEnd(Exception):
    """The connection breaks here."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of an answer: a chunk, or raw bytes, or the end with its reason."""

    chunk: dict[str, Any] | None = None
    raw: bytes = b""
    done: str = ""


class Play:
    """Plays a script into pieces, and counts and caches what it generates."""

    def __init__(self, body: Body, model: Installed, slot: Slot, limit: float) -> None:
        self.model: str = body["model"]
        self.tokens = 0
        self.began = time.monotonic()
        self._body = body
        self._slot = slot
        self._limit = limit
        self._calls = 0
        self._thinking = False
        self._last_token = ""
        self._repeats = 0
        # Unset means true on a model that can think; gpt-oss cannot be told not to.
        asked = body.get("think", True) or model.family == "gptoss"
        self._can_think = "thinking" in model.capabilities and asked

    async def pieces(self, script: Callable[[Body], Answer]) -> AsyncGenerator[Piece]:
        """Play the script's steps; ends with one piece that is `done`."""
        for step in script(self._body):
            if isinstance(step, Thinking) and not self._can_think:
                continue
            await _wait(step)
            piece = self._piece(step)
            if piece is None:
                continue
            yield piece
            if piece.done:
                return
            if self.tokens >= self._limit:
                yield Piece(done="length")
                return
        yield Piece(done="stop")

    def _piece(self, step: Step) -> Piece | None:
        match step:
            case Text(text):
                self._generated(text)
                return Piece(wire.chunk(self.model, text))
            case Thinking(text):
                self._generated(text, thinking=True)
                return Piece(wire.chunk(self.model, thinking=text))
            case Calls(calls):
                first, self._calls = self._calls, self._calls + len(calls)
                functions = [{"name": each.name, "arguments": each.arguments} for each in calls]
                printed = {"tool_calls": [{"function": each} for each in functions]}
                self._generated(written(printed, with_thinking=False))
                return Piece(wire.chunk(self.model, calls=calls, first_index=first))
            case Raw(data):
                return Piece(raw=data)
            case Done(reason):
                return Piece(done=reason)
            case Fail(error, status):
                raise Refusal(status, error)
            case Cut():
                raise CleanEnd
            case Drop():
                raise BrokenEnd
            case Pause() | Hold():
                return None

    def _generated(self, text: str, *, thinking: bool = False) -> None:
        """Count tokens and keep them in the slot's cache; ends a run of equal ones."""
        self.tokens += max(1, count(text))
        if thinking != self._thinking:
            self._slot.text += "<think>" if thinking else "</think>"
            self._thinking = thinking
        self._slot.text += text
        token = text.strip()
        self._repeats = self._repeats + 1 if token == self._last_token else 0
        self._last_token = token
        if self._repeats > REPEATED_TOKENS:
            raise CleanEnd


def limit(options: Body, prompt_tokens: int, num_ctx: int, *, shift: bool) -> float:
    """Return how many tokens may be generated: num_predict, and the window without shift."""
    predict = options.get("num_predict", -1)
    asked: float = predict if predict > 0 else math.inf
    return asked if shift else min(asked, num_ctx - prompt_tokens)


async def _wait(step: Step) -> None:
    if isinstance(step, Pause):
        await asyncio.sleep(step.seconds)
    elif isinstance(step, Hold):
        await step.until.wait()
    elif step.delay:
        await asyncio.sleep(step.delay)
