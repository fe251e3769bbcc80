"""The doctor: asks each part how it is and prints a line for each.

    ✓ telegram: @navi_bot answers.
    ✗ model: The model gemma4 is not installed; install it with: ollama pull gemma4

All parts are asked at once, each has a time limit, and the lines come in the
parts' order. A part that fails says the mend itself: its error is a sentence.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import structlog

from navi_bot.errors import NaviError

log = structlog.get_logger()

ANSWER_TIME = 10.0
"""Seconds in which a part must answer."""


@dataclass(frozen=True, slots=True)
class Probe:
    """One part. `check` returns a sentence, or raises a NaviError that says the mend."""

    name: str
    check: Callable[[], Awaitable[str]]
    timeout: float = ANSWER_TIME


@dataclass(frozen=True, slots=True)
class Finding:
    name: str
    well: bool
    sentence: str
    seconds: float

    def __str__(self) -> str:
        return f"{'✓' if self.well else '✗'} {self.name}: {self.sentence}"


async def diagnose(probes: Sequence[Probe], show: Callable[[str], object]) -> bool:
    """Ask every part, show a line for each; return whether all are well."""
    well = True
    async with asyncio.TaskGroup() as tasks:
        for asked in [tasks.create_task(examine(probe)) for probe in probes]:
            finding = await asked
            show(str(finding))
            well = well and finding.well
    return well


async def examine(probe: Probe) -> Finding:
    """Ask one part; never fails."""
    started = time.monotonic()
    well = False
    try:
        async with asyncio.timeout(probe.timeout):
            sentence = await probe.check()
        well = True
    except TimeoutError:
        sentence = f"No answer within {probe.timeout:.0f} s."
    except NaviError as error:
        sentence = str(error)
    except Exception as error:  # a task's boundary: one part must not hide the others
        log.error("probe_failed", probe=probe.name, exc_info=error)
        sentence = f"A fault of navi-bot's own ({type(error).__name__}); it is in the log."
    return Finding(probe.name, well, sentence, time.monotonic() - started)
