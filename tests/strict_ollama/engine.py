"""From a decoded chat request to what the model's script makes of it."""

import asyncio
import math
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from strict_ollama import refusal, wire
from strict_ollama.decode import check_options
from strict_ollama.installed import Installed, full_tag, registry_name
from strict_ollama.play import Piece, Play, limit
from strict_ollama.prompt import Prompt, fit
from strict_ollama.record import Record
from strict_ollama.refusal import Refusal
from strict_ollama.runner import Runner
from strict_ollama.steps import Body, Script

DEFAULT_NUM_CTX = 4096


@dataclass(frozen=True, slots=True)
class Settings:
    """What the server's operator chose. `prefill_rate` is in tokens a second."""

    parallel: int = 1
    max_queue: int = 512
    prefill_rate: float = math.inf
    num_ctx: int = DEFAULT_NUM_CTX
    version: str = "0.33.0"
    api_key: str = ""
    """Requests without this bearer token are answered 401."""
    forbidden: str = ""
    """When set, chats are answered 403 with this text."""


class Engine:
    """The models, their runners, and how a chat is generated."""

    def __init__(self, settings: Settings, models: tuple[Installed, ...]) -> None:
        self.settings = settings
        self.models: dict[str, Installed] = {}
        self.runners: dict[str, Runner] = {}
        self._scripts: dict[str, Script] = {}
        for model in models:
            self.install(model)

    def install(self, model: Installed) -> None:
        """Install a model, or replace it; one in memory stays there."""
        tagged = full_tag(model.name)
        self.models[tagged] = model
        self._scripts[tagged] = model.script
        self.runners.setdefault(tagged, Runner(self.settings.parallel, self.settings.max_queue))

    def remove(self, name: str) -> None:
        self.models.pop(full_tag(name), None)

    def find(self, name: str) -> Installed:
        """Return an installed model; refused as the server does when it is not."""
        if not name:
            raise Refusal(400, "model is required")
        found = self.models.get(full_tag(name))
        if found is None:
            raise refusal.not_found(name)
        return found

    def check(self, body: Body, model: Installed) -> None:
        """Refuse what the model cannot do, in the order in which the server looks."""
        name = body["model"]
        if body.get("think") and "thinking" not in model.capabilities:
            raise Refusal(400, f'"{name}" does not support thinking')
        if "completion" not in model.capabilities:
            raise Refusal(400, f'"{name}" does not support chat')
        if body.get("tools") and "tools" not in model.capabilities:
            raise Refusal(400, f"{registry_name(name)} does not support tools")
        check_options(body.get("options") or {})

    async def answer(self, body: Body, record: Record) -> AsyncGenerator[Piece]:
        """Generate an answer: pieces, the last of which has `done` set."""
        model = self.find(body["model"])
        self.check(body, model)
        prompt = self._prompt(body, model, record)
        runner = self.runners[full_tag(model.name)]
        shift = body.get("shift", True)
        slots = runner.slot((record.num_ctx, shift), model.load_seconds, prompt.text)
        async with slots as (slot, loaded):
            record.loaded = loaded
            record.started = time.monotonic()
            record.cached_tokens = slot.take(prompt)
            fresh = prompt.tokens - record.cached_tokens
            await asyncio.sleep(fresh / self.settings.prefill_rate)
            tokens = limit(body.get("options") or {}, prompt.tokens, record.num_ctx, shift=shift)
            play = Play(body, model, slot, tokens)
            async with aclosing(play.pieces(self._scripts[full_tag(model.name)])) as pieces:
                async for piece in pieces:
                    yield _last(piece, play, record) if piece.done else piece
        if body.get("keep_alive") in (0, "0", "0s"):
            runner.unload()

    def _prompt(self, body: Body, model: Installed, record: Record) -> Prompt:
        options = body.get("options") or {}
        asked = int(options.get("num_ctx") or self.settings.num_ctx)
        record.num_ctx = min(asked, model.context_length)
        prompt = fit(
            body["messages"],
            body.get("tools") or [],
            record.num_ctx,
            truncate=body.get("truncate", True),
            shift=body.get("shift", True),
        )
        record.prompt, record.prompt_tokens = prompt.text, prompt.tokens
        record.dropped_messages = prompt.dropped
        return prompt


def _last(piece: Piece, play: Play, record: Record) -> Piece:
    ended = time.monotonic()
    metrics = {
        "total_duration": _nanoseconds(ended - record.arrived),
        "load_duration": _nanoseconds(record.started - record.arrived),
        "prompt_eval_count": record.prompt_tokens,
        "prompt_eval_duration": _nanoseconds(play.began - record.started),
        "eval_count": play.tokens,
        "eval_duration": _nanoseconds(ended - play.began),
    }
    return Piece(wire.last(play.model, piece.done, metrics), done=piece.done)


def _nanoseconds(seconds: float) -> int:
    return max(0, int(seconds * 1e9))
