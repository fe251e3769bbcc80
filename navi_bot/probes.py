"""What the doctor asks: one probe for each kind of part, over ports alone."""

import asyncio
import difflib
import shutil
import tempfile
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol

from navi_bot.doctor import Probe
from navi_bot.errors import ModelMissing, OperatorError
from navi_bot.ports.calendar import Calendar
from navi_bot.ports.model import Model
from navi_bot.ports.platform import Adapter

DATABASE_TIME = 90.0
"""Seconds: the embedded server may have to be made first."""

CALENDAR_TIME = 15.0
"""Seconds: longer than what its questions are given, whose fault says the mend."""

LEAST_FREE = 500_000_000
"""Bytes that should be free: a cluster, its log and a day of work."""


class Described(Protocol):
    @property
    def database(self) -> str:
        """What the database is, without secrets."""
        ...


def settings_probe(names: Iterable[str], known: Sequence[str]) -> Probe:
    """Look for variables that are nearly ours: they are read by nobody.

    `names`: those of the environment; `known`: those that are read.
    """
    strange = sorted(name for name in names if name.startswith("NAVI_") and name not in known)

    async def check() -> str:
        if not strange:
            return "All are usable."
        meant = (difflib.get_close_matches(name, known, 1) for name in strange)
        raise OperatorError(
            " ".join(
                f"{name} is not a setting{f'; did you mean {near[0]}?' if near else '.'}"
                for name, near in zip(strange, meant, strict=True)
            )
        )

    return Probe("settings", check)


def folder_probe(folder: Path) -> Probe:
    """Write into the data directory, and see how much room it has."""

    async def check() -> str:
        return await asyncio.to_thread(_room_in, folder)

    return Probe("data directory", check)


def _room_in(folder: Path) -> str:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"navi")
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise OperatorError(
            f"{folder} cannot be written ({error.strerror}); make it yours, "
            "or name another in NAVI_DATA_DIR."
        ) from error
    if free < LEAST_FREE:
        raise OperatorError(
            f"{folder} has {free / 1e6:.0f} MB left; make room, or name another in NAVI_DATA_DIR."
        )
    return f"{folder} can be written, {free / 1e9:.1f} GB are free."


def calendar_probe(calendar: Calendar) -> Probe:
    async def check() -> str:
        return f"It answers; there is {', '.join(await calendar.names())}."

    return Probe("calendar", check, CALENDAR_TIME)


def database_probe(opened: Callable[[], AbstractAsyncContextManager[Described]]) -> Probe:
    async def check() -> str:
        async with opened() as store:
            return f"{store.database} answers, all migrations are applied."

    return Probe("database", check, DATABASE_TIME)


def adapter_probe(adapter: Adapter) -> Probe:
    """Log in to a platform with the credentials that are configured."""

    async def check() -> str:
        try:
            await adapter.connect()
            return f"Logged in as {adapter.name or adapter.account}."
        finally:
            await adapter.close()

    return Probe(adapter.platform, check)


def model_host_probe(model: Model, address: str) -> Probe:
    async def check() -> str:
        installed = await model.installed()
        return f"{address} answers, {len(installed)} models are installed."

    return Probe("model host", check)


def model_probe(model: Model, name: str, num_ctx: int) -> Probe:
    """See whether a model is there and can use tools; "" is the host's default.

    `num_ctx`: the window that is asked for, in tokens.
    """

    async def check() -> str:
        try:
            info = await model.describe(name)
        except ModelMissing as error:
            there = f" Installed: {', '.join(error.installed)}." if error.installed else ""
            raise OperatorError(
                f"{name or 'A model'} is not installed; install it (ollama pull NAME) or name "
                f"another in NAVI_MODEL.{there}"
            ) from error
        if not info.tools:
            raise OperatorError(
                f"{info.name} cannot use tools, so the agent can only talk; name one that can "
                "in NAVI_MODEL."
            )
        window = info.context_length or num_ctx
        less = (
            f" Its window is {window} tokens, less than OLLAMA_NUM_CTX."
            if (window < num_ctx)
            else ""
        )
        return f"{info.name} is installed and can use tools.{less}"

    return Probe("model", check)


def profiles_probe(names: Sequence[str], problems: Sequence[str]) -> Probe:
    """Tell the profiles that are usable; `problems` are sentences about the others."""

    async def check() -> str:
        if problems:
            raise OperatorError(" ".join(problems))
        return f"{', '.join(names)}."

    return Probe("profiles", check)
