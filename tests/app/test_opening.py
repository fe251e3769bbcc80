"""The database of a daemon is waited for where it may come back."""

import asyncio
import re
import socket
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import structlog.testing
from daemon.cable import Cable

from navi_bot.app.opening import opened
from navi_bot.errors import ConfigurationError, StoreUnavailable
from navi_bot.notify import Notifier
from navi_bot.settings import Settings

NOBODY = "postgresql://navi@127.0.0.1:9/navi"
"""The discard port: nobody listens there."""


def settings(url: str, folder: Path) -> Settings:
    return Settings.model_validate(
        {"database_url": url, "data_dir": folder, "owners": "telegram:7"}
    )


async def test_systemd_hears_what_the_start_waits_for_until_it_is_there(
    dsn: str, tmp_path: Path
) -> None:
    """The time allowed for a start is extended; a minute of waiting is one line of log."""
    address = str(tmp_path / "notify")
    cable = Cable(dsn)
    await cable.join()
    cable.cut()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(address)
        heard.setblocking(False)
        notifier = Notifier.from_environment({"NOTIFY_SOCKET": address})
        with structlog.testing.capture_logs() as lines:
            async with AsyncExitStack() as stack:
                chosen = settings(cable.dsn, tmp_path)
                opening = asyncio.ensure_future(
                    opened(stack, chosen, notifier, patient=True, waits=(0.001,))
                )
                loop = asyncio.get_running_loop()
                for _ in range(3):
                    said = await asyncio.wait_for(loop.sock_recv(heard, 512), 10)
                await cable.join()
                stores = await asyncio.wait_for(opening, 10)
                owner = await stores.people.owner_exists()
    assert re.fullmatch(rb"EXTEND_TIMEOUT_USEC=60000000\nSTATUS=waiting for the database: .+", said)
    assert owner
    assert [line["event"] for line in lines].count("database_awaited") == 1


@pytest.mark.parametrize(
    ("url", "patient", "error"),
    [
        pytest.param(lambda _: NOBODY, False, StoreUnavailable, id="somebody reads along"),
        pytest.param(
            lambda right: re.sub(r"/[^/?]+(\?|$)", r"/nowhere\1", right),
            True,
            ConfigurationError,
            id="one that does not exist",
        ),
    ],
)
async def test_what_waiting_would_not_mend_is_told_at_once(
    url: Callable[[str], str],
    patient: bool,
    error: type[Exception],
    dsn: str,
    tmp_path: Path,
) -> None:
    async with AsyncExitStack() as stack:
        with pytest.raises(error):
            await opened(
                stack,
                settings(url(dsn), tmp_path),
                Notifier.from_environment({}),
                patient=patient,
            )
