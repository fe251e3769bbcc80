"""/v1/chat/completions: the same models behind the OpenAI shapes, minimal."""

import json
import time
from contextlib import aclosing
from typing import Any

from aiohttp import web

from strict_ollama import wire
from strict_ollama.decode import body_of
from strict_ollama.engine import Engine
from strict_ollama.play import BrokenEnd, CleanEnd, Piece
from strict_ollama.record import Record
from strict_ollama.refusal import Refusal
from strict_ollama.steps import Body

Json = dict[str, Any]
_KINDS = {400: "invalid_request_error", 404: "not_found_error"}


def error(refusal: Refusal) -> Json:
    """Return an error in the OpenAI shape."""
    kind = _KINDS.get(refusal.status, "api_error")
    return {"error": {"message": str(refusal), "type": kind, "param": None, "code": None}}


def listed(name: str) -> Json:
    return {"id": name, "object": "model", "created": 1793523600, "owned_by": "library"}


async def chat(engine: Engine, request: web.Request, record: Record) -> web.StreamResponse:
    """Answer a chat completion, streamed as server-sent events or whole."""
    body = body_of(await request.read())
    if not body.get("messages"):
        raise Refusal(400, "[] is too short - 'messages'")
    native = _native(body)
    if not body.get("stream"):
        return await _whole(engine, native, record)
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    try:
        async with aclosing(engine.answer(native, record)) as pieces:
            async for piece in pieces:
                if not response.prepared:
                    await response.prepare(request)
                    record.first = time.monotonic()
                for event in _events(piece, native, body):
                    record.chunks += 1
                    await response.write(b"data: " + wire.encode(event) + b"\n\n")
    except Refusal as failed:
        if not response.prepared:
            raise
        record.outcome = "failed"
        await response.write(b"data: " + wire.encode(error(failed)) + b"\n\n")
    except CleanEnd:
        record.outcome = "cut"
        return response
    except BrokenEnd:
        record.outcome = "dropped"
        if request.transport is not None:
            request.transport.abort()
        return response
    else:
        await response.write(b"data: [DONE]\n\n")
    await response.write_eof()
    return response


def _native(body: Body) -> Body:
    """Return the request as /api/chat would have it."""
    native: Body = {"model": body.get("model", ""), "messages": [], "truncate": True}
    native["messages"] = [_message(each) for each in body["messages"]]
    native["tools"] = body.get("tools") or []
    native["options"] = {"temperature": body.get("temperature", 1.0)}
    effort = body.get("reasoning_effort")
    if effort is not None:
        native["think"] = False if effort == "none" else effort
    schema = (body.get("response_format") or {}).get("json_schema", {}).get("schema")
    if schema is not None:
        native["format"] = schema
    return native


def _message(message: Json) -> Json:
    content = message.get("content") or ""
    images: list[str] = []
    if isinstance(content, list):
        images = [part["image_url"]["url"] for part in content if part["type"] == "image_url"]
        content = "".join(part["text"] for part in content if part["type"] == "text")
    found: Json = {"role": message["role"], "content": content}
    if images:
        found["images"] = [url.partition(",")[2] for url in images]
    if message.get("tool_calls"):
        found["tool_calls"] = [_call(each) for each in message["tool_calls"]]
    return found


def _call(call: Json) -> Json:
    try:
        arguments = json.loads(call["function"]["arguments"])
    except (ValueError, TypeError) as invalid:
        raise Refusal(400, "invalid tool call arguments") from invalid
    return {"id": call["id"], "function": {**call["function"], "arguments": arguments}}


def _events(piece: Piece, native: Body, body: Body) -> list[Json]:
    if piece.chunk is None:
        return []
    message = piece.chunk["message"]
    delta: Json = {"role": "assistant", "content": message["content"]}
    if "thinking" in message:
        delta["reasoning"] = message["thinking"]
    if "tool_calls" in message:
        delta["tool_calls"] = [_tool_call(each) for each in message["tool_calls"]]
    reason = (piece.done or None) and ("length" if piece.done == "length" else "stop")
    events = [_event(native, [{"index": 0, "delta": delta, "finish_reason": reason}])]
    if piece.done and (body.get("stream_options") or {}).get("include_usage"):
        events.append({**_event(native, []), "usage": _usage(piece.chunk)})
    return events


def _tool_call(call: Json) -> Json:
    function = call["function"]
    return {
        "id": call["id"],
        "index": function["index"],
        "type": "function",
        "function": {
            "name": function["name"],
            "arguments": json.dumps(function["arguments"], ensure_ascii=False),
        },
    }


def _event(native: Body, choices: list[Json]) -> Json:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": int(time.time()),
        "model": native["model"],
        "system_fingerprint": "fp_ollama",
        "choices": choices,
    }


def _usage(chunk: Json) -> Json:
    prompt, completion = chunk.get("prompt_eval_count", 0), chunk.get("eval_count", 0)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }


async def _whole(engine: Engine, native: Body, record: Record) -> web.Response:
    content, calls, usage, reason = "", list[Json](), Json(), "stop"
    async with aclosing(engine.answer(native, record)) as pieces:
        async for piece in pieces:
            for event in _events(piece, native, {"stream_options": {"include_usage": True}}):
                usage = event.get("usage", usage)
                for choice in event["choices"]:
                    content += choice["delta"]["content"]
                    calls += choice["delta"].get("tool_calls", [])
                    reason = choice["finish_reason"] or reason
    message: Json = {"role": "assistant", "content": content}
    if calls:
        message["tool_calls"] = calls
    choice = {"index": 0, "message": message, "finish_reason": reason}
    body = {**_event(native, [choice]), "object": "chat.completion", "usage": usage}
    return web.Response(body=wire.encode(body), content_type="application/json")
