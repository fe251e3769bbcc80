"""The Ollama backend together with a strict server that plays a script."""

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

from strict_ollama import Installed, Settings, Step, StrictOllama

from navi_bot.messages import Message
from navi_bot.models.ollama import OllamaModel
from navi_bot.ports.model import Chunk, ModelRequest

ALL = ("completion", "tools", "thinking", "vision")


def asked(content: str = "hi", **more: Any) -> ModelRequest:
    return ModelRequest("tiny", (Message("user", content),), **more)


@asynccontextmanager
async def hosting(
    *steps: Step,
    data_dir: Path = Path("/nonexistent"),
    capabilities: tuple[str, ...] = ALL,
    settings: Settings | None = None,
    **options: Any,
) -> AsyncIterator[tuple[OllamaModel, StrictOllama]]:
    installed = Installed("tiny", steps, capabilities=capabilities)
    async with StrictOllama(installed, settings=settings) as server:
        model = OllamaModel(server.url, data_dir, **options)
        try:
            yield model, server
        finally:
            await model.close()


async def streamed(model: OllamaModel, request: ModelRequest) -> list[Chunk]:
    async with aclosing(model.stream_complete(request)) as chunks:
        return [chunk async for chunk in chunks]
