"""The console on a terminal, driven by keys through prompt_toolkit's own pipe input."""

import asyncio
import io
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from prompt_toolkit.data_structures import Size
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output.vt100 import Vt100_Output

from adapters.console.account import address
from adapters.console.markup import Fragments
from adapters.console.terminal import LEAVE_WITHIN, TerminalAdapter, newest_rows
from navi_bot.errors import StoreUnavailable
from navi_bot.messages import Inbound, Line, Page, Prose, Said

COMMANDS = {"stop": "stop the answer", "status": "how are you"}


class Screen(io.StringIO):
    """What was written to the terminal; tells of every write."""

    def __init__(self, changed: asyncio.Event) -> None:
        super().__init__()
        self._changed = changed

    def write(self, text: str) -> int:
        self._changed.set()
        return super().write(text)


class Scene:
    """A terminal adapter with its keys, its screen and what it handed over."""

    def __init__(self, keys: PipeInput, history: Path) -> None:
        self.keys = keys
        self.changed = asyncio.Event()
        self.screen = Screen(self.changed)
        self.now = 100.0
        output = Vt100_Output(self.screen, lambda: Size(rows=40, columns=80), enable_cpr=False)
        self.adapter = TerminalAdapter(
            history,
            COMMANDS,
            terminal_input=keys,
            terminal_output=output,
            clock=lambda: self.now,
        )
        self.said: list[str] = []

    async def accept(self, batch: Sequence[Inbound], _cursor: str) -> None:
        for inbound in batch:
            assert isinstance(inbound, Said)
            self.said.append(inbound.text)
            self.changed.set()

    async def until_said(self, count: int) -> None:
        await self._until(lambda: len(self.said) >= count)

    async def until_shown(self, text: str) -> None:
        await self._until(lambda: text in self.screen.getvalue())

    async def _until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not holds():
                self.changed.clear()
                await self.changed.wait()


@asynccontextmanager
async def receiving(tmp_path: Path) -> AsyncIterator[tuple[Scene, "asyncio.Task[None]"]]:
    with create_pipe_input() as keys:
        scene = Scene(keys, tmp_path / "history")
        task = asyncio.ensure_future(scene.adapter.receive(scene.accept, ""))
        try:
            yield scene, task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def test_a_newcomer_is_told_what_to_do(tmp_path: Path) -> None:
    async with receiving(tmp_path) as (scene, _):
        await scene.until_shown("/help lists the commands")


async def test_a_typed_line_is_handed_over_and_remembered(tmp_path: Path) -> None:
    async with receiving(tmp_path) as (scene, _):
        scene.keys.send_text("hello there\r   \rmore\r")
        await scene.until_said(2)
    assert scene.said == ["hello there", "more"]
    assert "+hello there" in (tmp_path / "history").read_text()


async def test_a_live_message_redraws_and_the_final_one_stays(tmp_path: Path) -> None:
    async with receiving(tmp_path) as (scene, _):
        out = scene.adapter.outbound
        sent = await out.send(
            address(), Page((Prose("half an ans"),)), transaction="a", final=False
        )
        await scene.until_shown("half an ans")
        final = Page((Prose("whole answer"), Line("⏱ 1.0 s", "dim")))
        await out.edit(address(), sent, final, transaction="a", final=True)
        await scene.until_shown("whole answer")
        assert out.drawn(10) == [], "nothing is live any more"


async def test_control_c_stops_and_twice_leaves(tmp_path: Path) -> None:
    async with receiving(tmp_path) as (scene, task):
        scene.keys.send_text("\x03")
        await scene.until_said(1)
        assert scene.said == ["/stop"]
        scene.now += LEAVE_WITHIN + 1
        scene.keys.send_text("\x03")
        await scene.until_said(2)
        scene.keys.send_text("\x03")
        await asyncio.wait_for(task, 5)
    assert scene.said == ["/stop", "/stop"]


async def test_what_could_not_be_handed_over_is_so_later(tmp_path: Path) -> None:
    """The database was away: the line is not typed again, and nobody is greeted twice."""

    async def away(_batch: Sequence[Inbound], _cursor: str) -> None:
        raise StoreUnavailable("away")

    with create_pipe_input() as keys:
        scene = Scene(keys, tmp_path / "history")
        keys.send_text("hello\r")
        with pytest.raises(StoreUnavailable):
            await asyncio.wait_for(scene.adapter.receive(away, ""), 5)
        task = asyncio.ensure_future(scene.adapter.receive(scene.accept, ""))
        await scene.until_said(1)
        keys.send_text("\x04")
        await asyncio.wait_for(task, 5)
    assert scene.said == ["hello"]
    assert scene.screen.getvalue().count("/help") == 1


async def test_control_d_leaves(tmp_path: Path) -> None:
    async with receiving(tmp_path) as (scene, task):
        scene.keys.send_text("\x04")
        await asyncio.wait_for(task, 5)
    assert scene.said == []


async def test_tab_completes_a_command(tmp_path: Path) -> None:
    async with receiving(tmp_path) as (scene, _):
        scene.keys.send_text("/sto\t")
        await asyncio.sleep(0.05)
        scene.keys.send_text("\r")
        await scene.until_said(1)
    assert scene.said == ["/stop"]


def test_the_newest_rows_are_kept() -> None:
    """A live message that is longer than the terminal shows its end."""
    shown: Fragments = [("", "1\n2\n"), ("bold", "3\n4\n"), ("", "5\n")]
    assert newest_rows(shown, 3) == [("bold", "3\n4\n"), ("", "5\n")]
    assert newest_rows(shown, 2) == [("bold", "4\n"), ("", "5\n")]
    assert newest_rows(shown, 9) == shown
