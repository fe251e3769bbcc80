"""A TCP way to the database that can be cut and joined again, or hang."""

import asyncio
import contextlib
from urllib.parse import parse_qs, unquote, urlsplit, urlunsplit


class Cable:
    """Leads to the server's socket (`?host=FOLDER&port=N`) or to its address."""

    def __init__(self, dsn: str) -> None:
        self._parts = urlsplit(dsn)
        self._port = 0
        self._server: asyncio.Server | None = None
        self._ends: set[asyncio.StreamWriter] = set()
        self._flows = asyncio.Event()
        self._flows.set()

    @property
    def port(self) -> int:
        """Of its near end, once it was joined."""
        return self._port

    @property
    def dsn(self) -> str:
        who = self._parts.netloc.rpartition("@")[0]
        return urlunsplit(self._parts._replace(netloc=f"{who}@127.0.0.1:{self._port}", query=""))

    async def join(self) -> None:
        self._server = await asyncio.start_server(self._pass_on, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    def cut(self) -> None:
        """End every connection and take no new one."""
        assert self._server is not None
        self._server.close()
        for end in self._ends:
            end.transport.abort()
        self._ends.clear()

    def hang(self) -> None:
        """Pass nothing on any more; connections stay, and new ones are taken."""
        self._flows.clear()

    def flow(self, *, forget: bool = False) -> None:
        """Pass on what was held up, and all that follows.

        `forget`: connections from before stay dead, as after a lost route.
        """
        if forget:
            self._ends.clear()
        self._flows.set()

    async def _pass_on(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        far, forth = await self._reached()
        self._ends |= {back, forth}
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._pump(near, forth))
            tasks.create_task(self._pump(far, back))

    async def _reached(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        query = parse_qs(self._parts.query)
        if "host" not in query:
            return await asyncio.open_connection(self._parts.hostname, self._parts.port)
        folder, port = unquote(query["host"][0]), query["port"][0]
        return await asyncio.open_unix_connection(f"{folder}/.s.PGSQL.{port}")

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while piece := await source.read(65536):
                await self._flows.wait()
                if sink not in self._ends:
                    await asyncio.Event().wait()
                sink.write(piece)
                await sink.drain()
        sink.close()
