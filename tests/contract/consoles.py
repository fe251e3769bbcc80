"""The three consoles: a pipe, a terminal, and a terminal in another process."""

import asyncio
import io
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
from contract.screen import Screen
from contract.stage import LOOK_AGAIN, Abilities, Seen
from prompt_toolkit.data_structures import Size
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output.vt100 import Vt100_Output

from adapters.console.account import address, said
from adapters.console.markup import answer_text
from adapters.console.pipe import PipeAdapter
from adapters.console.relay import ACCOUNT, RelayAdapter
from adapters.console.terminal import TerminalAdapter
from navi_bot.ports.platform import Adapter
from navi_bot.ports.relay import Relay
from navi_bot.store.pool import open_pool
from navi_bot.store.relay import PostgresRelay


class AtPipe:
    """A program that writes lines and reads answers."""

    abilities = Abilities(progress=False)
    cursor = ""

    def __init__(self) -> None:
        reading, self._writing = os.pipe()
        self._source = os.fdopen(reading)
        self._out = io.StringIO()
        self.adapter: Adapter = PipeAdapter(self._source, self._out)
        self.place = address()

    def close(self) -> None:
        self._source.close()
        os.close(self._writing)

    def another(self) -> Adapter:
        return PipeAdapter(self._source, io.StringIO())

    def impostor(self) -> Adapter:
        raise LookupError("a console has no credentials")

    async def says(self, text: str) -> None:
        os.write(self._writing, f"{text}\n".encode())

    async def sees(self) -> Sequence[Seen]:
        return [Seen(text) for text in self._out.getvalue().split("\n\n") if text]


class AtTerminal:
    """Somebody who types, and looks at the screen."""

    abilities = Abilities()
    cursor = ""

    def __init__(self, keys: PipeInput, folder: Path) -> None:
        self._keys = keys
        self._folder = folder
        self._screen = Screen()
        self.adapter: Adapter = self._terminal(self._screen)
        self.place = address()

    def _terminal(self, screen: Screen) -> TerminalAdapter:
        output = Vt100_Output(screen, lambda: Size(rows=40, columns=4000), enable_cpr=False)
        history = self._folder / "history"
        return TerminalAdapter(history, {}, terminal_input=self._keys, terminal_output=output)

    def another(self) -> Adapter:
        return self._terminal(Screen())

    def impostor(self) -> Adapter:
        raise LookupError("a console has no credentials")

    async def says(self, text: str) -> None:
        self._keys.send_text(f"{text}\r")
        await asyncio.sleep(2 * LOOK_AGAIN)  # typed one after the other

    async def sees(self) -> Sequence[Seen]:
        return [Seen(row) for row in self._screen.rows if row and not row.startswith(">")]


class AtRelay:
    """A terminal in another process, with the database between."""

    abilities = Abilities(once=True, recovers=True)
    cursor = ""

    def __init__(self, relay: Relay, drawn: dict[str, None]) -> None:
        self._relay = relay
        self._drawn = drawn
        self.adapter: Adapter = RelayAdapter(relay, retry=0.05)
        self.place = address(ACCOUNT)

    def another(self) -> Adapter:
        return RelayAdapter(self._relay)

    def impostor(self) -> Adapter:
        raise LookupError("a console has no credentials")

    async def says(self, text: str) -> None:
        await self._relay.say(said(text, ACCOUNT))

    async def sees(self) -> Sequence[Seen]:
        found = [(one, await self._relay.drawn(one)) for one in list(self._drawn)]
        return [Seen(answer_text(page[0]), one) for one, page in found if page is not None]


@asynccontextmanager
async def at_pipe() -> AsyncIterator[AtPipe]:
    person = AtPipe()
    try:
        yield person
    finally:
        person.close()


@asynccontextmanager
async def at_terminal(folder: Path) -> AsyncIterator[AtTerminal]:
    with create_pipe_input() as keys:
        yield AtTerminal(keys, folder)


@asynccontextmanager
async def at_relay(dsn: str) -> AsyncIterator[AtRelay]:
    drawn: dict[str, None] = {}

    async def listen(relay: Relay) -> None:
        async with relay.news("terminal") as news:
            async for message_id in news:
                drawn[message_id] = None

    async with open_pool(dsn) as pool:
        relay = PostgresRelay(pool)
        listening = asyncio.ensure_future(listen(relay))
        try:
            yield AtRelay(relay, drawn)
        finally:
            listening.cancel()
            await asyncio.wait([listening])
            await _empty(pool)


async def _empty(pool: asyncpg.Pool) -> None:
    await pool.execute("DELETE FROM relay_inputs")
    await pool.execute("DELETE FROM relay_pages")
