"""Ends the embedded server of a daemon that was killed.

A server's processes work in the cluster's folder, all of them: that tells
them from another program that was given an old process id, and it finds the
workers of a server that was itself killed. Only when none is left may the
notes of its process id be taken away. They must be then: PostgreSQL believes
them as long as the id is in use, be it by another program or by a zombie.
"""

import asyncio
import os
import signal
from pathlib import Path

import structlog

from navi_bot.errors import StoreError
from navi_bot.store.cluster import Cluster

log = structlog.get_logger()

PATIENCE = 10.0
"""Seconds for each way of ending, from a fast shutdown to a kill."""
LOOK_EVERY = 0.05


async def end_leftover(cluster: Cluster) -> None:
    """End what still runs on the cluster; what it had committed stays.

    StoreError when it does not end.
    """
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        left = processes(cluster.folder)
        if not left:
            break
        main = cluster.running()
        first = [main[0]] if main and main[0] in left else left
        log.info("leftover_server_ended", pids=first, signal=number.name)
        for pid in first:
            _send(pid, number)
        await _until_none(cluster.folder)
    left = processes(cluster.folder)
    if left:
        raise StoreError(
            f"The old database server (process {left[0]}) does not end. End it, then start again."
        )
    for note in (cluster.folder / "postmaster.pid", *cluster.sockets.glob(".s.PGSQL.*")):
        note.unlink(missing_ok=True)


def processes(folder: Path) -> list[int]:
    """Return the ids of all live processes that work in a cluster's folder."""
    place = os.path.realpath(folder)
    return [pid for pid in _ids() if _working_folder(pid) == place]


def _ids() -> list[int]:
    try:
        return sorted(int(name) for name in os.listdir("/proc") if name.isdigit())
    except OSError:
        return []


def _working_folder(pid: int) -> str:
    try:
        return os.readlink(f"/proc/{pid}/cwd")
    except OSError:
        return ""


def _send(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
    except PermissionError as error:
        raise StoreError(
            f"The old database server (process {pid}) belongs to another user. End it."
        ) from error


async def _until_none(folder: Path) -> None:
    for _ in range(int(PATIENCE / LOOK_EVERY)):
        if not processes(folder):
            return
        await asyncio.sleep(LOOK_EVERY)
