"""The time zone of the machine, by name."""

import os
from collections.abc import Mapping
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

LOCALTIME = Path("/etc/localtime")


def is_zone(name: str) -> bool:
    """Answer whether this machine knows an IANA zone of that name."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def local_zone(environment: Mapping[str, str] = os.environ, link: Path = LOCALTIME) -> str:
    """Return the machine's zone: `TZ`, else where /etc/localtime points, else UTC."""
    target = os.path.realpath(link).partition("/zoneinfo/")[2]
    return next(filter(is_zone, (environment.get("TZ", "").lstrip(":"), target)), "UTC")
