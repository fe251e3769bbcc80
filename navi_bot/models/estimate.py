"""How many tokens a prompt has, before the host counts them. Pure but for what it learns.

A model's characters per token are learnt from the host's own count of whole
prompts. What is never gone below is a quarter of the characters and 500 for
every image.
"""

import json
from collections.abc import Mapping, Sequence

from navi_bot.messages import Message
from navi_bot.ports.model import ToolSchema

CHARACTERS_PER_TOKEN = 4.0
"""Of Latin text; also what is assumed of a model that has not been measured."""
FEWEST = 1.0
TOKENS_PER_IMAGE = 500
MESSAGE_CHARACTERS = 16
"""What a template writes around a message: its role and marks, about four tokens."""

_WEIGHT = 0.3
"""Of a new measurement against what is known."""
_MEASURED_FROM = 256
"""Tokens of a prompt that tells something; below, the template's own text outweighs ours."""
_PLAUSIBLE = (0.5, 8.0)
"""Some hosts count only what was not in their cache; such a count is far outside."""
_NOTED = 0.02
"""A change of this share is worth keeping."""


def characters(messages: Sequence[Message], tools: Sequence[ToolSchema]) -> int:
    """Return the characters that a template prints of a request, images aside."""
    question = max((i for i, each in enumerate(messages) if each.role == "user"), default=-1)
    total = 0
    for index, message in enumerate(messages):
        total += len(message.content) + MESSAGE_CHARACTERS
        # Templates print the thinking only of what answers the last question.
        total += len(message.thinking) if index > question else 0
        for call in message.tool_calls:
            total += len(call.name) + _json_length(call.arguments)
    for tool in tools:
        total += len(tool.name) + len(tool.description) + _json_length(tool.parameters)
    return total


def images(messages: Sequence[Message]) -> int:
    """Return how many images the messages have."""
    return sum(len(message.images) for message in messages)


def _json_length(value: Mapping[str, object]) -> int:
    return len(json.dumps(value, ensure_ascii=False, default=str))


class TokenEstimator:
    """Implements the Estimator port. `known` is model → characters per token."""

    def __init__(self, known: Mapping[str, float] | None = None) -> None:
        self._known = {name: _bounded(value) for name, value in (known or {}).items()}
        self._noted = dict(self._known)

    def tokens(self, model: str, messages: Sequence[Message], tools: Sequence[ToolSchema]) -> int:
        """Return the estimate, never below a quarter of the characters and 500 an image."""
        per_token = self._known.get(model, CHARACTERS_PER_TOKEN)
        text = int(characters(messages, tools) / per_token)
        return text + TOKENS_PER_IMAGE * images(messages)

    def learn(
        self,
        model: str,
        messages: Sequence[Message],
        tools: Sequence[ToolSchema],
        prompt_tokens: int,
    ) -> None:
        """Take the host's count of a prompt; prompts with images tell nothing of text."""
        if prompt_tokens < _MEASURED_FROM or images(messages):
            return
        measured = characters(messages, tools) / prompt_tokens
        if not _PLAUSIBLE[0] <= measured <= _PLAUSIBLE[1]:
            return
        before = self._known.get(model)
        mixed = measured if before is None else before + _WEIGHT * (measured - before)
        self._known[model] = _bounded(mixed)

    def take_changes(self) -> dict[str, float]:
        """Return what was learnt since the last time, to be stored."""
        changed = {
            name: value
            for name, value in self._known.items()
            if abs(value - self._noted.get(name, 0.0)) > _NOTED * value
        }
        self._noted |= changed
        return changed


def _bounded(per_token: float) -> float:
    return min(CHARACTERS_PER_TOKEN, max(FEWEST, per_token))
