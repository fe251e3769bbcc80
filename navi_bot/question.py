"""Makes the question of a turn from what was taken in: text and files.

Files are fetched when the turn begins, so that taking messages in never
waits for a download. Pictures go to the model, everything else into the
room's files; the model is told name, size and kind, as data.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from navi_bot.errors import NaviError, TooLong
from navi_bot.messages import Address, Attachment, Message
from navi_bot.ports.records import StoredFile, TurnStart
from navi_bot.ports.store import Files
from navi_bot.texts import turn as texts

Fetch = Callable[[Address, Attachment, int], Awaitable[bytes]]
"""Download an attachment of at most so many bytes."""

MAX_IMAGES = 10
"""Pictures of one message that are shown to the model."""

NAME_SHOWN = 100
"""Characters of a file's name that are told."""


@dataclass(frozen=True, slots=True)
class Question:
    """`images` are paths below the data directory; `problems` are for the person."""

    text: str
    images: tuple[str, ...]
    files: tuple[StoredFile, ...]
    problems: tuple[str, ...]


class Questions:
    """Fetches files and writes the question's message."""

    def __init__(self, files: Files, fetch: Fetch, limit: int) -> None:
        self._files = files
        self._fetch = fetch
        self._limit = limit

    async def prepare(self, start: TurnStart) -> Question:
        """Fetch what the question brings; what fails is named, not fatal."""
        kept: list[StoredFile] = []
        images: list[str] = []
        problems: list[str] = []
        for attachment in start.request.attachments:
            name = _on_one_line(attachment.name)
            try:
                content = await self._fetched(start, attachment)
                stored = await self._files.keep(
                    start.session.id, attachment.name, attachment.mime, content
                )
            except TooLong:
                limit = f"{self._limit / 1_000_000:g}"
                problems.append(texts.FILE_TOO_BIG(name=name, limit=limit))
                continue
            except NaviError as error:
                problems.append(texts.FILE_NOT_FETCHED(name=name, reason=str(error)))
                continue
            wanted = attachment.kind == "image" and len(images) < MAX_IMAGES
            if wanted and _is_picture(content):
                images.append(stored.path)
            else:
                kept.append(stored)
        text = describe(start.request.text, len(images), kept, problems)
        return Question(text, tuple(images), tuple(kept), tuple(problems))

    async def _fetched(self, start: TurnStart, attachment: Attachment) -> bytes:
        if attachment.size is not None and attachment.size > self._limit:
            raise TooLong(f"{attachment.name} is too large.")
        content = await self._fetch(start.head.address, attachment, self._limit)
        if len(content) > self._limit:  # the size that we were told was wrong
            raise TooLong(f"{attachment.name} is too large.")
        return content


def _is_picture(content: bytes) -> bool:
    """Tell JPEG, PNG and WebP, which models take, by how they begin and not by their names."""
    webp = content[:4] == b"RIFF" and content[8:12] == b"WEBP"
    return webp or content.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"))


def _on_one_line(name: str) -> str:
    """Return a name that somebody chose, fit to be told: one line, of bounded length."""
    return " ".join(name.split())[:NAME_SHOWN]


def describe(text: str, images: int, files: list[StoredFile], problems: list[str]) -> str:
    """Return the question with what came along told as data, after the words."""
    lines = [text] if text else []
    if images:
        seen = "1 picture is" if images == 1 else f"{images} pictures are"
        lines.append(f"[{seen} attached to this message and visible to you]")
    lines += [f"[file: {one.name}, {_on_one_line(one.mime)}, {one.size} bytes]" for one in files]
    lines += [f"[{problem}]" for problem in problems]
    return "\n".join(lines)


def as_message(question: Question, content: str, now: datetime) -> Message:
    """Return the question as the model and the history get it."""
    return Message("user", content, images=question.images, created_at=now)
