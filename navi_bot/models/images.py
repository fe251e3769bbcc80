"""Pictures of a conversation, read from the data directory for the model."""

import asyncio
import base64
from collections.abc import Sequence
from pathlib import Path

import structlog

from navi_bot.messages import Message

log = structlog.get_logger()


async def encoded(data_dir: Path, messages: Sequence[Message]) -> dict[str, str]:
    """Return path → base64 of every picture; those that are gone are left out."""
    paths = list(dict.fromkeys(path for each in messages for path in each.images))
    return await asyncio.to_thread(_read, data_dir, paths) if paths else {}


def _read(data_dir: Path, paths: Sequence[str]) -> dict[str, str]:
    root = data_dir.resolve()
    found: dict[str, str] = {}
    for path in paths:
        file = (root / path).resolve()
        if not file.is_relative_to(root):
            log.warning("image_left_out", reason="outside the data directory")
            continue
        try:
            found[path] = base64.b64encode(file.read_bytes()).decode("ascii")
        except OSError as error:
            log.warning("image_left_out", reason=error.strerror)
    return found
