"""The processes of a tool are gone when it lets go of them, whatever they do."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from marked_processes import STUBBORN, VARIABLE, clear, gone, grown, marked

from navi_bot.running import StopToken
from navi_bot.toolbox.processes import Tree, started

PATH = os.environ["PATH"]

DAEMONS = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.close(0); os.close(1); os.close(2)
        time.sleep(600)
    os._exit(0)
os.wait()
print("left", flush=True)
"""
"""A command that ends at once and leaves a daemon of the old kind behind."""

RABBIT = """
import os, time
while True:
    if os.fork():
        os._exit(0)
    os.setsid()
    time.sleep(0.001)
"""
"""Never the same process, group or session for longer than a moment."""

POLITE = """
import os, signal, time
def bye(*_):
    os.write(1, b"bye\\n")
    os._exit(3)
signal.signal(signal.SIGTERM, bye)
print("ready", flush=True)
time.sleep(600)
"""


@pytest.fixture
def mark(tmp_path: Path) -> Iterator[str]:
    yield str(tmp_path)
    clear(str(tmp_path))


def python(script: str) -> tuple[str, ...]:
    return (sys.executable, "-I", "-S", "-c", script, "2")


def environment(mark: str) -> dict[str, str]:
    return {"PATH": PATH, VARIABLE: mark}


def begun(
    *command: str,
    folder: Path,
    environment: Mapping[str, str],
    stop: StopToken | None = None,
    stdin: bool = False,
    grace: float = 2.0,
) -> AbstractAsyncContextManager[Tree]:
    """Start a command in a turn that nobody stops, if not said otherwise."""
    return started(
        *command,
        folder=folder,
        environment=environment,
        stop=stop or StopToken(),
        stdin=stdin,
        grace=grace,
    )


def zombies() -> set[int]:
    """Return our children that have ended and that nobody has reaped; some may be adopted."""
    found: set[int] = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue  # it is gone
        if (state, parent) == ("Z", str(os.getpid())):
            found.add(int(stat.parent.name))
    return found


async def test_a_command_is_read_from_and_answers_with_its_code(tmp_path: Path, mark: str) -> None:
    """Its streams, its folder, its environment and its code are its own."""
    script = "cat; pwd; echo $COLOUR >&2; exit 7"
    values = {**environment(mark), "COLOUR": "blue"}
    async with begun("sh", "-c", script, folder=tmp_path, environment=values, stdin=True) as tree:
        assert tree.stdin is not None
        tree.stdin.write(b"hello\n")
        tree.stdin.close()
        assert (await tree.stdout.read()).decode() == f"hello\n{tmp_path}\n"
        assert await tree.stderr.read() == b"blue\n"
        assert await tree.wait() == 7


CODES = {"done": ("exit 0", 0), "failed": ("exit 5", 5), "killed": ("kill -9 $$", 137)}


@pytest.mark.parametrize(("script", "code"), CODES.values(), ids=CODES.keys())
async def test_the_code_is_the_commands(script: str, code: int, tmp_path: Path) -> None:
    async with begun("sh", "-c", script, folder=tmp_path, environment={"PATH": PATH}) as tree:
        assert await tree.wait() == code


async def test_a_command_that_is_not_there_says_so(tmp_path: Path) -> None:
    async with begun("no-such-thing", folder=tmp_path, environment={"PATH": PATH}) as tree:
        assert b"no-such-thing: No such file" in await tree.stderr.read()
        assert await tree.wait() == 127


TREES = {"stubborn": (STUBBORN, 15), "rabbit": (RABBIT, 1)}


@pytest.mark.parametrize(("script", "least"), TREES.values(), ids=TREES.keys())
async def test_no_process_is_left_after_the_block(
    script: str, least: int, tmp_path: Path, mark: str
) -> None:
    """Own sessions, ignored signals and running away do not help."""
    async with begun(*python(script), folder=tmp_path, environment=environment(mark), grace=0.2):
        await grown(mark, least)
        began = time.monotonic()
    assert marked(mark) == []
    assert time.monotonic() - began < 2.5


async def test_what_a_command_leaves_running_is_ended_with_it(tmp_path: Path, mark: str) -> None:
    """A daemon of the old kind, its parent long gone, its streams closed."""
    async with begun(
        *python(DAEMONS), folder=tmp_path, environment=environment(mark), grace=0.2
    ) as tree:
        assert await tree.wait() == 0
        assert marked(mark) == []


