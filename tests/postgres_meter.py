"""Between a program and its PostgreSQL: passes every byte on and counts what is asked.

    async with PostgresMeter(dsn) as meter:
        … run the program on meter.dsn …
        meter.asked("navi-bot")

A round trip is what the client waits for: a simple query, or extended messages
up to a Sync or a Flush. Programs are told apart by their application names.
"""

import asyncio
import itertools
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, unquote, urlsplit

STARTUP = 196608
"""Code of the message that begins a session; others ask for encryption or cancel."""

LEARNING = ("typeinfo_tree", "set_config('jit'")
"""What asyncpg asks once on a connection, when a statement has a type that it does not know."""


@dataclass(slots=True)
class Asked:
    """One round trip of a program; `text` is its first statement, "" for none.

    `session` numbers its connections. `prepares`: the server only makes a plan,
    which a connection does once for each of its statements. `written` and `read`
    are bytes as the program sees them.
    """

    program: str
    text: str
    session: int
    prepares: bool
    written: int
    read: int = 0


class PostgresMeter:
    """Async context manager; `dsn` leads through the meter. Plain connections only."""

    def __init__(self, dsn: str) -> None:
        self._target = dsn
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._numbers = itertools.count(1)
        self.dsn = ""
        self.log: list[Asked] = []
        self._asked = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        url = urlsplit(self._target)
        user = url.netloc.rpartition("@")[0]
        self.dsn = f"postgresql://{user}@127.0.0.1:{port}{url.path}?sslmode=disable"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._server is not None, "entered before it is left"
        self._server.close()
        for writer in self._open:
            writer.close()
        await self._server.wait_closed()

    def asked(self, program: str, since: int = 0) -> list[str]:
        """Return what a program asked, in order, since a length of `log`."""
        return [each.text for each in self.log[since:] if each.program == program]

    def note(self, asked: Asked) -> None:
        """Take a round trip down."""
        self.log.append(asked)
        self._asked.set()

    async def next_question(self) -> None:
        """Wait until anything is asked."""
        self._asked.clear()
        await self._asked.wait()

    def transactions(self, program: str, since: int = 0) -> list[tuple[Asked, ...]]:
        """Return a program's transactions by their ends, less what prepares and learns."""
        done: list[tuple[Asked, ...]] = []
        begun: dict[int, list[Asked]] = {}
        for each in self.log[since:]:
            if each.program != program or each.prepares or _learns(each.text):
                continue
            if each.text.startswith("BEGIN"):
                begun[each.session] = [each]
            elif each.session not in begun:
                done.append((each,))
            else:
                begun[each.session].append(each)
                if each.text.startswith(("COMMIT", "ROLLBACK")):
                    done.append(tuple(begun.pop(each.session)))
        return done

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with _connected(self._target) as (back, forth):
            session = _Session(self, next(self._numbers))
            self._open |= {writer, forth}
            try:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(session.questions(reader, forth))
                    tasks.create_task(session.answers(back, writer))
            except* OSError:
                pass
            finally:
                self._open -= {writer, forth}
                writer.close()


def _learns(text: str) -> bool:
    return any(word in text for word in LEARNING)


@asynccontextmanager
async def _connected(
    dsn: str,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    url = urlsplit(dsn)
    folder = unquote(url.hostname or "") or parse_qs(url.query).get("host", [""])[0]
    if folder.startswith("/"):
        path = f"{folder}/.s.PGSQL.{url.port or parse_qs(url.query).get('port', ['5432'])[0]}"
        reader, writer = await asyncio.open_unix_connection(path)
    else:
        reader, writer = await asyncio.open_connection(folder or "127.0.0.1", url.port or 5432)
    try:
        yield reader, writer
    finally:
        writer.close()


@dataclass(slots=True)
class _Session:
    """One connection's side of the protocol, read as it passes."""

    meter: PostgresMeter
    number: int
    program: str = ""
    _pending: bytearray = field(default_factory=bytearray)
    _begun: bool = False
    _prepared: dict[bytes, bytes] = field(default_factory=dict)
    _texts: list[bytes] = field(default_factory=list)
    _size: int = 0
    _last: Asked | None = None

    async def questions(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(65536):
            self._pending += piece
            self._read()
            writer.write(piece)
            await writer.drain()
        writer.close()

    async def answers(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(65536):
            if self._last is not None:
                self._last.read += len(piece)
            writer.write(piece)
            await writer.drain()
        writer.close()

    def _read(self) -> None:
        """Take every whole message out of what has come."""
        pending = self._pending
        while True:
            head = 1 if self._begun else 0
            if len(pending) < head + 4:
                return
            (length,) = struct.unpack_from("!I", pending, head)
            if len(pending) < head + length:
                return
            body = bytes(pending[head + 4 : head + length])
            kind = bytes(pending[:head])
            del pending[: head + length]
            self._size += head + length
            self._note(kind, body) if self._begun else self._begin(body)

    def _begin(self, body: bytes) -> None:
        (code,) = struct.unpack_from("!I", body)
        if code == STARTUP:
            self._begun = True
            words = body[4:].split(b"\0")
            values = dict(zip(words[::2], words[1::2], strict=False))
            self.program = values.get(b"application_name", b"").decode()

    def _note(self, kind: bytes, body: bytes) -> None:
        match kind:
            case b"P":  # Parse: name, text
                name, text = body.split(b"\0")[:2]
                self._prepared[name] = text
                self._texts.append(text)
            case b"B":  # Bind: portal, name
                self._texts.append(self._prepared.get(body.split(b"\0")[1], b""))
            case b"Q":
                self._texts.append(body.rstrip(b"\0"))
                self._ask()
            case b"S":  # Sync
                self._ask()
            case b"H":  # Flush
                self._ask(prepares=True)

    def _ask(self, *, prepares: bool = False) -> None:
        text = self._texts[0].decode(errors="replace") if self._texts else ""
        self._texts.clear()
        words = " ".join(text.split())
        self._last = Asked(self.program, words, self.number, prepares, self._size)
        self._size = 0
        self.meter.note(self._last)
