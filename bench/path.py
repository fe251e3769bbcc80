"""The way of a message through the daemon, against the bare loop, asked in turn.

    platform hands the update over ─► model has the whole request
    first token written ─► first accepted send that holds it
    last token written ─► first accepted edit that holds it and has no Stop button

Both programs run all the time, on the same core; the one that is not asked
sleeps. A room is asked again after longer than its bucket takes to fill.
"""

import asyncio
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from strict_telegram import Message

from bench.figure import Figure, Line
from bench.row import Row, milliseconds
from bench.spread import curve, flat, percentile, ratios
from bench.stage import Program, Surroundings, surroundings
from bench.staleness import tokens_in
from bench.tokens import Speaker, question

RUNS = 5
ROOMS = 8
ROUNDS = 3
"""Questions in each room and run; the first one, which makes the room, does not count."""
TOKENS = 40
GAP = 0.004
"""Seconds between two tokens."""
PAUSE = 0.15
"""Seconds between two questions, so that nothing of one falls into the next."""
PATIENCE = 20.0

PARTS = ("update → model request", "first token → visible", "end of stream → final text")


@dataclass(frozen=True, slots=True)
class Passage:
    """Seconds of each part of one message's way."""

    to_model: float
    to_first: float
    to_final: float

    def part(self, number: int) -> float:
        return (self.to_model, self.to_first, self.to_final)[number]


async def measure() -> list[Row]:
    speaker = Speaker(TOKENS, GAP)
    ours: list[list[Passage]] = []
    theirs: list[list[Passage]] = []
    async with surroundings(speaker.script()) as around:
        for _ in range(RUNS):
            async with around.daemon(ROOMS) as navi, around.bare(ROOMS) as bare:
                passages = await _in_turn(around, speaker, (navi, bare))
            ours.append(passages[0])
            theirs.append(passages[1])
    return _rows(ours, theirs)


async def _in_turn(
    around: Surroundings, speaker: Speaker, programs: Sequence[Program]
) -> list[list[Passage]]:
    found: list[list[Passage]] = [[] for _ in programs]
    for number in range(ROOMS * ROUNDS):
        for which, program in enumerate(programs):
            key = f"{number}.{which}"
            passage = await _passage(around, speaker, program, number % ROOMS, key)
            if number >= ROOMS:
                found[which].append(passage)
            await asyncio.sleep(PAUSE)
    return found


async def _passage(
    around: Surroundings, speaker: Speaker, program: Program, room: int, key: str
) -> Passage:
    before = len(around.ollama.chats)
    asked = program.ask(room, question(key))
    answer = await program.telegram.wait_for(lambda: _final(program, room, asked), timeout=PATIENCE)
    assert answer is not None, "it was waited for"
    request, spoken = around.ollama.chats[before], speaker.spoken.pop(key)
    shown = [(one.at, tokens_in(one.content.text)) for one in answer.versions]
    first = next(at for at, tokens in shown if tokens > 0)
    final = next(at for at, tokens in shown if tokens == TOKENS)
    handed = _handed_over(program, asked)
    assert handed is not None, "what was answered was handed over"
    return Passage(request.arrived - handed, first - spoken.written[0], final - spoken.written[-1])


def _final(program: Program, room: int, asked: Message) -> Message | None:
    """Return the answer to a message once it stands there for good."""
    last = program.telegram.last(program.chat(room))
    if last is None or last.id < asked.id or last.buttons:
        return None
    return last if tokens_in(last.text) == TOKENS else None


def _handed_over(program: Program, asked: Message) -> float | None:
    """Return when the poll that had the message ended."""
    for call in reversed(program.telegram.calls("getUpdates")):
        if any(update["update_id"] == asked.update_id for update in call.result or ()):
            return call.ended
    return None


def _rows(ours: list[list[Passage]], theirs: list[list[Passage]]) -> list[Row]:
    mine = [_part(ours, number) for number in range(len(PARTS))]
    others = [_part(theirs, number) for number in range(len(PARTS))]
    details = [
        f"navi-bot {milliseconds(flat(one))}; bare loop {milliseconds(flat(other))}"
        for one, other in zip(mine, others, strict=True)
    ]
    figures = [_figure(PARTS[n], flat(mine[n]), flat(others[n])) for n in range(len(PARTS))]
    to_model, to_first, to_final = (
        ratios(one, other) for one, other in zip(mine, others, strict=True)
    )
    tails = tuple(1000 * percentile(run, 0.99) for run in mine[0])
    firsts = tuple(1000 * statistics.median(run) for run in mine[1])
    return [
        _ratio(PARTS[0], to_model, 4.0, details[0], figures[0]),
        Row(
            f"path: {PARTS[0]}, p99",
            1000 * percentile(flat(mine[0]), 0.99),
            "ms",
            50.0,
            "with the message's commit",
            runs=tails,
        ),
        Row(
            f"path: {PARTS[1]}, p50",
            statistics.median(firsts),
            "ms",
            10.0,
            f"{details[1]}; {statistics.median(to_first):.2f} times the bare loop",
            runs=firsts,
            figure=figures[1],
        ),
        _ratio(PARTS[2], to_final, 3.0, details[2], figures[2]),
    ]


def _part(runs: list[list[Passage]], number: int) -> list[list[float]]:
    return [[passage.part(number) for passage in run] for run in runs]


def _ratio(name: str, runs: list[float], bar: float, detail: str, figure: Figure) -> Row:
    value = statistics.median(runs)
    return Row(
        f"path: {name}, p50 / bare", value, "ratio", bar, detail, runs=tuple(runs), figure=figure
    )


def _figure(title: str, ours: list[float], theirs: list[float]) -> Figure:
    lines = tuple(
        Line(name, percents, [1000 * value for value in values])
        for name, (percents, values) in (("navi-bot", curve(ours)), ("bare loop", curve(theirs)))
    )
    file = title.replace(" → ", "-to-").replace(" ", "-")
    return Figure(file, title, "per cent of the messages", "milliseconds at most", lines)
