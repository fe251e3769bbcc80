"""Processor time of one answer of 200 tokens, against the bare loop with the same calls."""

import asyncio
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.figure import Figure, Line
from bench.meter import Used
from bench.row import Row
from bench.stage import Program, surroundings
from bench.staleness import tokens_in
from bench.tokens import Speaker, question

RUNS = 5
ANSWERS = 3
"""Of each program in each run, in turn; each in a room that has answered before."""
TOKENS, GAP = 200, 0.02
"""50 tokens a second."""
SETTLED = 0.4
"""Seconds after the final text in which its last work is done."""
PATIENCE = 30.0
METHODS = ("sendchataction", "sendmessage", "editmessagetext")


@dataclass(slots=True)
class Costs:
    """What the answers of one program took in one run."""

    used: list[Used] = field(default_factory=list)
    calls: Counter[str] = field(default_factory=Counter)
    """Of Telegram, by method."""

    @property
    def own(self) -> float:
        return statistics.fmean(each.own for each in self.used)

    @property
    def whole(self) -> float:
        return statistics.fmean(each.own + each.database for each in self.used)


async def measure() -> list[Row]:
    speaker = Speaker(TOKENS, GAP)
    ours: list[Costs] = []
    theirs: list[Costs] = []
    async with surroundings(speaker.script()) as around:
        for _ in range(RUNS):
            async with around.daemon(ANSWERS) as navi, around.bare(ANSWERS) as bare:
                mine, others = await _in_turn((navi, bare))
            ours.append(mine)
            theirs.append(others)
    return _rows(ours, theirs)


async def _in_turn(programs: Sequence[Program]) -> list[Costs]:
    for which, program in enumerate(programs):
        await asyncio.gather(
            *(_answer(program, room, f"{room}.{which}") for room in range(ANSWERS))
        )
    found = [Costs() for _ in programs]
    for room in range(ANSWERS):
        for which, program in enumerate(programs):
            before, made = program.used(), len(program.telegram.calls())
            await _answer(program, room, f"{room}.{which}")
            found[which].used.append(program.used() - before)
            found[which].calls.update(call.method for call in program.telegram.calls()[made:])
    return found


async def _answer(program: Program, room: int, key: str) -> None:
    """Ask, and wait until all is said and put away."""
    asked = program.ask(room, question(key))

    def is_answered() -> bool:
        last = program.telegram.last(program.chat(room))
        if last is None or last.id < asked.id or last.buttons:
            return False
        return tokens_in(last.text) == TOKENS

    await program.telegram.wait_for(is_answered, timeout=PATIENCE)
    await asyncio.sleep(SETTLED)


def _told(name: str, runs: Sequence[Costs]) -> str:
    """Return how many calls of which kind an answer took, polls left out."""
    counted: Counter[str] = Counter()
    for run in runs:
        counted.update(run.calls)
    answers = sum(len(run.used) for run in runs)
    listed = (f"{counted[method] / answers:.2g} {method}" for method in METHODS)
    return f"{name}: {', '.join(listed)}"


def _rows(ours: list[Costs], theirs: list[Costs]) -> list[Row]:
    own, whole = [run.own for run in ours], [run.whole for run in ours]
    bare = [run.own for run in theirs]
    lines = {"navi-bot with PostgreSQL": whole, "navi-bot": own, "bare loop": bare}
    figure = Figure(
        "cost",
        f"Processor time of an answer of {TOKENS} tokens",
        "run",
        "milliseconds",
        tuple(
            Line(name, range(1, len(values) + 1), [1000 * value for value in values])
            for name, values in lines.items()
        ),
    )
    calls = f"; {_told('navi-bot', ours)}; {_told('bare loop', theirs)}"
    return [
        _row("processor time of an answer / bare", own, bare, calls, figure),
        _row("the same with PostgreSQL / bare", whole, bare),
    ]


def _row(
    name: str, ours: list[float], bare: list[float], more: str = "", figure: Figure | None = None
) -> Row:
    runs = tuple(mine / other for mine, other in zip(ours, bare, strict=True))
    means = statistics.fmean(ours), statistics.fmean(bare)
    detail = f"{1000 * means[0]:.0f} ms against {1000 * means[1]:.0f} ms{more}"
    value = statistics.median(runs)
    return Row(f"cost: {name}", value, "ratio", 2.5, detail, runs=runs, figure=figure)
