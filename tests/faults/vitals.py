"""What a process holds while nobody asks it anything: memory, descriptors, tasks.

The system tells the resident memory and the descriptors of the process as it
is; tasks and objects come from its launcher, which collects garbage first.
"""

import asyncio
import json
import operator
import os
import signal
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import reduce
from pathlib import Path

LOOKS, EVERY = 8, 0.2
"""Looks at a process at rest, and seconds between them: what a timer does is no leak."""
COUNTED = 20.0
"""Seconds in which the launcher answers."""
OTHER = "other"


@dataclass(frozen=True, slots=True)
class Vitals:
    """`memory` is resident, in bytes; `connections` are counted by whom they lead to."""

    memory: int
    objects: Counter[str]
    """Of the program's own types, by their names."""
    tasks: Counter[str]
    connections: Counter[str]
    descriptors: int
    """Without these connections."""


@dataclass(frozen=True, slots=True)
class Rest:
    """Some looks at a process at rest. What differs between them comes and goes by itself."""

    least: Vitals
    most: Vitals


async def rest(pid: int, counts: Path, peers: Mapping[int, str]) -> Rest:
    """Look at a process for a while; `peers`: names by port."""
    looks = []
    for _ in range(LOOKS):
        looks.append(await _look(pid, counts, peers))
        await asyncio.sleep(EVERY)
    return Rest(_of(looks, min, operator.and_), _of(looks, max, operator.or_))


Choice = Callable[[Iterable[int]], int]
Merge = Callable[[Counter[str], Counter[str]], Counter[str]]


def _of(looks: Sequence[Vitals], choice: Choice, merge: Merge) -> Vitals:
    return Vitals(
        memory=choice(look.memory for look in looks),
        objects=reduce(merge, (look.objects for look in looks)),
        tasks=reduce(merge, (look.tasks for look in looks)),
        connections=reduce(merge, (look.connections for look in looks)),
        descriptors=choice(look.descriptors for look in looks),
    )


async def _look(pid: int, counts: Path, peers: Mapping[int, str]) -> Vitals:
    memory = _resident(pid)
    targets = list(_targets(pid))
    leading = _leading(pid, peers)
    connections = Counter(leading[target] for target in targets if target in leading)
    _ask(pid, counts)
    async with asyncio.timeout(COUNTED):
        while (told := _told(counts)) is None:  # noqa: ASYNC110 - another process tells nobody
            await asyncio.sleep(0.01)
    objects, tasks = Counter(told["objects"]), Counter(told["tasks"])
    return Vitals(memory, objects, tasks, connections, len(targets) - connections.total())


def _ask(pid: int, counts: Path) -> None:
    counts.unlink(missing_ok=True)
    os.kill(pid, signal.SIGUSR2)


def _told(counts: Path) -> dict[str, dict[str, int]] | None:
    """Return what the launcher has written, None if it has not yet."""
    if not counts.exists():
        return None
    found: dict[str, dict[str, int]] = json.loads(counts.read_text(encoding="utf-8"))
    return found


def _resident(pid: int) -> int:
    pages = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def _targets(pid: int) -> Iterator[str]:
    """Yield what the process's descriptors point at."""
    for each in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            yield os.readlink(each)


def _leading(pid: int, peers: Mapping[int, str]) -> dict[str, str]:
    """Return the names of whom sockets lead to, by what their descriptors point at."""
    table = Path(f"/proc/{pid}/net/tcp").read_text(encoding="ascii").splitlines()[1:]
    found = {}
    for line in table:
        fields = line.split()
        port = int(fields[2].rpartition(":")[2], 16)
        found[f"socket:[{fields[9]}]"] = peers.get(port, OTHER)
    return {target: name for target, name in found.items() if name != OTHER}
