"""Any server that speaks the OpenAI chat completions as a Model: llama.cpp, vLLM, LM Studio, …"""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from openai import (
    APIConnectionError,
    APIError,
    APIStatusError,
    AsyncOpenAI,
    DefaultAsyncHttpxClient,
    Timeout,
)

from navi_bot.errors import NaviError
from navi_bot.models import host_errors
from navi_bot.models.call_arguments import call_id
from navi_bot.models.gathering import gathered
from navi_bot.models.images import encoded
from navi_bot.models.wire_openai import Deltas, chat_arguments, model_info
from navi_bot.ports.model import Chunk, ModelInfo, ModelRequest

REQUEST_TIMEOUT = 30.0
"""Seconds for lists and properties."""
RETRIES = 2
"""Of a call that got no answer at all, made by the client."""


class OpenAIModel:
    """Implements the Model port for a base URL (".../v1")."""

    def __init__(
        self,
        base_url: str,
        data_dir: Path,
        *,
        api_key: str = "",
        connect_timeout: float = 10.0,
        complete_timeout: float = 120.0,
    ) -> None:
        """Timeouts are in seconds."""
        self._url = base_url.rstrip("/")
        self._data_dir = data_dir
        self._api_key = api_key
        self._connect_timeout = connect_timeout
        self._complete_timeout = complete_timeout
        self._known: dict[str, ModelInfo] = {}
        self._opened: AsyncOpenAI | None = None

    async def stream_complete(self, request: ModelRequest) -> AsyncGenerator[Chunk]:
        """Stream an answer; the last chunk has `finish`. Errors as the port says."""
        info = await self.describe(request.model)
        images = await encoded(self._data_dir, request.messages) if info.vision else {}
        deltas = Deltas(call_id)
        async with self._translated(request.model, lambda: deltas.seen):
            events = await self._client.chat.completions.create(**chat_arguments(request, images))
            async with events:
                async for event in events:
                    chunk = deltas.take(event)
                    if chunk is not None:
                        yield chunk
        if not deltas.finish:
            raise host_errors.broke_off(tokens_seen=deltas.seen)
        yield deltas.end()

    async def complete(self, request: ModelRequest) -> Chunk:
        """Return the whole answer as one chunk; ModelTimeout after `complete_timeout`."""
        return await gathered(self.stream_complete(request), self._complete_timeout)

    async def describe(self, model: str) -> ModelInfo:
        """Return what the server tells of a model, and guesses where it tells nothing."""
        if model not in self._known:
            entries = await self._entries()
            info = model_info(model, entries.get(model), await self._properties())
            self._known[model] = info
        return self._known[model]

    async def installed(self) -> tuple[str, ...]:
        return tuple(await self._entries())

    async def close(self) -> None:
        """Close every connection; the model may be used again after it."""
        if self._opened is not None:
            await self._opened.close()
            self._opened = None

    @property
    def _client(self) -> AsyncOpenAI:
        if self._opened is None:
            # The guard around a stream times its tokens.
            timeout = Timeout(None, connect=self._connect_timeout)
            self._opened = AsyncOpenAI(
                base_url=self._url,
                api_key=self._api_key or "none",
                timeout=timeout,
                max_retries=RETRIES,
                http_client=DefaultAsyncHttpxClient(trust_env=False, timeout=timeout),
            )
        return self._opened

    async def _entries(self) -> dict[str, Mapping[str, object]]:
        """Return the models that the server lists, by id."""
        async with self._translated():
            listed = await self._client.models.list(timeout=REQUEST_TIMEOUT)
        return {each.id: each.to_dict() for each in listed.data}

    async def _properties(self) -> Mapping[str, object]:
        """Return llama.cpp's /props, nothing where there is none."""
        try:
            async with self._translated():
                found = await self._client.get(
                    f"{self._url.removesuffix('/v1')}/props",
                    cast_to=object,
                    options={"timeout": REQUEST_TIMEOUT, "max_retries": 0},
                )
        except NaviError:
            return {}
        return found if isinstance(found, dict) else {}

    @asynccontextmanager
    async def _translated(
        self, model: str = "", seen: Callable[[], bool] = lambda: False
    ) -> AsyncIterator[None]:
        """Turn the client's errors into ours; what was known of the model is asked anew."""
        try:
            yield
        except APIConnectionError as error:
            raise host_errors.unreachable(self._url, tokens_seen=seen()) from error
        except APIError as error:
            self._known.pop(model, None)
            raise await self._refused(error, model, tokens_seen=seen()) from error
        except ValueError as error:
            raise host_errors.broke_off(tokens_seen=seen()) from error

    async def _refused(self, error: APIError, model: str, *, tokens_seen: bool) -> NaviError:
        status = error.status_code if isinstance(error, APIStatusError) else 0
        if status == 404 and model:
            return host_errors.missing(model, self._url, await self._others())
        text = json.dumps(error.body) if error.body else error.message
        return host_errors.refusal(
            status, text, host=self._url, model=model, tokens_seen=tokens_seen
        )

    async def _others(self) -> tuple[str, ...]:
        """Return what is installed, nothing when that cannot be learnt either."""
        try:
            return await self.installed()
        except NaviError:
            return ()
