"""What processes have used: processor time and memory of a tree, without the database."""

from dataclasses import dataclass

import psutil  # type: ignore[import-untyped]  # it ships no types

DATABASE = "postgres"


@dataclass(frozen=True, slots=True)
class Used:
    """Processor seconds since the start, of the programs and of their PostgreSQL."""

    own: float
    database: float = 0.0

    def __sub__(self, earlier: "Used") -> "Used":
        return Used(self.own - earlier.own, self.database - earlier.database)


def used(pid: int, database: int | None = None) -> Used:
    """Return what a tree has used; `database`: the pid of a server outside of the tree."""
    own, servers = 0.0, 0.0
    for process in tree(pid):
        seconds = _seconds(process)
        if is_database(process):
            servers += seconds
        else:
            own += seconds
    if database is not None:
        servers += sum(_seconds(process) for process in tree(database))
    return Used(own, servers)


def resident(pid: int) -> float:
    """Return MiB in memory of a tree, its PostgreSQL left out."""
    sizes = (_size(process) for process in tree(pid) if not is_database(process))
    return sum(sizes) / 2**20


def tree(pid: int) -> list[psutil.Process]:
    """Return a process and all below it; nothing when it is gone."""
    try:
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def is_database(process: psutil.Process) -> bool:
    try:
        return bool(process.name() == DATABASE)
    except psutil.NoSuchProcess:
        return False


def _seconds(process: psutil.Process) -> float:
    """Return a process's own seconds and those of its children that have ended."""
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system + times.children_user + times.children_system)


def _size(process: psutil.Process) -> float:
    try:
        return float(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0.0
