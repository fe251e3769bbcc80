"""POST /api/chat: one answer, streamed as lines or gathered into one object."""

import time
from contextlib import aclosing
from typing import Any

from aiohttp import web

from strict_ollama import wire
from strict_ollama.decode import chat_request
from strict_ollama.engine import Engine
from strict_ollama.installed import full_tag
from strict_ollama.play import BrokenEnd, CleanEnd, Piece
from strict_ollama.record import Record
from strict_ollama.refusal import Refusal
from strict_ollama.steps import Body

NDJSON = "application/x-ndjson"


async def chat(engine: Engine, request: web.Request, record: Record) -> web.StreamResponse:
    """Answer a chat; the record's outcome says how it ended."""
    body = chat_request(await request.read())
    if not 0 <= body.get("top_logprobs", 0) <= 20:
        raise Refusal(400, "top_logprobs must be between 0 and 20")
    engine.find(body.get("model", ""))
    if engine.settings.forbidden:
        raise Refusal(403, engine.settings.forbidden)
    if not body.get("messages"):
        return _loaded(engine, body)
    if body.get("stream", True):
        return await _stream(engine, body, request, record)
    return await _gather(engine, body, record)


def _loaded(engine: Engine, body: Body) -> web.Response:
    runner = engine.runners[full_tag(body["model"])]
    unload = body.get("keep_alive") in (0, "0", "0s")
    if unload:
        runner.unload()
    else:
        options = body.get("options") or {}
        runner.launch = (int(options.get("num_ctx") or engine.settings.num_ctx), True)
    return answer(wire.last(body["model"], "unload" if unload else "load", {}))


async def _stream(
    engine: Engine, body: Body, request: web.Request, record: Record
) -> web.StreamResponse:
    """Write lines as they come. The status is decided by the first of them."""
    response = web.StreamResponse(headers={"Content-Type": NDJSON})
    try:
        async with aclosing(engine.answer(body, record)) as pieces:
            async for piece in pieces:
                await _write(response, request, record, _bytes(piece))
    except Refusal as error:
        if not response.prepared:
            raise
        record.outcome = "failed"
        await response.write(wire.encode({"error": str(error)}) + b"\n")
    except CleanEnd:
        record.outcome = "cut"
        await _write(response, request, record, b"")
    except BrokenEnd:
        record.outcome = "dropped"
        if request.transport is not None:
            request.transport.abort()
        return response
    await response.write_eof()
    return response


async def _write(
    response: web.StreamResponse, request: web.Request, record: Record, data: bytes
) -> None:
    if not response.prepared:
        await response.prepare(request)
        record.first = time.monotonic()
    if data:
        record.chunks += 1
        await response.write(data)


def _bytes(piece: Piece) -> bytes:
    return piece.raw or wire.encode(piece.chunk) + b"\n"


async def _gather(engine: Engine, body: Body, record: Record) -> web.Response:
    """Return the whole answer with the fields of its last chunk."""
    content, thinking, calls = "", "", list[Any]()
    last: dict[str, Any] = {}
    try:
        async with aclosing(engine.answer(body, record)) as pieces:
            async for piece in pieces:
                last = piece.chunk or last
                content += last["message"]["content"] if piece.chunk else ""
                thinking += last["message"].get("thinking", "") if piece.chunk else ""
                calls += last["message"].get("tool_calls", []) if piece.chunk else []
    except CleanEnd:
        record.outcome = "cut"
    except BrokenEnd as error:
        raise Refusal(500, "error reading llama-server response: unexpected EOF") from error
    message: dict[str, Any] = {"role": "assistant", "content": content}
    if thinking:
        message["thinking"] = thinking
    if calls and body.get("tools"):
        message["tool_calls"] = calls
    return answer({**last, "message": message})


def answer(value: Any, status: int = 200) -> web.Response:
    """Return a JSON answer as gin writes it."""
    return web.Response(
        body=wire.encode(value), status=status, content_type="application/json", charset="utf-8"
    )
