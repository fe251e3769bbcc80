"""Takes secrets out of text, by value and by shape; pure and linear in time.

By value: each configured secret, as it is, URL-quoted, escaped as in JSON or
in Python's quotes, and inside base64. By shape: tokens of the platforms,
bearer tokens, passwords in addresses, whoever they belong to. The patterns
begin at fixed text or at the edge of a run and never look back over it, so
hostile text cannot make them slow.
"""

import base64
import json
import re
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import quote, quote_plus

MASK = "***"

SHORTEST = 4
"""Characters below which a secret's value is not searched for: it would be
found in ordinary words, and masking those would hide the log, not the secret."""

_SHAPES = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        # Telegram, in the address of a call: /bot<number>:<secret>/method
        (r"/bot[0-9]++(?::|%3[Aa])[^/\s\"'\\]*+", f"/bot{MASK}"),
        # Telegram, anywhere else
        (r"(?<![0-9])[0-9]{6,}+(?::|%3[Aa])[\w-]{30,}+", MASK),
        # Synapse's access tokens, and those of its authentication service
        (r"(?:syt|syr|mct|mcr)_[\w=-]{8,}+", MASK),
        # keys of model hosts; behind no other letter but the end of a colour code
        (r"(?:(?<![A-Za-z])|(?<=[0-9]m))sk-[A-Za-z0-9_-]{20,}+", MASK),
        (r"(?i:(bearer|basic)\s++)[\w.~+/=-]{8,}+", rf"\1 {MASK}"),
        # scheme://user:password@host
        (r"://([^/\s:@\"'\\]*+):[^/\s\"'\\]*@", rf"://\1:{MASK}@"),
        (
            r"(?i:([?&;](?:access_token|api_key|apikey|key|password|secret|token)=))"
            r"[^&;#\s\"'\\]++",
            rf"\1{MASK}",
        ),
    )
)


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Return the text with every secret replaced by `***`."""
    exact = _exact(tuple(secrets))
    if exact is not None:
        text = exact.sub(MASK, text)
    for pattern, replacement in _SHAPES:
        text = pattern.sub(replacement, text)
    return text


@lru_cache(maxsize=8)
def _exact(secrets: tuple[str, ...]) -> re.Pattern[str] | None:
    """Return a pattern of every form of every secret, the longest first."""
    forms = {form for secret in secrets if len(secret) >= SHORTEST for form in _forms(secret)}
    if not forms:
        return None
    return re.compile("|".join(map(re.escape, sorted(forms, key=lambda form: (-len(form), form)))))


def _forms(secret: str) -> set[str]:
    plain = {
        secret,
        quote(secret, safe=""),
        quote(secret),
        quote_plus(secret),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        repr(secret)[1:-1],
    }
    # A structure inside a structure is escaped twice.
    nested = {json.dumps(form)[1:-1] for form in plain}
    return {form for form in plain | nested | set(_encoded(secret)) if len(form) >= SHORTEST}


def _encoded(secret: str) -> Iterable[str]:
    """Yield what base64 makes of a secret wherever in the encoded bytes it stands.

    Three bytes become four letters; at each of the three offsets the letters
    that also hold a neighbour's bits are left out.
    """
    raw = secret.encode("utf-8", "surrogatepass")
    for offset in range(3):
        first = (0, 2, 3)[offset]
        bits = 8 * (offset + len(raw))
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            letters = encode(b"\0" * offset + raw).decode("ascii")[first : bits // 6]
            if len(letters) >= 2 * SHORTEST - 2:
                yield letters
