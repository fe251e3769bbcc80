"""Where a model host is, as operators write it."""

from base64 import b64encode
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit, urlunsplit

from navi_bot.errors import ConfigurationError

OLLAMA_PORT = 11434
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}
"""Addresses that servers are told to listen on, and where to call them."""


@dataclass(frozen=True, slots=True)
class Address:
    """A base URL without credentials and trailing slash; `authorization` is a header or ""."""

    url: str
    authorization: str = ""


def host_address(text: str, port: int = OLLAMA_PORT) -> Address:
    """Return the address of a URL or host:port; ConfigurationError when it is neither."""
    scheme, separator, rest = text.strip().rpartition("://")
    fault = ConfigurationError("The model host is not an http address: write http://host:port.")
    try:
        parts = urlsplit(f"{scheme or 'http'}://{rest}")
        known = parts.port
    except ValueError as error:
        raise fault from error
    if parts.scheme not in ("http", "https"):
        raise fault
    named = parts.hostname or "127.0.0.1"
    host = _EVERYWHERE.get(named, named)
    place = f"[{host}]" if ":" in host else host
    if known or not separator:
        place += f":{known or port}"
    url = urlunsplit((parts.scheme, place, parts.path.rstrip("/"), "", ""))
    if parts.username is None:
        return Address(url)
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return Address(url, f"Basic {b64encode(pair.encode()).decode('ascii')}")
