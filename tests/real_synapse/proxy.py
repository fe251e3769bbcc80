"""A wire with faults between a client and the homeserver.

    async with Proxy(synapse.url) as proxy:
        proxy.fails("/sync", 502, times=3)
        proxy.loses("/send/", times=1)        # carried out, the answer never arrives

Faults are tried in the order in which they were set; what none of them meets
passes through. `seen` holds (time, method, path) of every request.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Literal, Self

import aiohttp
from aiohttp import web

What = Literal["answer", "lose", "hang"]


@dataclass
class Fault:
    part: str
    what: What
    times: int
    status: int = 500
    body: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


class Proxy:
    """`down`: connections are refused at once."""

    def __init__(self, target: str) -> None:
        self._target = target
        self._faults: list[Fault] = []
        self._runner: web.AppRunner | None = None
        self._session: aiohttp.ClientSession | None = None
        self.url = ""
        self.seen: list[tuple[float, str, str]] = []

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession()
        app = web.Application(client_max_size=1 << 26)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._runner is not None
        assert self._session is not None
        await self._runner.cleanup()
        await self._session.close()

    def fails(
        self,
        part: str,
        status: int,
        body: Mapping[str, Any] | None = None,
        *,
        times: int = 1_000_000,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Answer requests whose path holds a part in the homeserver's place."""
        self._faults.append(Fault(part, "answer", times, status, body or {}, headers or {}))

    def loses(self, part: str, *, times: int = 1) -> None:
        """Pass requests on and break off before the answer."""
        self._faults.append(Fault(part, "lose", times))

    def hangs(self, part: str, *, times: int = 1) -> None:
        """Never answer."""
        self._faults.append(Fault(part, "hang", times))

    def heal(self) -> None:
        self._faults.clear()

    def requests(self, part: str, since: float = 0.0) -> list[float]:
        """Return the times of requests whose path holds a part."""
        return [at for at, _, path in self.seen if part in path and at >= since]

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self.seen.append((time.monotonic(), request.method, request.path))
        fault = next((one for one in self._faults if one.part in request.path), None)
        if fault is not None:
            fault.times -= 1
            if fault.times <= 0:
                self._faults.remove(fault)
            if fault.what == "answer":
                return web.json_response(
                    dict(fault.body), status=fault.status, headers=dict(fault.headers)
                )
            if fault.what == "hang":
                await asyncio.Event().wait()
        try:
            response = await self._passed_on(request)
        except (aiohttp.ClientError, RuntimeError):  # it was closed meanwhile
            return web.Response(status=502)
        if fault is not None and request.transport is not None:
            request.transport.abort()
        return response

    async def _passed_on(self, request: web.Request) -> web.Response:
        assert self._session is not None
        kept = ("Authorization", "Content-Type")
        headers = {name: request.headers[name] for name in kept if name in request.headers}
        async with self._session.request(
            request.method,
            self._target + request.raw_path,
            data=await request.read(),
            headers=headers,
        ) as answer:
            content = await answer.read()
            return web.Response(
                body=content, status=answer.status, content_type=answer.content_type
            )
