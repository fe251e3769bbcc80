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
    (500, '{"error":"cudaMalloc failed: out of memory"}', ModelUnavailable, "ran out of memory"),
    (
        500,
        '{"error":"model requires more system memory (9 GiB) than is available (4 GiB)"}',
        ModelUnavailable,
        "ran out of memory with m",
    ),
    (500, '{"error":"boom"}', ModelUnavailable, "The model host failed: boom"),
    (0, "boom", ModelUnavailable, "The model host failed: boom"),
    (502, "<html>Bad Gateway</html>", ModelUnavailable, "Bad Gateway"),
    (499, '{"error":"request canceled"}', ModelUnavailable, "request canceled"),
    (400, '{"error":"x does not support tools"}', Refused, "x does not support tools"),
    (301, "", Refused, "301"),
]


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
