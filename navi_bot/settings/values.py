"""How a variable's text becomes a value; pure.

Every function raises ValueError with the end of a sentence that begins with
the variable's name: what is wrong, then the mend. The text itself is only
repeated where it cannot be a secret.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from navi_bot.settings.zone import is_zone

Think = bool | Literal["low", "medium", "high", "max"] | None

PLATFORMS = ("telegram", "matrix", "console")

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd]?)")
_TELEGRAM_TOKEN = re.compile(r"[0-9]{6,20}:[A-Za-z0-9_-]{30,}")
_TELEGRAM_ID = re.compile(r"[1-9][0-9]{0,15}")
_MXID = re.compile(r"@[!-9;-~]+:[A-Za-z0-9.-]+(?::[0-9]{1,5})?|@[!-9;-~]+:\[[0-9A-Fa-f:.]+\]")
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")
_THINK: dict[str, Think] = {
    "auto": None,
    "true": True,
    "on": True,
    "1": True,
    "false": False,
    "off": False,
    "0": False,
    "low": "low",
    "medium": "medium",
    "high": "high",
    "max": "max",
}


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of the owner's own that tools may be given."""

    path: Path
    writable: bool


def items(text: str) -> tuple[str, ...]:
    """Split at commas, without blanks and empty items."""
    return tuple(item for item in (part.strip() for part in text.split(",")) if item)


def duration(text: str) -> float:
    """Return seconds from "90", "1.5", "90m", "6h" or "2d"."""
    match = _DURATION.fullmatch(text.strip().lower())
    if match is None:
        raise ValueError(f"is not a length of time: {text!r}; write seconds, or 90m, 6h, 2d.")
    return float(match[1]) * _UNITS[match[2] or "s"]


def adapter_names(text: str) -> tuple[str, ...]:
    """Return platform names, each once, in the order given."""
    names = tuple(dict.fromkeys(item.lower() for item in items(text)))
    for name in names:
        if name not in PLATFORMS:
            raise ValueError(f"names an unknown adapter {name!r}; known: {', '.join(PLATFORMS)}.")
    return names


def mxid(text: str) -> str:
    """Return a full Matrix id, unchanged."""
    if _MXID.fullmatch(text) is None:
        raise ValueError(f"is not a full Matrix id: {text!r}; write it like @me:example.org.")
    return text


def owner(text: str) -> tuple[str, str]:
    """Return (platform, id) from "telegram:1234" or "matrix:@me:example.org"."""
    platform, _, name = text.partition(":")
    if platform == "telegram":
        if _TELEGRAM_ID.fullmatch(name) is None:
            raise ValueError(
                f"holds {text!r}; user names can change hands, so use the numeric id, "
                "like telegram:1234."
            )
    elif platform == "matrix":
        if _MXID.fullmatch(name) is None:
            raise ValueError(f"holds {text!r}; use the full id, like matrix:@me:example.org.")
    else:
        raise ValueError(
            f"holds {text!r}; write platform:id, like telegram:1234 or matrix:@me:example.org."
        )
    return platform, name


def owners(text: str) -> tuple[tuple[str, str], ...]:
    return tuple(dict.fromkeys(owner(item) for item in items(text)))


def folder(text: str) -> Folder:
    """Return a folder from "~/notes", "~/notes:ro" or "~/notes:rw"; read-only by default."""
    path, _, mode = text.rpartition(":") if text.endswith((":ro", ":rw")) else (text, "", "ro")
    return Folder(existing_folder(path), writable=mode == "rw")


def folders(text: str) -> tuple[Folder, ...]:
    return tuple(folder(item) for item in items(text))


def absolute(text: str) -> Path:
    """Return an absolute path; "~" is the home folder."""
    try:
        return Path(text).expanduser().absolute()
    except RuntimeError as error:
        raise ValueError(
            f"begins with ~, but there is no home folder: {text!r}; write the whole path."
        ) from error


def existing_folder(text: str) -> Path:
    path = absolute(text)
    if not path.is_dir():
        raise ValueError(f"names a folder that is not there: {path}; make it or correct the path.")
    return path


def existing_file(text: str) -> Path:
    path = absolute(text)
    if not path.is_file():
        raise ValueError(f"names a file that is not there: {path}; make it or correct the path.")
    return path


def zone(text: str) -> str:
    """Return an IANA zone name that this machine knows."""
    if not is_zone(text):
        raise ValueError(f"is not a time zone: {text!r}; use a name like Europe/Berlin.")
    return text


def language(text: str) -> str:
    if _LANGUAGE.fullmatch(text) is None:
        raise ValueError(f"is not a language code: {text!r}; use one like en, de or pt-BR.")
    return text


def web_address(text: str) -> str:
    """Return an http(s) URL without a slash at its end."""
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or any(character.isspace() for character in text):
        raise ValueError("is not a web address; write it like http://host:port.")
    return text.rstrip("/")


def ollama_host(text: str) -> str:
    """Return the URL of an Ollama host from a URL, "host" or "host:port".

    As Ollama's own programs read it: the port is 11434 where no scheme is
    given, and 0.0.0.0, which a server listens on, is this machine.
    """
    if "://" in text:
        url = web_address(text)
    else:
        url = web_address(f"http://{text}")
        if urlsplit(url).port is None:
            url = f"{url}:11434"
    parts = urlsplit(url)
    if parts.hostname == "0.0.0.0":
        url = parts._replace(netloc=parts.netloc.replace("0.0.0.0", "127.0.0.1")).geturl()
    return url


def telegram_token(text: str) -> str:
    if _TELEGRAM_TOKEN.fullmatch(text) is None:
        raise ValueError(
            "is not a bot token; copy the whole token from @BotFather, "
            "it is a number, a colon and 35 letters."
        )
    return text


def database_url(text: str) -> str:
    try:
        scheme = urlsplit(text).scheme
    except ValueError:
        scheme = ""
    if scheme not in ("postgresql", "postgres"):
        raise ValueError("is not a PostgreSQL address; write it like postgresql://user@host/name.")
    return text


def think(text: str) -> Think:
    """Return None for "auto": as the model likes."""
    try:
        return _THINK[text.lower()]
    except KeyError as error:
        raise ValueError(
            f"must be auto, true, false, low, medium, high or max, not {text!r}."
        ) from error


def word(text: str) -> str:
    """Return a choice as it is compared: without blanks, in lower case."""
    return text.strip().lower()
