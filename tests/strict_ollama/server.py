"""The server: its routes, its connections, and what it remembers."""

import asyncio
import hashlib
import json
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from strict_ollama import openai_api, wire
from strict_ollama.chat import NDJSON, answer, chat
from strict_ollama.decode import body_of
from strict_ollama.engine import Engine, Settings
from strict_ollama.installed import Installed, full_tag
from strict_ollama.prompt import count
from strict_ollama.record import Record
from strict_ollama.refusal import Refusal

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
KEEP_ALIVE = timedelta(minutes=5)
MAX_BODY = 1 << 30
RECORD = web.RequestKey("record", Record)


class StrictOllama:
    """A model server on a loopback port; usable as an async context manager."""

    def __init__(
        self,
        *models: Installed,
        settings: Settings | None = None,
        port: int = 0,
        pullable: tuple[Installed, ...] = (),
    ) -> None:
        self.engine = Engine(settings or Settings(), models)
        self.requests: list[Record] = []
        self.pullable = {full_tag(model.name): model for model in pullable}
        self.active = 0
        """Requests that are being answered now."""
        self._quiet = asyncio.Event()
        self._port = port
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def chats(self) -> list[Record]:
        """The requests to /api/chat, oldest first."""
        return [record for record in self.requests if record.path == "/api/chat"]

    @property
    def open_connections(self) -> int:
        server = self._runner.server if self._runner else None
        connections = server.connections if server else []
        return sum(each.transport is not None for each in connections)

    def install(self, model: Installed) -> None:
        self.engine.install(model)

    def remove(self, name: str) -> None:
        self.engine.remove(name)

    async def start(self) -> None:
        """Listen, after a stop on the same port again."""
        app = web.Application(client_max_size=MAX_BODY, middlewares=[self._answering])
        app.add_routes(
            [
                web.get("/", self._root),
                web.get("/api/version", self._version),
                web.get("/api/tags", self._tags),
                web.get("/api/ps", self._ps),
                web.post("/api/show", self._show),
                web.post("/api/chat", self._chat),
                web.post("/api/pull", self._pull),
                web.post("/api/embed", self._embed),
                web.get("/v1/models", self._v1_models),
                web.post("/v1/chat/completions", self._v1_chat),
                web.get("/_strict/state", self._state),
            ]
        )
        # A handler is cancelled when its client goes away: generation stops.
        self._runner = web.AppRunner(
            app, handler_cancellation=True, access_log=None, shutdown_timeout=0.1
        )
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Close every connection and stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    async def idle(self, within: float = 2.0) -> None:
        """Wait until nothing is being answered; TimeoutError after `within` seconds."""
        async with asyncio.timeout(within):
            while self.active:
                self._quiet.clear()
                await self._quiet.wait()

    @web.middleware
    async def _answering(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Record a request, and turn refusals and departures into what they are."""
        if request.path.startswith("/_strict/"):
            return await handler(request)
        record = Record(
            number=len(self.requests),
            path=request.path,
            body=_json(await request.read()),
            authorization=request.headers.get("Authorization", ""),
            arrived=time.monotonic(),
        )
        self.requests.append(record)
        request[RECORD] = record
        self.active += 1
        try:
            return await self._answered(request, handler, record)
        except (asyncio.CancelledError, ConnectionError):
            record.outcome = "disconnected"
            raise
        finally:
            record.ended = time.monotonic()
            self.active -= 1
            if not self.active:
                self._quiet.set()

    async def _answered(
        self, request: web.Request, handler: Handler, record: Record
    ) -> web.StreamResponse:
        try:
            key = self.engine.settings.api_key
            if key and record.authorization != f"Bearer {key}":
                raise Refusal(
                    401, "unauthorized", signin_url="https://ollama.com/connect?name=test"
                )
            response = await handler(request)
        except Refusal as error:
            record.outcome, record.status = "refused", error.status
            shape = openai_api.error if request.path.startswith("/v1/") else _error
            return answer(shape(error), error.status)
        except web.HTTPException as error:
            record.outcome, record.status = "refused", error.status
            words = {404: "404 page not found", 405: "405 method not allowed"}
            return web.Response(text=words.get(error.status, error.reason), status=error.status)
        record.status = response.status
        record.outcome = record.outcome or "done"
        return response

    async def _root(self, request: web.Request) -> web.Response:
        return web.Response(text="Ollama is running")

    async def _version(self, request: web.Request) -> web.Response:
        return answer({"version": self.engine.settings.version})

    async def _tags(self, request: web.Request) -> web.Response:
        return answer({"models": [model.listed for model in self.engine.models.values()]})

    async def _ps(self, request: web.Request) -> web.Response:
        expires = (datetime.now(UTC) + KEEP_ALIVE).isoformat()
        running = [
            {
                **{
                    k: v
                    for k, v in model.listed.items()
                    if k not in ("modified_at", "capabilities")
                },
                "expires_at": expires,
                "size_vram": model.size,
                "context_length": launch[0],
            }
            for name, model in self.engine.models.items()
            if (launch := self.engine.runners[name].launch) is not None
        ]
        return answer({"models": running})

    async def _show(self, request: web.Request) -> web.Response:
        body = body_of(await request.read())
        return answer(self.engine.find(body.get("model") or body.get("name") or "").shown)

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        return await chat(self.engine, request, request[RECORD])

    async def _pull(self, request: web.Request) -> web.StreamResponse:
        body = body_of(await request.read())
        model = self.pullable.get(full_tag(body.get("model") or ""))
        lines: list[dict[str, Any]] = [{"status": "pulling manifest"}]
        if model is None:
            lines.append({"error": "pull model manifest: file does not exist"})
        else:
            layer = {"digest": f"sha256:{model.digest}", "total": model.size}
            status = f"pulling {model.digest[:12]}"
            lines.append({"status": status, **layer})
            lines += [{"status": status, **layer, "completed": model.size * n // 4} for n in (2, 4)]
            lines += [{"status": text} for text in ("verifying sha256 digest", "writing manifest")]
            lines.append({"status": "success"})
            self.install(model)
        if not body.get("stream", True):
            return answer(lines[-1], 500 if "error" in lines[-1] else 200)
        text = b"".join(wire.encode(line) + b"\n" for line in lines)
        return web.Response(body=text, content_type=NDJSON)

    async def _embed(self, request: web.Request) -> web.Response:
        """Answer with eight numbers a text, made of its hash."""
        body = body_of(await request.read())
        model = self.engine.find(body.get("model") or "")
        if "embedding" not in model.capabilities:
            raise Refusal(400, f'"{body["model"]}" does not support embeddings')
        texts = [body["input"]] if isinstance(body.get("input"), str) else body.get("input") or []
        digests = [hashlib.sha256(text.encode()).digest()[:8] for text in texts]
        tokens = sum(count(text) for text in texts)
        vectors = [[byte / 255 for byte in digest] for digest in digests]
        counted = {"prompt_eval_count": tokens} if tokens else {}
        return answer({"model": body["model"], "embeddings": vectors, **counted})

    async def _v1_models(self, request: web.Request) -> web.Response:
        listed = [openai_api.listed(name) for name in self.engine.models]
        return answer({"object": "list", "data": listed})

    async def _v1_chat(self, request: web.Request) -> web.StreamResponse:
        return await openai_api.chat(self.engine, request, request[RECORD])

    async def _state(self, request: web.Request) -> web.Response:
        """Tell another process what was asked and what is open (not part of Ollama)."""
        return answer(
            {
                "open_connections": self.open_connections - 1,
                "active": self.active,
                "requests": [record.as_json() for record in self.requests],
            }
        )


def _error(error: Refusal) -> dict[str, Any]:
    return error.body


def _json(data: bytes) -> dict[str, Any]:
    try:
        found = json.loads(data)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
