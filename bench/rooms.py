"""Many rooms at once: how far what they show lags behind what the model says.

All rooms are asked at the same moment, and each answer streams 50 tokens a
second. Every 50 ms each room is asked for its staleness; the percentiles are
over all samples of all rooms. The bare loop, at the same numbers of rooms and
on the same servers, shows how far the harness itself goes.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from bench.figure import Figure, Line
from bench.row import Row
from bench.spread import curve, flat, percentile
from bench.stage import UNLIMITED, Program, surroundings
from bench.staleness import Shown, samples, tokens_in
from bench.tokens import Speaker, Spoken, question

RUNS = 5
TOKENS, GAP = 200, 0.02
"""50 tokens a second, for 4 seconds."""
AT_LEAST = 100
UPWARD = (150, 175, 200, 250)
"""Numbers of rooms that are tried after the first, until one lags too far."""
HELD = 2.0
"""Seconds of staleness, p99, that a number of rooms has to hold."""
LIMITED_ROOMS, LIMITED_HELD = 60, 3.0
"""And the seconds of staleness, p99, that they have to hold."""
PATIENCE = 20.0
"""Seconds until what was not shown counts as never shown."""
LATE = 0.05
"""Seconds of lateness of the model host itself, p99, after which a load is tried once more."""
REST = 2.0
"""Seconds between two loads."""


@dataclass(frozen=True, slots=True)
class Load:
    """What one number of rooms came to. Seconds."""

    rooms: int
    missing: int
    """Answers that were not shown whole."""
    ages: Sequence[float]
    lag: float
    """How late the model host itself was, p99."""

    def __str__(self) -> str:
        lost = f", {self.missing} not whole" if self.missing else ""
        return f"{self.rooms}: {self.p99:.2f} s (tokens {1000 * self.lag:.0f} ms late{lost})"

    @property
    def p50(self) -> float:
        return percentile(self.ages, 0.5)

    @property
    def p99(self) -> float:
        return percentile(self.ages, 0.99)

    @property
    def holds(self) -> bool:
        return not self.missing and self.p99 <= HELD


async def measure() -> list[Row]:
    """Measure with Telegram's limits lifted, at the server and in the daemon."""
    speaker = Speaker(TOKENS, GAP)
    ours: list[Load] = []
    bare: list[Load] = []
    most = max(UPWARD)
    async with (
        surroundings(speaker.script()) as around,
        around.daemon(most, TELEGRAM_CALLS_PER_SECOND=UNLIMITED) as navi,
        around.bare(most) as loop,
    ):
        for program in (navi, loop):  # makes the rooms and connections
            await _loaded(program, speaker, most)
        for _ in range(RUNS):
            ours.append(await _loaded(navi, speaker, AT_LEAST))
            bare.append(await _loaded(loop, speaker, AT_LEAST))
        upward = [await _loaded(loop, speaker, rooms) for rooms in UPWARD]
        tried: list[Load] = []
        for rooms in UPWARD:
            load = await _loaded(navi, speaker, rooms)
            if not load.holds and load.lag > LATE:
                load = await _loaded(navi, speaker, rooms)
            tried.append(load)
            if not load.holds:
                break
    return _rows(ours, bare, tried, upward)


async def measure_limited() -> list[Row]:
    """Measure under Telegram's 30 calls a second for all chats together."""
    speaker = Speaker(TOKENS, GAP)
    async with (
        surroundings(speaker.script()) as around,
        around.daemon(LIMITED_ROOMS, "mild") as navi,
    ):
        await _loaded(navi, speaker, LIMITED_ROOMS)
        loads = [await _loaded(navi, speaker, LIMITED_ROOMS) for _ in range(RUNS)]
        refused = len(navi.telegram.flooded())
    whole = _together(loads)
    figure = Figure(
        "limited-rooms",
        f"Staleness of {LIMITED_ROOMS} rooms at 30 calls a second",
        "per cent of the samples",
        "seconds at most",
        (Line("navi-bot", *curve(whole.ages)),),
        LIMITED_HELD,
    )
    return [
        Row(
            f"limited: staleness p99 of {LIMITED_ROOMS} rooms at 30 calls/s",
            whole.p99,
            "s",
            LIMITED_HELD,
            f"p50 {whole.p50:.2f} s; {refused} calls refused",
            runs=tuple(load.p99 for load in loads),
            figure=figure,
        ),
        Row(
            f"limited: answers of {RUNS * LIMITED_ROOMS} that were not shown whole",
            sum(load.missing for load in loads),
            "answers",
            0,
        ),
    ]


