"""Counts the starts that came to nothing: the file `starts` in the data directory.

Each start adds its time. Whoever ends in order, or lives long enough, takes
the file away; a crash leaves it. So the file holds the young daemons that
crashed in a row, and needs no database to be read.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import structlog

from navi_bot.errors import NaviError
from navi_bot.log import leaves
from navi_bot.safe_mode import QUIET, YOUNG, SafeMode, is_due

log = structlog.get_logger()

FILE = "starts"
MOST = 10
"""Starts that are remembered."""


class Starts:
    """The file. What cannot be read or written is as if nothing had crashed."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE

    def earlier(self) -> tuple[float, ...]:
        """Return the starts of young daemons that crashed in a row, in Unix seconds."""
        try:
            return tuple(float(line) for line in self._path.read_text().split())
        except (OSError, ValueError):
            return ()

    def keep(self, *starts: float) -> None:
        """Have these starts known to the next daemon."""
        lines = "".join(f"{start:.3f}\n" for start in starts[-MOST:])
        new = self._path.with_suffix(".new")
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            new.write_text(lines)
            new.replace(self._path)
        except OSError as error:
            log.warning("start_not_counted", error=type(error).__name__)

    def forget(self) -> None:
        try:
            self._path.unlink(missing_ok=True)
        except OSError as error:
            log.warning("start_not_counted", error=type(error).__name__)


@asynccontextmanager
async def counted(
    folder: Path,
    now: Callable[[], float] = time.time,
    young: float = YOUNG,
    quiet: float = QUIET,
) -> AsyncIterator[SafeMode]:
    """Count this start until it has proved sound; after crashes in a row, begin in safe mode.

    `now` tells Unix seconds; `young` and `quiet` are seconds.
    """
    starts = Starts(folder)
    earlier = starts.earlier()
    starts.keep(*earlier, now())
    safe = SafeMode(on=is_due(earlier, now()))
    waited_out = safe if safe.on else None
    tasks = asyncio.TaskGroup()
    await tasks.__aenter__()
    proving = tasks.create_task(_prove(starts, waited_out, now, young, quiet))
    try:
        yield safe
    except Exception as error:
        if all(isinstance(cause, NaviError) for cause in leaves(error)):
            starts.forget()  # it knew what was wrong, and said so
        raise
    except BaseException:  # told to leave at once
        starts.forget()
        raise
    else:
        starts.forget()
    finally:
        proving.cancel()
        await tasks.__aexit__(None, None, None)  # told of an error, it would wrap it


async def _prove(
    starts: Starts, safe: SafeMode | None, now: Callable[[], float], young: float, quiet: float
) -> None:
    """Wait out safe mode, then the time in which a crash counts; then nothing has been."""
    if safe is not None:
        try:
            await asyncio.wait_for(safe.over.wait(), quiet)
        except TimeoutError:
            safe.leave("quiet")
        starts.keep(now())
    await asyncio.sleep(young)
    starts.forget()
