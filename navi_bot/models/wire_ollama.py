"""Ours ↔ Ollama's /api/chat and /api/show. Pure.

ModelRequest ─► chat_body ─► JSON
lines ─► Reply.take ─► Chunk … Chunk(finish=…)
/api/show ─► shown ─► what the model can do
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from navi_bot.messages import Message, ToolCall
from navi_bot.models.call_arguments import arguments
from navi_bot.models.thinking_tags import ThinkingTags
from navi_bot.ports.model import Chunk, ModelInfo, ModelRequest, Think, ToolSchema

_NANOSECONDS = 1e9
Finish = Literal["stop", "length", "tool_calls"]


class Fault(Exception):
    """The stream says that it failed, or says what cannot be read. `text` is the host's."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


@dataclass(frozen=True, slots=True)
class Shown:
    """What the host shows of a model. `levels_only`: it thinks always, at a level."""

    info: ModelInfo
    levels_only: bool = False


def shown(
    name: str,
    capabilities: Sequence[str],
    model_info: Mapping[str, object],
    family: str,
) -> Shown:
    """Return what /api/show says; a context length that it does not say is 0."""
    architecture = model_info.get("general.architecture", family)
    length = model_info.get(f"{architecture}.context_length")
    info = ModelInfo(
        name=name,
        context_length=length if isinstance(length, int) else 0,
        tools="tools" in capabilities,
        thinking="thinking" in capabilities,
        vision="vision" in capabilities,
    )
    return Shown(info, levels_only=family == "gptoss")


def chat_body(
    request: ModelRequest,
    known: Shown,
    images: Mapping[str, str],
    keep_alive: str | None,
    *,
    with_tools: bool = True,
) -> dict[str, Any]:
    """Return the body of /api/chat. `images` maps paths to base64.

    The window is never above the model's own. Nothing is truncated by the
    host: it would drop the oldest messages without a word. `shift` is never
    sent, because another value than other clients' reloads the model.
    """
    info = known.info
    body: dict[str, Any] = {
        "model": request.model,
        "messages": [_message(each, info, images) for each in request.messages],
        "stream": True,
        "truncate": False,
        "options": {
            "num_ctx": window(request.num_ctx, info.context_length),
            "temperature": request.temperature,
        },
    }
    if request.max_tokens:
        body["options"]["num_predict"] = request.max_tokens
    if request.tools and info.tools and with_tools:
        body["tools"] = [_tool(each) for each in request.tools]
    if request.schema is not None:
        body["format"] = request.schema
    think = think_value(request.think, known)
    if think is not None:
        body["think"] = think
    if keep_alive:
        body["keep_alive"] = _duration(keep_alive)
    return body


def window(num_ctx: int, context_length: int) -> int:
    """Return the window to ask for, in tokens; a context length of 0 is unknown."""
    return min(num_ctx, context_length) if context_length else num_ctx


def think_value(think: Think, known: Shown) -> Think:
    """Return `think` as the model understands it; None: leave it out."""
    if not known.info.thinking or think is None:
        return None
    if not known.levels_only:
        return think
    return {True: "medium", False: "low", "max": "high"}.get(think, think)  # type: ignore[return-value]  # a dict's values are not literals


def nudged(request: ModelRequest, words: str) -> ModelRequest:
    """Return the request with words of ours as its last message."""
    return replace(request, messages=(*request.messages, Message("user", words)))


def _message(message: Message, info: ModelInfo, images: Mapping[str, str]) -> dict[str, Any]:
    wired: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.thinking and info.thinking:
        wired["thinking"] = message.thinking
    if info.vision:
        encoded = [images[path] for path in message.images if path in images]
        if encoded:
            wired["images"] = encoded
    if message.tool_calls:
        wired["tool_calls"] = [
            {
                "id": call.id,
                "function": {"index": index, "name": call.name, "arguments": dict(call.arguments)},
            }
            for index, call in enumerate(message.tool_calls)
        ]
    if message.role == "tool":
        wired["tool_name"] = message.name
        wired["tool_call_id"] = message.tool_call_id
    return wired


def _tool(schema: ToolSchema) -> dict[str, Any]:
    function = {
        "name": schema.name,
        "description": schema.description,
        "parameters": schema.parameters,
    }
    return {"type": "function", "function": function}


def _duration(text: str) -> str | float:
    """Return a duration as the host reads it: a bare number is seconds, not a Go duration."""
    return float(text) if re.fullmatch(r"-?\d+(\.\d*)?", text) else text


class Reply:
    """One answer's lines as chunks. `make_id` names calls that the host left nameless."""

    def __init__(self, make_id: Callable[[], str]) -> None:
        self.seen = False
        """A part of the answer has come."""
        self.spoken = False
        """That part was more than thinking."""
        self.ended = False
        self._called = False
        self._tags = ThinkingTags()
        self._make_id = make_id

    def take(self, line: bytes) -> Chunk | None:
        """Return what a line brings, None for nothing; Fault when the stream failed."""
        if not line or line.isspace():
            return None
        try:
            found = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise Fault("it sent a line that is not JSON") from error
        if not isinstance(found, dict):
            raise Fault("it sent a line that is no object")
        if "error" in found:
            raise Fault(str(found["error"]))
        message = found.get("message")
        chunk = self._chunk(message if isinstance(message, dict) else {})
        if found.get("done") is True:
            return self._last(chunk, found)
        if not (chunk.text or chunk.thinking or chunk.tool_calls):
            return None
        return chunk

    def _chunk(self, message: Mapping[str, Any]) -> Chunk:
        text, thinking = self._tags.feed(_text(message.get("content")))
        thinking = _text(message.get("thinking")) + thinking
        calls = message.get("tool_calls")
        found = tuple(self._call(each) for each in calls) if isinstance(calls, list) else ()
        self._called = self._called or bool(found)
        self.spoken = self.spoken or bool(text or found)
        self.seen = self.seen or self.spoken or bool(thinking)
        return Chunk(text=text, thinking=thinking, tool_calls=found)

    def _last(self, chunk: Chunk, found: Mapping[str, Any]) -> Chunk:
        """Return the last chunk, with what was held back and the counts."""
        self.ended = True
        rest = self._tags.close()
        finish: Finish = "tool_calls" if self._called else "stop"
        return replace(
            chunk,
            text=chunk.text + rest.text,
            thinking=chunk.thinking + rest.thinking,
            finish="length" if found.get("done_reason") == "length" else finish,
            prompt_tokens=_number(found.get("prompt_eval_count")),
            completion_tokens=_number(found.get("eval_count")),
            prompt_seconds=_number(found.get("prompt_eval_duration")) / _NANOSECONDS,
        )

    def _call(self, call: object) -> ToolCall:
        outer = call if isinstance(call, dict) else {}
        function = outer.get("function")
        inner = function if isinstance(function, dict) else {}
        return ToolCall(
            id=_text(outer.get("id")) or self._make_id(),
            name=_text(inner.get("name")),
            arguments=arguments(inner.get("arguments")),
        )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
