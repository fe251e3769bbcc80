"""Ollama as a Model: one streamed call over aiohttp, the lists over its own client.

    stream_complete
      describe the model (cached) ─► body ─► POST /api/chat ─► lines ─► chunks
      a tool call that the host cannot read ─► asked again with a nudge, twice,
      then without tools; never after a part of the text has been given away

Leaving the generator closes the socket, and the host stops generating.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import structlog
from ollama import AsyncClient, ResponseError

from navi_bot.errors import NaviError
from navi_bot.models import host_errors
from navi_bot.models.address import host_address
from navi_bot.models.call_arguments import call_id
from navi_bot.models.gathering import gathered
from navi_bot.models.images import encoded
from navi_bot.models.lines import LINE_LIMIT, Lines, LineTooLong
from navi_bot.models.wire_ollama import Fault, Reply, Shown, chat_body, nudged, shown
from navi_bot.ports.model import Chunk, ModelInfo, ModelRequest

log = structlog.get_logger()

REQUEST_TIMEOUT = 30.0
"""Seconds for show, list and ps."""
PULL_SILENCE = 120.0
"""Seconds without a word of progress after which a pull is given up."""
NUDGES = 2
NUDGE = (
    "Your last tool call could not be read. Call the tool again with arguments that are one "
    "valid JSON object, or answer in words."
)
_ERROR_LIMIT = 64 * 1024
"""Bytes of an error body that are read."""


class _UnreadableCall(Exception):
    """The host could not read the model's tool call; `error` is what it comes to in the end."""

    def __init__(self, error: NaviError) -> None:
        super().__init__(str(error))
        self.error = error


