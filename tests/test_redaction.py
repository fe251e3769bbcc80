import base64
import json
import time
from collections.abc import Callable, Iterator
from urllib.parse import quote, quote_plus, unquote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scale import scaled

from navi_bot.redaction import MASK, SHORTEST, redact

TOKEN = "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1"
SECRET = TOKEN.partition(":")[2]

EXAMPLES = scaled(200, 2_000)

SHAPES = {
    "Telegram token": (f"token={TOKEN} used", SECRET),
    "Telegram call": (f"POST https://api.telegram.org/bot{TOKEN}/getMe 200", SECRET),
    "Telegram call, quoted": (f"/bot{quote(TOKEN, safe='')}/getMe", SECRET),
    "Telegram file": (f"https://host/file/bot{TOKEN}/photos/1.jpg", SECRET),
    "token of another bot in a call": ("/bot42:short/getMe", "short"),
    "bearer": ("Authorization: Bearer abc.def-ghi_jkl", "abc.def-ghi_jkl"),
    "bearer in JSON": ('{"authorization": "bearer abcdefgh12345"}', "abcdefgh12345"),
    "basic": ("authorization: Basic bWU6aHVudGVyMjI=", "bWU6aHVudGVyMjI="),
    "Synapse": ("login syt_bmF2aQ_tLvCvYpAxKMeLHoEzPcV_0gcD1M ok", "tLvCvYpAxKMeLHoEzPcV"),
    "Matrix authentication service": ("mct_u5RbUcRJMq9hRM2Wn6Ht_1AbCd2", "u5RbUcRJMq9hRM2Wn6Ht"),
    "key of a model host": ("sk-proj-abcdefghijklmnopqrstuvwxyz", "abcdefghijklmnop"),
    "password in an address": ("postgresql://me:hunter22@host/db", "hunter22"),
    "password with an at sign": ("postgresql://me:hunter@22@host/db", "hunter"),
    "password without a name": ("redis://:hunter22@host", "hunter22"),
    "query": ("GET /sync?since=1&access_token=abcdef HTTP", "abcdef"),
}


@pytest.mark.parametrize("case", SHAPES)
def test_shapes_of_secrets_are_masked(case: str) -> None:
    """What looks like a secret is masked, whoever it belongs to; a second pass changes nothing."""
    text, secret = SHAPES[case]
    told = redact(text)
    assert secret not in told
    assert MASK in told
    assert redact(told) == told


PLAIN = {
    "sentence": "Nothing to hide here: 12:30, 100 %, a/b, user@example.org.",
    "address without password": "http://host:8080/path?since=5&limit=10",
    "long number": "room 123456789012345678901234567890",
    "ordinary words": "task-list-of-the-day-and-the-night bottle:neck /bottom/line basic idea",
    "key of another kind": "monkey=banana&keyboard=x",
}


@pytest.mark.parametrize("case", PLAIN)
def test_ordinary_text_is_left_alone(case: str) -> None:
    assert redact(PLAIN[case], ("hunter22",)) == PLAIN[case]


FORMS: dict[str, Callable[[str], str]] = {
    "raw": lambda secret: secret,
    "URL-quoted": lambda secret: quote(secret, safe=""),
    "URL-quoted, as a path": lambda secret: quote(secret),
    "URL-quoted, as a form": lambda secret: quote_plus(secret),
    "JSON": lambda secret: json.dumps({"a": secret}),
    "JSON in JSON": lambda secret: json.dumps(json.dumps({"a": secret})),
    "Python": lambda secret: repr([secret]),
    "base64": lambda secret: base64.b64encode(secret.encode()).decode(),
    "base64 behind a name": lambda secret: base64.b64encode(f"me:{secret}".encode()).decode(),
    "base64 between": lambda secret: base64.b64encode(f"m:{secret}:x".encode()).decode(),
    "URL-safe base64": lambda secret: base64.urlsafe_b64encode(secret.encode()).decode(),
}


def readings(text: str) -> Iterator[str]:
    """Yield the text as a reader may decode it: unescaped once and twice, out of base64."""
    yield text
    once = text.encode("latin-1", "backslashreplace").decode("unicode_escape", "replace")
    yield once
    yield once.encode("latin-1", "backslashreplace").decode("unicode_escape", "replace")
    yield unquote_plus(text)
    for word in text.split():
        for offset in range(4):
            letters = word[offset:].translate(str.maketrans("-_", "+/"))
            try:
                yield base64.b64decode(letters[: len(letters) // 4 * 4]).decode("utf-8", "replace")
            except ValueError:
                continue


def left(secret: str, form: str) -> set[str]:
    """Return the pieces of four letters of a secret that can still be read."""
    told = redact(f"before {form} after", (secret,))
    pieces = {secret[start : start + 4] for start in range(len(secret) - 3)}
    return {piece for piece in pieces for reading in readings(told) if piece in reading}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "secret",
    [
        "p\"a\\ss'wörd 22",
        "hunter22",
        "påss/w+rd=",
        "a&b%20c\n12",
        "a b/c d/e",
        "correct-horse-battery-staple",
    ],
)
def test_configured_secret_is_masked_in_every_form(form: str, secret: str) -> None:
    assert left(secret, FORMS[form](secret)) == set()


def test_longer_secret_goes_first() -> None:
    """A secret that begins like another is masked whole."""
    assert redact("x abcdefgh y", ("abcd", "abcdefgh")) == f"x {MASK} y"


WORDS = st.text(min_size=SHORTEST, max_size=40).filter(lambda word: "*" not in word)


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    secrets=st.lists(WORDS, min_size=1, max_size=4),
    pieces=st.lists(st.text(max_size=20), min_size=2, max_size=6),
)
def test_no_configured_secret_survives(secrets: list[str], pieces: list[str]) -> None:
    """Wherever and however often secrets stand in a text, none is in what is left of it."""
    text = "".join(piece + secrets[index % len(secrets)] for index, piece in enumerate(pieces))
    told = redact(text, secrets)
    for secret in secrets:
        assert secret not in told


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    st.text(st.sampled_from("bot/:123456789AZaz_-@ =&?\"'\\%3sykBearer")),
    st.lists(WORDS, max_size=2),
)
def test_redacting_twice_is_redacting_once(text: str, secrets: list[str]) -> None:
    once = redact(text, secrets)
    assert redact(once) == once


HOSTILE = {
    "digits": "1",
    "digits with colons": "1234567:",
    "calls": "/bot1:",
    "schemes": "://",
    "schemes with names": "://a:",
    "at signs": "://a:@",
    "bearer": "bearer ",
    "blanks behind bearer": "bearer" + " " * 50,
    "Synapse": "syt_",
    "keys": "sk-",
    "queries": "?token=",
}


@pytest.mark.parametrize("case", HOSTILE)
def test_time_grows_with_the_length_alone(case: str) -> None:
    """Four times the text takes about four times as long; a quadratic pattern takes sixteen."""

    def seconds(length: int) -> float:
        text = (HOSTILE[case] * length)[:length]
        best = float("inf")
        for _ in range(5):
            started = time.process_time()
            redact(text, ("hunter22",))
            best = min(best, time.process_time() - started)
        return best

    assert seconds(40_000) < 9 * max(seconds(10_000), 0.0005)


def test_very_short_secret_is_not_searched_for() -> None:
    """Masking every "abc" would hide the log and show where the secret is."""
    assert redact("the abc of it", ("abc",)) == "the abc of it"
