"""Ours ↔ the OpenAI chat completions shapes, as many servers speak them. Pure.

ModelRequest ─► chat_arguments ─► the client's arguments
deltas ─► Deltas.take ─► Chunk … Deltas.end ─► Chunk(finish=…)
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from openai.types import CompletionUsage
from openai.types.chat import ChatCompletionChunk
from openai.types.chat.chat_completion_chunk import ChoiceDelta, ChoiceDeltaToolCall

from navi_bot.messages import Message, ToolCall
from navi_bot.models.call_arguments import arguments
from navi_bot.models.thinking_tags import ThinkingTags
from navi_bot.ports.model import Chunk, ModelInfo, ModelRequest, Think, ToolSchema

_FINISH: Mapping[str, Literal["stop", "length", "tool_calls"]] = {
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
}
"""Every other reason is an ordinary end."""
_MIMES = {"iVBOR": "image/png", "R0lGO": "image/gif", "UklGR": "image/webp"}
"""How base64 of a picture begins; JPEG otherwise."""
_LENGTHS = ("max_model_len", "context_length", "max_context_length", "n_ctx", "n_ctx_train")
"""Names under which servers tell the window in /v1/models."""


def chat_arguments(request: ModelRequest, images: Mapping[str, str]) -> dict[str, Any]:
    """Return the arguments of a streamed call. `images` maps paths to base64."""
    made: dict[str, Any] = {
        "model": request.model,
        "messages": [_message(each, images) for each in request.messages],
        "temperature": request.temperature,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if request.tools:
        made["tools"] = [_tool(each) for each in request.tools]
    if request.schema is not None:
        schema = {"name": "answer", "schema": request.schema}
        made["response_format"] = {"type": "json_schema", "json_schema": schema}
    effort = _effort(request.think)
    if effort:
        made["reasoning_effort"] = effort
    return made


def model_info(
    model: str, entry: Mapping[str, object] | None, properties: Mapping[str, object]
) -> ModelInfo:
    """Return what the lists tell of a model: its /v1/models entry and llama.cpp's /props.

    What they do not tell: a window of 0, tools and thinking but no pictures.
    """
    told = dict(entry or {})
    meta = told.get("meta")
    told |= meta if isinstance(meta, dict) else {}
    settings = properties.get("default_generation_settings")
    sizes = [settings.get("n_ctx")] if isinstance(settings, dict) else []
    sizes += [told.get(name) for name in _LENGTHS]
    return ModelInfo(
        name=model,
        context_length=next((each for each in sizes if isinstance(each, int) and each > 0), 0),
        tools=True,
        thinking=True,
        vision=_has(properties.get("modalities")) or _has(told.get("capabilities")),
    )


def _has(abilities: object) -> bool:
    return isinstance(abilities, dict) and abilities.get("vision") is True


def _effort(think: Think) -> str:
    """Return a level; true and false have no name that every server knows."""
    return ("high" if think == "max" else think) if isinstance(think, str) else ""


def _message(message: Message, images: Mapping[str, str]) -> dict[str, Any]:
    wired: dict[str, Any] = {"role": message.role, "content": _content(message, images)}
    if message.tool_calls:
        wired["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {
                    "name": call.name,
                    "arguments": json.dumps(dict(call.arguments), ensure_ascii=False),
                },
            }
            for call in message.tool_calls
        ]
    if message.role == "tool":
        wired["tool_call_id"] = message.tool_call_id
    return wired


def _content(message: Message, images: Mapping[str, str]) -> str | list[dict[str, Any]]:
    encoded = [images[path] for path in message.images if path in images]
    if not encoded:
        return message.content
    parts: list[dict[str, Any]] = [{"type": "text", "text": message.content}]
    for data in encoded:
        url = f"data:{_MIMES.get(data[:5], 'image/jpeg')};base64,{data}"
        parts.append({"type": "image_url", "image_url": {"url": url}})
    return parts


def _tool(schema: ToolSchema) -> dict[str, Any]:
    function = {
        "name": schema.name,
        "description": schema.description,
        "parameters": schema.parameters,
    }
    return {"type": "function", "function": function}


@dataclass(slots=True)
class _Call:
    """A tool call that is still being written."""

    id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list)


class Deltas:
    """One answer's deltas as chunks. Calls come in pieces and are given whole, at the end."""

    def __init__(self, make_id: Callable[[], str]) -> None:
        self.seen = False
        """A part of the answer has come."""
        self.finish = ""
        """The host's reason; "" until it is told."""
        self._calls: dict[int, _Call] = {}
        self._usage: CompletionUsage | None = None
        self._tags = ThinkingTags()
        self._make_id = make_id

    def take(self, event: ChatCompletionChunk) -> Chunk | None:
        """Return what an event brings to show, None for nothing."""
        self._usage = event.usage or self._usage
        if not event.choices:
            return None
        choice = event.choices[0]
        self.finish = choice.finish_reason or self.finish
        delta = choice.delta
        for call in delta.tool_calls or ():
            self._add(call)
        text, leaked = self._tags.feed(delta.content or "")
        thinking = _thinking(delta) + leaked
        self.seen = self.seen or bool(text or thinking or self._calls)
        return Chunk(text=text, thinking=thinking) if text or thinking else None

    def end(self) -> Chunk:
        """Return the last chunk: what was held back, the whole calls and the counts."""
        rest = self._tags.close()
        calls = tuple(self._whole(call) for _, call in sorted(self._calls.items()))
        finish = _FINISH.get(self.finish, "stop")
        return Chunk(
            text=rest.text,
            thinking=rest.thinking,
            tool_calls=calls,
            finish="tool_calls" if calls and finish == "stop" else finish,
            prompt_tokens=self._usage.prompt_tokens if self._usage else 0,
            completion_tokens=self._usage.completion_tokens if self._usage else 0,
        )

    def _add(self, piece: ChoiceDeltaToolCall) -> None:
        call = self._calls.setdefault(piece.index, _Call())
        call.id = call.id or piece.id or ""
        if piece.function is not None:
            call.name += piece.function.name or ""
            call.arguments.append(piece.function.arguments or "")

    def _whole(self, call: _Call) -> ToolCall:
        return ToolCall(call.id or self._make_id(), call.name, arguments("".join(call.arguments)))


def _thinking(delta: ChoiceDelta) -> str:
    """Return the thinking, which has no place in the standard: servers add a field."""
    extra = delta.model_extra or {}
    found = extra.get("reasoning_content") or extra.get("reasoning")
    return found if isinstance(found, str) else ""
