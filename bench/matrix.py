"""What an edit in an encrypted room costs, side by side; and answers under stock limits.

Both programs are asked in turn on a real homeserver, each for an edit of the
same growing text: the bot from Markdown, the bare loop with the event's
content ready made.
"""

import asyncio
import json
import statistics
import sys
import tempfile
from pathlib import Path

from real_synapse import Login, Synapse
from real_synapse.person import Person

from adapters.matrix.content import edit_of, message_of
from bench.cores import CORES, standing_on
from bench.our_matrix import STOP
from bench.row import Row
from navi_bot.messages import Address, Page, Prose

RUNS = 3
EDITS = 40
"""Of one message, each 20 words longer than the one before."""
WORDS = "**So much** is said `at once`, and then some more of it, until the page is as long as "


class Asked:
    """A program that answers each line with its message and the seconds it used."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def line(self) -> str:
        assert self._process.stdout is not None
        async with asyncio.timeout(30):
            return (await self._process.stdout.readline()).decode().strip()

    async def ask(self, what: object) -> tuple[str, float]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(what).encode() + b"\n")
        message, seconds = json.loads(await self.line())
        return str(message), float(seconds)

    async def end(self) -> None:
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()


async def _started(*words: str) -> Asked:
    pipe = asyncio.subprocess.PIPE
    with standing_on(CORES.tested):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", *words, stdin=pipe, stdout=pipe, stderr=asyncio.subprocess.DEVNULL
        )
    program = Asked(process)
    while await program.line() != "ready":
        assert process.returncode is None, f"{words[0]} ended"
    return program


async def measure() -> list[Row]:
    with (
        tempfile.TemporaryDirectory(prefix="navi-bench-") as folder,
        standing_on(CORES.rest),
        Synapse(Path(folder) / "synapse") as synapse,
    ):
        pairs = [await _run(synapse, Path(folder), number) for number in range(RUNS)]
    ratios = tuple(ours / theirs for ours, theirs in pairs)
    means = [1000 * statistics.fmean(each) for each in zip(*pairs, strict=True)]
    detail = f"{means[0]:.1f} ms against {means[1]:.1f} ms, syncs included, {EDITS} edits a run"
    name = "matrix: processor time of an encrypted edit / bare"
    return [Row(name, statistics.median(ratios), "ratio", 2.0, detail, runs=ratios)]


async def _run(synapse: Synapse, folder: Path, number: int) -> tuple[float, float]:
    """Return the seconds of an edit, median: the bot's, the bare loop's."""
    accounts = [synapse.register(f"{name}{number}") for name in ("ann", "navi", "bare")]
    ann, navi, bare = Person(synapse.url, accounts[0]), *accounts[1:]
    await ann.looks()
    data = str(folder / f"navi{number}")
    ours = await _started(
        "bench.our_matrix", synapse.url, navi.user_id, navi.password, ann.id, data
    )
    theirs: Asked | None = None
    try:
        await ann.opens_room(navi.user_id, encrypted=True)
        assert (await ours.line()).startswith("!")
        room = await ann.opens_room(bare.user_id, encrypted=True)
        _join(synapse, bare, room)
        await ann.looks()
        words = (synapse.url, bare.user_id, bare.device_id, bare.token, room)
        theirs = await _started("bench.bare_matrix", *words)
        return await _in_turn(ours, theirs, Address("matrix", bare.user_id, room))
    finally:
        for program in (ours, theirs):
            if program is not None:
                await program.end()
        await ann.close()


def _join(synapse: Synapse, login: Login, room: str) -> None:
    synapse.call("POST", f"/_matrix/client/v3/join/{room}", {}, login.token)


async def _in_turn(ours: Asked, theirs: Asked, place: Address) -> tuple[float, float]:
    mine: list[float] = []
    others: list[float] = []
    message = ""
    for number in range(EDITS + 1):
        text = WORDS * (number + 1)
        page = Page((Prose(text),), STOP)
        content = edit_of(page, message, final=False) if message else None
        mine.append((await ours.ask(text))[1])
        sent, seconds = await theirs.ask(content or message_of(page, place, final=False))
        others.append(seconds)
        message = message or sent
    return statistics.median(mine[1:]), statistics.median(others[1:])