async def _loaded(program: Program, speaker: Speaker, rooms: int) -> Load:
    """Ask in so many rooms at once, and wait until every answer stands."""
    await asyncio.sleep(REST)
    speaker.spoken.clear()
    began = time.monotonic()
    asked = [program.ask(room, question(f"{room}.0")).id for room in range(rooms)]
    missing = await _until_whole(program, asked)
    ended = time.monotonic()
    ages: list[float] = []
    lags: list[float] = []
    for room in range(rooms):
        spoken = speaker.spoken.get(f"{room}.0", Spoken())
        lags += spoken.lag
        ages += samples(spoken.written, _shown(program, room, asked[room]), ended)
    return Load(rooms, missing, ages or [ended - began], percentile(lags or [0.0], 0.99))


async def _until_whole(program: Program, asked: Sequence[int]) -> int:
    """Wait for the final texts; return how many never came."""
    waiting = set(range(len(asked)))
    deadline = time.monotonic() + PATIENCE
    while waiting and time.monotonic() < deadline:
        await asyncio.sleep(0.1)
        waiting = {room for room in waiting if not _is_whole(program, room, asked[room])}
    return len(waiting)


def _is_whole(program: Program, room: int, asked: int) -> bool:
    last = program.telegram.last(program.chat(room))
    if last is None or last.id < asked or last.buttons:
        return False
    return tokens_in(last.text) == TOKENS


def _shown(program: Program, room: int, asked: int) -> list[Shown]:
    answers = (one for one in program.telegram.messages(program.chat(room)) if one.id > asked)
    answer = next(answers, None)
    versions = answer.versions if answer else []
    return [Shown(version.at, tokens_in(version.content.text)) for version in versions]


def _rows(ours: list[Load], bare: list[Load], tried: list[Load], upward: list[Load]) -> list[Row]:
    first, first_bare = _together(ours), _together(bare)
    held = max((load.rooms for load in (first, *tried) if load.holds), default=0)
    carried = max((load.rooms for load in (first_bare, *upward) if not load.missing), default=0)
    figure = Figure(
        "rooms",
        "Staleness p99 of many rooms at 50 tokens a second",
        "rooms",
        "seconds",
        (_line("navi-bot", [first, *tried]), _line("bare loop", [first_bare, *upward])),
        HELD,
    )
    return [
        Row(
            f"rooms: staleness p99 of {AT_LEAST} rooms at 50 tokens/s",
            first.p99,
            "s",
            2.5,
            f"p50 {first.p50:.2f} s; bare loop p50 {first_bare.p50:.2f} s, "
            f"p99 {first_bare.p99:.2f} s",
            runs=tuple(load.p99 for load in ours),
            figure=figure,
        ),
        Row(
            f"rooms: answers of {RUNS * AT_LEAST} that were not shown whole",
            sum(load.missing for load in ours),
            "answers",
            0,
        ),
        _search(f"rooms: that hold a staleness p99 of {HELD:g} s", held, [first, *tried]),
        _search("rooms: that the bare loop is served with", carried, [first_bare, *upward]),
    ]


def _together(loads: Sequence[Load]) -> Load:
    """Return several loads of the same number of rooms as one."""
    rooms = loads[0].rooms
    missing = max(load.missing for load in loads)
    lag = max(load.lag for load in loads)
    return Load(rooms, missing, flat([load.ages for load in loads]), lag)


def _line(name: str, loads: Sequence[Load]) -> Line:
    return Line(name, [load.rooms for load in loads], [load.p99 for load in loads])


def _search(name: str, rooms: int, loads: Sequence[Load]) -> Row:
    detail = "; ".join(str(load) for load in loads)
    return Row(name, rooms, "rooms", AT_LEAST, detail, at_least=True)
