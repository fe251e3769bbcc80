"""A model host for which "" is a model too: the first installed one that fits.

Which models a host has is learnt when it is asked, not when the daemon
starts, so that a host that is down then is no reason not to start.
"""

from collections.abc import AsyncGenerator
from dataclasses import replace

from navi_bot.errors import ModelMissing
from navi_bot.ports.model import Chunk, Model, ModelInfo, ModelRequest


class DefaultingModel:
    """Implements the Model port around another."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._chosen = ""

    async def stream_complete(self, request: ModelRequest) -> AsyncGenerator[Chunk]:
        named = replace(request, model=request.model or await self._choice())
        stream = self._model.stream_complete(named)
        try:
            async for chunk in stream:
                yield chunk
        finally:
            await stream.aclose()

    async def complete(self, request: ModelRequest) -> Chunk:
        return await self._model.complete(
            replace(request, model=request.model or await self._choice())
        )

    async def describe(self, model: str) -> ModelInfo:
        return await self._model.describe(model or await self._choice())

    async def installed(self) -> tuple[str, ...]:
        return await self._model.installed()

    async def close(self) -> None:
        await self._model.close()

    async def _choice(self) -> str:
        """Return the first installed model that can use tools, else the first."""
        if not self._chosen:
            installed = await self._model.installed()
            if not installed:
                raise ModelMissing(
                    "No model is installed on the model host. Install one (ollama pull NAME) "
                    "and name it in NAVI_MODEL.",
                    "",
                )
            capable = [name for name in installed if (await self._model.describe(name)).tools]
            self._chosen = (capable or list(installed))[0]
        return self._chosen
