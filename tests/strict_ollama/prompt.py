"""The prompt that a chat template makes, its tokens, and its truncation.

The tokenizer is simple and deterministic: four characters are a token, an
image is 576. A template drops the thinking of earlier questions, as the
templates of thinking models do.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from strict_ollama.refusal import overflow, too_long_without_shift

CHARACTERS_PER_TOKEN = 4
TOKENS_PER_IMAGE = 576


@dataclass(frozen=True, slots=True)
class Prompt:
    text: str
    tokens: int
    dropped: int = 0


def count(text: str, images: int = 0) -> int:
    """Return the tokens of a text."""
    return -(-len(text) // CHARACTERS_PER_TOKEN) + images * TOKENS_PER_IMAGE


def render(messages: Sequence[dict[str, Any]], tools: Sequence[dict[str, Any]]) -> str:
    """Return the prompt: tools first, then the messages in order."""
    parts = []
    if tools:
        listed = "\n".join(json.dumps(tool, ensure_ascii=False) for tool in tools)
        parts.append(f"<|im_start|>system\n# Tools\n{listed}<|im_end|>\n")
    last_user = max((i for i, each in enumerate(messages) if each["role"] == "user"), default=-1)
    for index, message in enumerate(messages):
        content = written(message, with_thinking=index > last_user)
        parts.append(f"<|im_start|>{message['role']}\n{content}<|im_end|>\n")
    return "".join(parts) + "<|im_start|>assistant\n"


def written(message: dict[str, Any], *, with_thinking: bool) -> str:
    """Return what the template prints of a message, images as marks."""
    thinking = message.get("thinking", "") if with_thinking else ""
    parts = [f"<think>{thinking}</think>"] if thinking else []
    parts += [f"[img-{number}]" for number, _ in enumerate(message.get("images") or [])]
    parts.append(message.get("content") or "")
    for call in message.get("tool_calls") or []:
        function = call["function"]
        shown = {"name": function["name"], "arguments": function["arguments"]}
        parts.append(f"<tool_call>{json.dumps(shown, ensure_ascii=False)}</tool_call>")
    return "".join(parts)


def fit(
    messages: Sequence[dict[str, Any]],
    tools: Sequence[dict[str, Any]],
    num_ctx: int,
    *,
    truncate: bool,
    shift: bool,
) -> Prompt:
    """Return the prompt that the runner evaluates.

    With `truncate` the oldest messages are dropped in silence until the rest
    fits; system messages and the last message are kept. What is still too
    long keeps its first tokens and about half a window of its end, or is
    refused without `shift`. Without `truncate` it is refused.
    """
    kept = list(messages)
    whole = _prompt(kept, tools)
    if whole.tokens < num_ctx:
        return whole
    if not truncate:
        raise overflow(whole.tokens, num_ctx)
    while whole.tokens >= num_ctx and (oldest := _oldest(kept)) is not None:
        del kept[oldest]
        whole = _prompt(kept, tools)
    dropped = len(messages) - len(kept)
    if whole.tokens < num_ctx:
        return Prompt(whole.text, whole.tokens, dropped)
    if not shift:
        raise too_long_without_shift()
    tail = (num_ctx // 2) * CHARACTERS_PER_TOKEN
    text = whole.text[: 4 * CHARACTERS_PER_TOKEN] + whole.text[-tail:]
    return Prompt(text, count(text), dropped)


def shared(one: str, other: str) -> int:
    """Return how many characters two texts have in common at their beginning."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _prompt(messages: Sequence[dict[str, Any]], tools: Sequence[dict[str, Any]]) -> Prompt:
    text = render(messages, tools)
    images = sum(len(each.get("images") or []) for each in messages)
    return Prompt(text, count(text, images))


def _oldest(messages: Sequence[dict[str, Any]]) -> int | None:
    for index, message in enumerate(messages[:-1]):
        if message["role"] != "system":
            return index
    return None