async def test_who_listens_to_sigterm_may_say_goodbye(tmp_path: Path, mark: str) -> None:
    """The grace is a most, not a least."""
    async with begun(
        *python(POLITE), folder=tmp_path, environment=environment(mark), grace=5
    ) as tree:
        await tree.stdout.readline()
        os.kill(tree.keeper, signal.SIGTERM)
        assert await tree.stdout.read() == b"bye\n"
        began = time.monotonic()
        assert await tree.wait() == 3
    assert time.monotonic() - began < 1


async def test_a_cancelled_task_leaves_nothing(tmp_path: Path, mark: str) -> None:
    async def work() -> None:
        async with begun(
            *python(STUBBORN), folder=tmp_path, environment=environment(mark), grace=0.2
        ) as tree:
            await tree.wait()

    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(work())
        await grown(mark, 15)
        task.cancel()
    assert marked(mark) == []


async def test_a_stop_ends_them_whatever_the_tool_does(tmp_path: Path, mark: str) -> None:
    """The tool does not leave its block."""
    stop = StopToken()
    async with begun(
        *python(STUBBORN), folder=tmp_path, environment=environment(mark), stop=stop, grace=0.2
    ) as tree:
        await grown(mark, 15)
        stop.stop("Ann")
        await gone(mark, 3)
        assert await tree.wait() == 137


@pytest.mark.parametrize("turns", range(12))
async def test_a_cancellation_while_it_starts_leaves_nothing(
    turns: int, tmp_path: Path, mark: str
) -> None:
    """At whatever step of the event loop it comes."""

    async def work() -> None:
        async with begun(
            *python(STUBBORN), folder=tmp_path, environment=environment(mark), grace=0.1
        ) as tree:
            await tree.wait()

    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(work())
        for _ in range(turns):
            await asyncio.sleep(0.001 if turns > 8 else 0)
        task.cancel()
    await gone(mark, 2)


async def test_a_second_cancellation_leaves_it_to_the_keeper(tmp_path: Path, mark: str) -> None:
    async def work() -> None:
        async with begun(
            *python(STUBBORN), folder=tmp_path, environment=environment(mark), grace=0.3
        ) as tree:
            await tree.wait()

    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(work())
        await grown(mark, 15)
        task.cancel()
        await asyncio.sleep(0.05)
        task.cancel()
    assert marked(mark)
    await gone(mark, 2)


OWNER = """
import asyncio, os, sys
from pathlib import Path
from navi_bot.running import StopToken
from navi_bot.toolbox.processes import started
async def main():
    folder, *command = sys.argv[1:]
    async with started(
        *command, folder=Path(folder), environment=os.environ, stop=StopToken(), grace=0.3
    ) as tree:
        await tree.wait()
asyncio.run(main())
"""


async def test_kill_9_of_the_owner_ends_the_tree(tmp_path: Path, mark: str) -> None:
    """Nobody has to start again for it: the keeper hears that its pipe is closed."""
    owner = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", OWNER, str(tmp_path), *python(STUBBORN)),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, VARIABLE: mark},
    )
    assert owner.stdout is not None
    await grown(mark, 15)
    os.kill(owner.pid, signal.SIGKILL)
    await owner.wait()
    await owner.stdout.read()
    await gone(mark, 3)


async def test_many_runs_leave_no_zombie_and_no_open_file(tmp_path: Path) -> None:
    async def run() -> None:
        async with begun(
            "sh", "-c", "sleep 600 & sleep 0", folder=tmp_path, environment={"PATH": PATH}, grace=1
        ) as tree:
            await tree.wait()

    await run()
    before, left = len(os.listdir("/proc/self/fd")), zombies()
    for _ in range(5):
        await asyncio.gather(*(run() for _ in range(4)))
    assert len(os.listdir("/proc/self/fd")) == before
    assert not zombies() - left


async def test_output_that_nobody_reads_does_not_hold_it_up(tmp_path: Path, mark: str) -> None:
    """A command that writes without end is ended in time all the same."""
    async with begun("yes", folder=tmp_path, environment=environment(mark), grace=0.3) as tree:
        await tree.stdout.readexactly(1000)
        began = time.monotonic()
    assert time.monotonic() - began < 1.5
    assert marked(mark) == []


async def test_a_stream_ends_when_the_command_closes_it(tmp_path: Path, mark: str) -> None:
    """The keeper holds none of them open."""
    script = "exec >&-; sleep 600"
    async with begun(
        "sh", "-c", script, folder=tmp_path, environment=environment(mark), grace=1
    ) as tree:
        async with asyncio.timeout(5):
            assert await tree.stdout.read() == b""
        assert marked(mark)
