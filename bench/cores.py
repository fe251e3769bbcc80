"""Which processor core does what: the measured program has one to itself.

Programs under test run on the first core. The database, the strict servers
and the harness share the others. What is pinned hands its cores on to its
children, so a program is started while its starter stands on its cores.
"""

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Cores:
    """`tested` and `rest` are the same where there is only one core."""

    tested: frozenset[int]
    rest: frozenset[int]

    @property
    def are_apart(self) -> bool:
        return not self.tested & self.rest

    def __str__(self) -> str:
        if not self.are_apart:
            return "one core for all: the harness takes time from what it measures"
        return f"core {_listed(self.tested)} measured, core {_listed(self.rest)} for the rest"


def divided(cores: frozenset[int]) -> Cores:
    """Give the first core to what is measured and the others to the rest."""
    first, *others = sorted(cores)
    tested = frozenset([first])
    return Cores(tested, frozenset(others) or tested)


CORES = divided(frozenset(os.sched_getaffinity(0)))


@contextmanager
def standing_on(cores: frozenset[int]) -> Iterator[None]:
    """Run on these cores for a while; what is started meanwhile stays there."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def machine() -> dict[str, str]:
    """Return what a reader must know of this machine; nothing that names it."""
    return {
        "processor": _processor(),
        "cores": str(len(CORES.tested | CORES.rest)),
        "division": str(CORES),
        "precedence": "real time" if os.sched_getscheduler(0) else "none",
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "python": platform.python_version(),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())


def _listed(cores: frozenset[int]) -> str:
    return ", ".join(str(core) for core in sorted(cores))
