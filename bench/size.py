"""What the daemon takes when nobody talks to it: memory, processor, its start and its end.

It runs as it is installed: Telegram, Ollama and its own embedded database,
whose cluster is there already. All of it is on one core, the database too.
"""

import asyncio
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

from strict_telegram import Server

from bench.meter import Used, resident, used
from bench.row import Row
from bench.stage import Program, surroundings
from bench.staleness import tokens_in
from bench.tokens import Speaker, question

RUNS = 5
TOKENS, GAP = 40, 0.005
SETTLE = 3.0
"""Seconds after the last answer until it counts as idle."""
IDLE = 8.0
"""Seconds in which it is left alone."""
PATIENCE = 20.0


@dataclass(frozen=True, slots=True)
class Life:
    """One run. Seconds, shares of a core, MiB."""

    start: float
    idle: Used
    memory: float
    end: float


async def measure() -> list[Row]:
    speaker = Speaker(TOKENS, GAP)
    lives = []
    async with surroundings(speaker.script()) as around, Server() as telegram:
        async with around.installed(telegram):  # makes the cluster
            pass
        for _ in range(RUNS):
            async with around.installed(telegram) as navi:
                lives.append(await _lived(navi))
    return _rows(lives)


async def _lived(navi: Program) -> Life:
    daemon = navi.daemon
    assert daemon is not None
    start = navi.started
    await _answered(navi)
    await asyncio.sleep(SETTLE)
    before, began = used(navi.pid), time.monotonic()
    await asyncio.sleep(IDLE)
    spent, seconds = used(navi.pid) - before, time.monotonic() - began
    idle = Used(spent.own / seconds, spent.database / seconds)
    memory = resident(navi.pid)
    told = time.monotonic()
    daemon.terminate()
    await daemon.ended()
    return Life(start, idle, memory, time.monotonic() - told)


async def _answered(navi: Program) -> None:
    """Have one answer, so that what is loaded late is there."""
    asked = navi.ask(0, question("0.0"))

    def is_answered() -> bool:
        last = navi.telegram.last(navi.chat(0))
        if last is None or last.id < asked.id or last.buttons:
            return False
        return tokens_in(last.text) == TOKENS

    await navi.telegram.wait_for(is_answered, timeout=PATIENCE)


def _rows(lives: Sequence[Life]) -> list[Row]:
    whole = [100 * (life.idle.own + life.idle.database) for life in lives]
    return [
        _row("idle: processor", [100 * life.idle.own for life in lives], "% of a core", 1.0),
        _row("idle: processor with PostgreSQL", whole, "% of a core", 1.0),
        _row("idle: memory without PostgreSQL", [life.memory for life in lives], "MiB", 110.0),
        _row("start: until ready, own cluster", [life.start for life in lives], "s", 3.0),
        _row("end: after SIGTERM, idle", [life.end for life in lives], "s", 2.0),
    ]


def _row(name: str, values: Sequence[float], unit: str, bar: float) -> Row:
    return Row(f"size: {name}", statistics.median(values), unit, bar, runs=tuple(values))
