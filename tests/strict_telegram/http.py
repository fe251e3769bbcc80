"""The HTTP side: paths, tokens, bodies, faults, and the record of every call."""

import asyncio
import inspect
import re
import socket
import struct
from collections import Counter
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from strict_telegram import methods
from strict_telegram.arguments import Arguments, Upload, from_json
from strict_telegram.errors import (
    INVALID_TOKEN,
    NO_METHOD,
    NO_PATH,
    TOO_LARGE,
    UNAUTHORIZED,
    ApiError,
    flood,
)
from strict_telegram.faults import Action, Broken, Hang, Plan, Refuse, Reset, Slow, Throttle
from strict_telegram.history import Call, History
from strict_telegram.polling import Polling
from strict_telegram.world import World

MAX_UPLOAD = 50 * 1024 * 1024  # bytes of one call's body
_CALL = re.compile(r"/bot(?P<token>[^/]+)/(?:test/)?(?P<method>[^/]+)/?")
_FILE = re.compile(r"/file/bot(?P<token>[^/]+)/(?P<path>.+)")
_HTML = "<html>\r\n<head><title>{0} Bad Gateway</title></head>\r\n<body>nginx</body>\r\n</html>"


@dataclass(slots=True)
class Overload:
    """When the server is flooded as a whole: answers come late, with patience."""

    active: int = 1000
    unsent: int = 310
    delay: float = 3.0
    retry_after: int = 60


class _Dropped(Exception):
    """The connection ends without an answer."""


class Front:
    """Everything behind one address. `respond` is the aiohttp handler."""

    def __init__(self, world: World, token: str) -> None:
        self.world = world
        self.polling = Polling(world)
        self.history = History()
        self.plan = Plan()
        self.token = token
        self.revoked = False
        self.overload = Overload()
        self.latency = (0.0, 0.0)
        self.closing = asyncio.Event()
        self._methods = methods.table(self.polling)
        self._active: Counter[str] = Counter()

    async def respond(self, request: web.Request) -> web.StreamResponse:
        """Answer one request, or reset its connection."""
        try:
            if (found := _FILE.fullmatch(request.path)) is not None:
                return await self._download(found["token"], found["path"])
            if (found := _CALL.fullmatch(request.path)) is None:
                raise NO_PATH
            self._check(found["token"])
            if request.method not in ("GET", "POST"):
                raise ApiError(405, "Method Not Allowed: closing connection")
            return await self._call(request, found["method"].lower())
        except ApiError as error:
            return _refusal(error)
        except web.HTTPRequestEntityTooLarge:
            return _refusal(TOO_LARGE)
        except _Dropped:
            _abort(request)
            return web.Response()

    def _check(self, token: str) -> None:
        if token.startswith("0") or len(token) > 80 or ":" not in token:
            raise INVALID_TOKEN
        if token != self.token or self.revoked:
            raise UNAUTHORIZED

    async def _call(self, request: web.Request, method: str) -> web.Response:
        arguments = await _arguments(request)
        params = dict(arguments.values)
        params |= {name: f"<{len(file.content)} bytes>" for name, file in arguments.uploads.items()}
        number_ = len(self.history.calls) + 1
        call = Call(number_, method, params, self.world.clock.now())
        self.history.calls.append(call)
        keys = ["*", f"{method}/{call.chat}"]
        self._active.update(keys)
        try:
            return await self._recorded(call, arguments)
        finally:
            self._active.subtract(keys)
            call.ended = self.world.clock.now()
            self.world.changed.fire()

    async def _recorded(self, call: Call, arguments: Arguments) -> web.Response:
        try:
            result = await self._faulty(call, arguments)
        except ApiError as error:
            call.outcome, call.status = "refused", error.code
            call.description = error.description
            call.flooded = error.code == 429 and not call.fault
            raise
        except _Dropped:
            call.outcome = "dropped"
            raise
        if isinstance(result, web.Response):
            call.outcome, call.status = "refused", result.status
            return result
        call.outcome, call.status, call.result = "ok", 200, result
        return web.json_response({"ok": True, "result": result})

    async def _faulty(self, call: Call, arguments: Arguments) -> Any:
        if call.method not in self._methods:
            raise NO_METHOD
        await self._bear_load(call)
        action = self.plan.choose(call.method, call.params, self.world.clock.now())
        call.fault = repr(action) if action else ""
        if action is not None:
            early = await self._before(action)
            if early is not None:
                return early
        await self._pause(self.latency[0])
        result = self._methods[call.method](self.world, arguments)
        if inspect.isawaitable(result):
            result = await result
        call.applied = True
        if action is not None:
            late = await self._after(action)
            result = late if late is not None else result
        await self._pause(self.latency[1])
        return result

    async def _bear_load(self, call: Call) -> None:
        limits = self.overload
        waiting = self._active[f"{call.method}/{call.chat}"]
        unsent = waiting if call.method.startswith("send") and call.chat else 0
        if self._active["*"] > limits.active or unsent > limits.unsent:
            await self._pause(limits.delay)
            raise flood(limits.retry_after)

    async def _before(self, action: Action) -> web.Response | None:
        match action:
            case Throttle(seconds):
                raise flood(seconds)
            case Refuse(code, description):
                raise ApiError(code, description)
            case Broken(status, after=False):
                return _broken(status)
            case Reset(after=False):
                raise _Dropped
            case Hang(after=False):
                await self.closing.wait()
                raise _Dropped
            case Slow(before, _):
                await self._pause(before)
        return None

    async def _after(self, action: Action) -> web.Response | None:
        match action:
            case Broken(status, after=True):
                return _broken(status)
            case Reset(after=True):
                raise _Dropped
            case Hang(after=True):
                await self.closing.wait()
                raise _Dropped
            case Slow(_, after):
                await self._pause(after)
        return None

    async def _pause(self, seconds: float) -> None:
        if seconds <= 0:
            return
        try:
            await asyncio.wait_for(self.closing.wait(), seconds)
        except TimeoutError:
            return
        raise _Dropped

    async def _download(self, token: str, path: str) -> web.Response:
        self._check(token)
        stored = self.world.served_paths.get(path)
        if stored is None:
            raise NO_PATH
        return web.Response(body=stored.file.content, content_type="application/octet-stream")


async def _arguments(request: web.Request) -> Arguments:
    values = dict(request.query)
    if request.method == "GET" or not request.can_read_body:
        return Arguments(values)
    if request.content_type == "application/json":
        return Arguments(values | from_json(await request.read()))
    if request.content_type not in ("application/x-www-form-urlencoded", "multipart/form-data"):
        return Arguments(values)
    uploads: dict[str, Upload] = {}
    for name, value in (await request.post()).items():
        if isinstance(value, web.FileField):
            uploads[name] = Upload(value.filename, value.content_type, value.file.read())
        else:
            values[name] = str(value)
    return Arguments(values, uploads)


def _refusal(error: ApiError) -> web.Response:
    headers = {"Retry-After": str(error.retry_after)} if error.retry_after is not None else None
    return web.json_response(error.body, status=error.code, headers=headers)


def _broken(status: int) -> web.Response:
    return web.Response(status=status, text=_HTML.format(status), content_type="text/html")


def _abort(request: web.Request) -> None:
    """Reset the connection, so that the client sees it at once."""
    transport = request.transport
    if transport is None:
        return
    raw = transport.get_extra_info("socket")
    if raw is not None:
        linger = struct.pack("ii", 1, 0)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    transport.abort()
