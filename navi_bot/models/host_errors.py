"""What a model host's refusal means to us. Pure."""

import json
import re

from navi_bot.errors import (
    ContextTooLarge,
    CredentialError,
    ModelMissing,
    ModelUnavailable,
    NaviError,
    Refused,
)

_SHOWN = 200
"""Characters of a host's own words that are passed on."""
_OVERFLOW = (
    "exceeds the available context",
    "exceed_context_size",
    "longer than the context length",
    "exceeds the context length",
    "maximum context length",
    "context_length_exceeded",
)
_MEMORY = (
    "out of memory",
    "outofmemory",
    "outofdevicememory",
    "more system memory",
    "not enough memory",
    "insufficient memory",
    "cudamalloc failed",
    "unable to allocate",
    "failed to allocate",
    "memory layout cannot be allocated",
    "signal: killed",
    "resource limitations",
)
"""Parts of what a host says when its memory, or its graphics card's, does not suffice."""
_UNREADABLE_CALL = ("error parsing tool call", "invalid tool call arguments")
_LENGTHS = re.compile(r"\((\d+) tokens\).*\((\d+) tokens\)", re.DOTALL)


def is_unreadable_call(text: str) -> bool:
    """The host could not read the tool call that its model wrote."""
    return any(words in text for words in _UNREADABLE_CALL)


def refusal(
    status: int,
    text: str,
    *,
    host: str,
    model: str,
    installed: tuple[str, ...] = (),
    tokens_seen: bool = False,
) -> NaviError:
    """Return the error of ours for a status and the host's words (0: in mid-stream)."""
    words = own_words(text)
    low = words.lower()
    if status in (401, 403):
        return CredentialError(
            f"The model host {host} refused our credentials: {words[:_SHOWN] or status}."
        )
    if any(each in low for each in _OVERFLOW):
        return ContextTooLarge(_overflow(words, model))
    if status == 404:
        return missing(model, host, installed)
    if any(each in low for each in _MEMORY):
        return ModelUnavailable(
            f"The model host has too little memory for {model}; /model chooses a smaller one.",
            tokens_seen=tokens_seen,
        )
    if is_unreadable_call(low):
        told = "The model wrote a tool call that its host cannot read."
        return ModelUnavailable(told, tokens_seen=True) if tokens_seen else Refused(told)
    if status in (408, 425, 429, 503):
        return ModelUnavailable("The model host is busy.", tokens_seen=tokens_seen)
    if 300 <= status < 500 and status != 499:
        return Refused(f"The model host refused the request: {words[:_SHOWN] or status}.")
    return ModelUnavailable(
        f"The model host failed: {words[:_SHOWN] or status}.", tokens_seen=tokens_seen
    )


def missing(model: str, host: str, installed: tuple[str, ...]) -> ModelMissing:
    """Return the error for a model that is not there, with what is."""
    there = f"; installed are {', '.join(installed)}" if installed else ""
    return ModelMissing(f"The model {model} is not installed on {host}{there}.", model, installed)


def unreachable(host: str, *, tokens_seen: bool = False) -> ModelUnavailable:
    """Return the error for a host that cannot be reached, or is gone in mid-answer."""
    if tokens_seen:
        return broke_off(tokens_seen=True)
    return ModelUnavailable(f"The model host {host} does not answer.")


def broke_off(*, tokens_seen: bool) -> ModelUnavailable:
    """Return the error for an answer that ended without its end."""
    return ModelUnavailable(
        "The model host broke off in the middle of the answer.", tokens_seen=tokens_seen
    )


def own_words(text: str) -> str:
    """Return the words of an error body, which may be JSON with JSON inside."""
    for _ in range(3):
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            break
        if isinstance(found, dict):
            found = found.get("error", found)
        if isinstance(found, dict):
            found = found.get("message")
        if not isinstance(found, str):
            break
        text = found
    return " ".join(text.split()).rstrip(".")


def _overflow(words: str, model: str) -> str:
    sizes = _LENGTHS.search(words)
    if sizes:
        return (
            f"The conversation of {sizes[1]} tokens does not fit the window of {model}, "
            f"which is {sizes[2]}."
        )
    return f"The conversation does not fit the window of {model}."
