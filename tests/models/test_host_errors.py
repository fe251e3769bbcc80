"""Every refusal of a model host becomes the error of whoever must act."""

import json

import pytest

from navi_bot.errors import (
    ContextTooLarge,
    CredentialError,
    ModelMissing,
    ModelUnavailable,
    NaviError,
    Refused,
)
from navi_bot.models.host_errors import refusal

RUNNER = json.dumps(
    {
        "error": json.dumps(
            {
                "error": {
                    "code": 400,
                    "message": "request (9019 tokens) exceeds the available context size "
                    "(2048 tokens), try increasing it",
                    "type": "exceed_context_size_error",
                }
            }
        )
    }
)
CASES: list[tuple[int, str, type[NaviError], str]] = [
    (400, RUNNER, ContextTooLarge, "The conversation of 9019 tokens does not fit the window of m"),
    (
        400,
        '{"error":"the prompt is longer than the context length currently available"}',
        ContextTooLarge,
        "does not fit the window of m",
    ),
    (404, '{"error":"model \'m\' not found"}', ModelMissing, "m is not installed on http://h"),
    (401, '{"error":"unauthorized","signin_url":"x"}', CredentialError, "unauthorized"),
    (403, '{"error":"cloud is disabled"}', CredentialError, "cloud is disabled"),
    (503, '{"error":"server busy, please try again."}', ModelUnavailable, "is busy"),
    (429, "", ModelUnavailable, "is busy"),
    (500, '{"error":"boom"}', ModelUnavailable, "The model host failed: boom"),
    (0, "boom", ModelUnavailable, "The model host failed: boom"),
    (502, "<html>Bad Gateway</html>", ModelUnavailable, "Bad Gateway"),
    (499, '{"error":"request canceled"}', ModelUnavailable, "request canceled"),
    (400, '{"error":"x does not support tools"}', Refused, "x does not support tools"),
    (301, "", Refused, "301"),
]


MEMORY = [
    "model requires more system memory (9.1 GiB) than is available (4.2 GiB)",
    "llama runner process has terminated: cudaMalloc failed: out of memory",
    "llama runner process has terminated: CUDA error: out of memory\n  current device: 0",
    "llama runner process has terminated: signal: killed",
    "llama runner process has terminated: error loading model: unable to allocate CUDA0 buffer",
    "failed to allocate compute pp buffers",
    "memory layout cannot be allocated with num_gpu = 99",
    "vk::Device::allocateMemory: ErrorOutOfDeviceMemory",
    "Insufficient Memory (00000008:kIOGPUCommandBufferCallbackErrorOutOfMemory)",
    "model runner has unexpectedly stopped, this may be due to resource limitations or an "
    "internal error, check ollama server logs for details",
]


@pytest.mark.parametrize("seen", [False, True])
@pytest.mark.parametrize("text", MEMORY)
def test_a_host_without_memory_is_told_with_the_mend(text: str, seen: bool) -> None:
    """In each of the words that hosts and their runners have for it."""
    error = refusal(500, json.dumps({"error": text}), host="http://h", model="m", tokens_seen=seen)
    assert isinstance(error, ModelUnavailable)
    assert str(error) == "The model host has too little memory for m; /model chooses a smaller one."
    assert error.tokens_seen is seen


def test_a_call_that_the_host_cannot_read_is_not_waited_for() -> None:
    """Asked again it would fail again; what was said already is another matter."""
    text = json.dumps({"error": "error parsing tool call: raw='{', err=unexpected end"})
    assert isinstance(refusal(500, text, host="http://h", model="m"), Refused)
    broken = refusal(500, text, host="http://h", model="m", tokens_seen=True)
    assert isinstance(broken, ModelUnavailable)
    assert "raw=" not in str(broken)


@pytest.mark.parametrize(("status", "text", "kind", "words"), CASES)
def test_a_refusal_becomes_one_sentence_of_the_right_kind(
    status: int, text: str, kind: type[NaviError], words: str
) -> None:
    """One sentence, the host's own words in it where there are any."""
    error = refusal(status, text, host="http://h", model="m")
    assert type(error) is kind
    assert words in str(error)
    assert str(error).endswith(".")
    assert "\n" not in str(error)


def test_a_long_error_is_cut() -> None:
    """A host that prints a whole prompt does not fill the chat."""
    assert len(str(refusal(500, "x" * 5000, host="http://h", model="m"))) < 300
