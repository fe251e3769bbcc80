"""Processor time of one answer of 200 tokens, against the bare loop with the same calls."""

import asyncio
import statistics
from collections.abc import Sequence

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


async def measure() -> list[Row]:
    speaker = Speaker(TOKENS, GAP)
    ours: list[list[Used]] = []
    theirs: list[list[Used]] = []
    calls: dict[str, str] = {}
    async with surroundings(speaker.script()) as around:
        for _ in range(RUNS):
            async with around.daemon(ANSWERS) as navi, around.bare(ANSWERS) as bare:
                costs = await _in_turn((navi, bare))
                calls = {program.name: _calls(program) for program in (navi, bare)}
            ours.append(costs[0])
            theirs.append(costs[1])
    return _rows(ours, theirs, calls)


async def _in_turn(programs: Sequence[Program]) -> list[list[Used]]:
    for which, program in enumerate(programs):
        await asyncio.gather(
            *(_answer(program, room, f"{room}.{which}") for room in range(ANSWERS))
        )
    found: list[list[Used]] = [[] for _ in programs]
    for room in range(ANSWERS):
        for which, program in enumerate(programs):
            before = program.used()
            await _answer(program, room, f"{room}.{which}")
            found[which].append(program.used() - before)
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


def _calls(program: Program) -> str:
    """Return how many calls of which kind one answer took."""
    chat = program.chat(0)
    counted = {
        name: len(program.telegram.calls(name, chat)) / 2
        for name in ("sendChatAction", "sendMessage", "editMessageText")
    }
    return ", ".join(f"{number:g} {name}" for name, number in counted.items())


def _rows(ours: list[list[Used]], theirs: list[list[Used]], calls: dict[str, str]) -> list[Row]:
    own = [_mean([each.own for each in run]) for run in ours]
    whole = [_mean([each.own + each.database for each in run]) for run in ours]
    bare = [_mean([each.own for each in run]) for run in theirs]
    figure = Figure(
        "cost",
        f"Processor time of an answer of {TOKENS} tokens",
        "run",
        "milliseconds",
        tuple(
            Line(name, range(1, len(values) + 1), [1000 * value for value in values])
            for name, values in (
                ("navi-bot with PostgreSQL", whole),
                ("navi-bot", own),
                ("bare loop", bare),
            )
        ),
    )
    said = "; ".join(f"{name}: {listed}" for name, listed in calls.items())
    return [
        _row("processor time of an answer / bare", own, bare, said, figure),
        _row("the same with PostgreSQL / bare", whole, bare, "", None),
    ]


def _row(name: str, ours: list[float], bare: list[float], more: str, figure: Figure | None) -> Row:
    runs = tuple(mine / other for mine, other in zip(ours, bare, strict=True))
    detail = f"{1000 * _mean(ours):.0f} ms against {1000 * _mean(bare):.0f} ms"
    return Row(
        f"cost: {name}",
        statistics.median(runs),
        "ratio",
        2.5,
        f"{detail}; {more}" if more else detail,
        runs=runs,
        figure=figure,
    )


def _mean(values: Sequence[float]) -> float:
    return statistics.fmean(values) if values else 0.0