@dataclass(frozen=True, slots=True)
class Running:
    """A model in the host's memory. `window` is in tokens, `video_memory` in bytes."""

    name: str
    window: int
    video_memory: int


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a pull is; bytes, 0 where the step has none."""

    status: str
    completed: int = 0
    total: int = 0


class OllamaModel:
    """Implements the Model port. Build it inside or outside a loop; it connects when used."""

    def __init__(
        self,
        host: str,
        data_dir: Path,
        *,
        api_key: str = "",
        keep_alive: str | None = None,
        connect_timeout: float = 10.0,
        complete_timeout: float = 120.0,
        line_limit: int = LINE_LIMIT,
    ) -> None:
        """Timeouts are in seconds. ConfigurationError when the host is no address."""
        address = host_address(host)
        authorization = f"Bearer {api_key}" if api_key else address.authorization
        self._url = address.url
        self._headers = {"Authorization": authorization} if authorization else {}
        self._data_dir = data_dir
        self._keep_alive = keep_alive
        self._connect_timeout = connect_timeout
        self._complete_timeout = complete_timeout
        self._line_limit = line_limit
        self._known: dict[str, Shown] = {}
        self._session: aiohttp.ClientSession | None = None
        self._client: AsyncClient | None = None

    async def stream_complete(self, request: ModelRequest) -> AsyncGenerator[Chunk]:
        """Stream an answer; the last chunk has `finish`. Errors as the port says."""
        for attempt in range(NUDGES + 2):
            reply = Reply(call_id)
            try:
                async with aclosing(self._attempt(request, attempt, reply)) as chunks:
                    async for chunk in chunks:
                        yield chunk
                return
            except _UnreadableCall as unreadable:
                log.warning("tool_call_unreadable", model=request.model, attempt=attempt)
                if reply.spoken or attempt > NUDGES or not request.tools:
                    raise unreadable.error from unreadable

    async def complete(self, request: ModelRequest) -> Chunk:
        """Return the whole answer as one chunk; ModelTimeout after `complete_timeout`."""
        return await gathered(self.stream_complete(request), self._complete_timeout)

    async def describe(self, model: str) -> ModelInfo:
        return (await self._shown(model)).info

    async def installed(self) -> tuple[str, ...]:
        async with self._translated(""):
            found = await self._lists().list()
        return tuple(sorted(each.model for each in found.models if each.model))

    async def running(self) -> tuple[Running, ...]:
        """Return the models that the host has in memory."""
        async with self._translated(""):
            found = await self._lists().ps()
        return tuple(
            Running(each.model or "", each.context_length or 0, int(each.size_vram or 0))
            for each in found.models
        )

    async def pull(self, model: str) -> AsyncGenerator[Progress]:
        """Install a model, telling how far it is; ModelMissing when there is none such."""
        async with self._translated(model), self._new_client(PULL_SILENCE) as client:
            async for step in await client.pull(model, stream=True):
                yield Progress(step.status or "", step.completed or 0, step.total or 0)

    async def close(self) -> None:
        """Close every connection; the model may be used again after it."""
        if self._session is not None:
            await self._session.close()
            self._session = None
        if self._client is not None:
            await self._client.close()  # type: ignore[no-untyped-call]  # the package leaves it untyped
            self._client = None

    async def _shown(self, model: str) -> Shown:
        known = self._known.get(model)
        if known is None:
            async with self._translated(model):
                found = await self._lists().show(model)
            family = (found.details.family if found.details else None) or ""
            known = shown(model, found.capabilities or (), found.modelinfo or {}, family)
            self._known[model] = known
        return known

    async def _attempt(
        self, request: ModelRequest, attempt: int, reply: Reply
    ) -> AsyncGenerator[Chunk]:
        known = await self._shown(request.model)
        images = await encoded(self._data_dir, request.messages) if known.info.vision else {}
        asked = nudged(request, NUDGE) if attempt else request
        body = chat_body(asked, known, images, self._keep_alive, with_tools=attempt <= NUDGES)
        try:
            async with aclosing(self._read(body, reply)) as chunks:
                async for chunk in chunks:
                    yield chunk
        except NaviError:
            self._known.pop(request.model, None)
            raise

    async def _read(self, body: dict[str, Any], reply: Reply) -> AsyncGenerator[Chunk]:
        """Stream one call's chunks to the last; every failure is an error of ours."""
        lines = Lines(self._line_limit)
        data = json.dumps(body, ensure_ascii=False).encode("utf-8", errors="replace")
        try:
            async with self._connections().post(
                f"{self._url}/api/chat",
                data=data,
                headers={"Content-Type": "application/json", **self._headers},
                allow_redirects=False,
            ) as response:
                if response.status != 200:
                    raise await self._refused(response, body["model"])
                async for received in response.content.iter_any():
                    for line in lines.feed(received):
                        chunk = reply.take(line)
                        if chunk is not None:
                            yield chunk
                        if reply.ended:
                            return
        except (aiohttp.ClientError, OSError) as error:
            raise host_errors.unreachable(self._url, tokens_seen=reply.seen) from error
        except (Fault, LineTooLong) as error:
            raise self._failed(0, str(error), body["model"], tokens_seen=reply.seen) from error
        raise host_errors.broke_off(tokens_seen=reply.seen)

    async def _refused(
        self, response: aiohttp.ClientResponse, model: str
    ) -> NaviError | _UnreadableCall:
        async with asyncio.timeout(self._connect_timeout):
            text = (await response.content.read(_ERROR_LIMIT)).decode("utf-8", errors="replace")
        if response.status == 404:
            return host_errors.missing(model, self._url, await self._others())
        return self._failed(response.status, text, model)

    def _failed(
        self, status: int, text: str, model: str, *, tokens_seen: bool = False
    ) -> NaviError | _UnreadableCall:
        error = host_errors.refusal(
            status, text, host=self._url, model=model, tokens_seen=tokens_seen
        )
        return _UnreadableCall(error) if host_errors.is_unreadable_call(text) else error

    async def _others(self) -> tuple[str, ...]:
        """Return what is installed, nothing when that cannot be learnt either."""
        try:
            return await self.installed()
        except NaviError:
            return ()

    def _connections(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                # As many streams as are asked for; the gate is what bounds them.
                connector=aiohttp.TCPConnector(limit=0),
                # The guard around a stream times its tokens.
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=self._connect_timeout),
            )
        return self._session

    def _lists(self) -> AsyncClient:
        if self._client is None:
            self._client = self._new_client(REQUEST_TIMEOUT)
        return self._client

    def _new_client(self, read_timeout: float) -> AsyncClient:
        return AsyncClient(
            self._url,
            headers=self._headers,
            timeout=httpx.Timeout(read_timeout, connect=self._connect_timeout),
            trust_env=False,
        )

    @asynccontextmanager
    async def _translated(self, model: str) -> AsyncIterator[None]:
        """Turn the errors of Ollama's client into ours."""
        try:
            yield
        except ResponseError as error:
            gone = error.status_code == 404 or "file does not exist" in error.error
            if model and gone:
                raise host_errors.missing(model, self._url, await self._others()) from error
            raise host_errors.refusal(
                error.status_code, error.error, host=self._url, model=model
            ) from error
        except (ConnectionError, httpx.HTTPError) as error:
            raise host_errors.unreachable(self._url) from error
        except ValueError as error:
            raise host_errors.refusal(
                0, "its answer is not as expected", host=self._url, model=model
            ) from error
