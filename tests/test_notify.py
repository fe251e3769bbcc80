import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from navi_bot.notify import Notifier


@contextmanager
def listener(name: str) -> Iterator[Callable[[], str]]:
    """Stand in for systemd: yield a function that takes the next message, "" for none."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(name)
        heard.setblocking(False)

        def take() -> str:
            try:
                return heard.recv(4096).decode()
            except BlockingIOError:
                return ""

        yield take


SAYINGS: list[tuple[Callable[[Notifier], None], str]] = [
    (lambda notifier: notifier.ready("telegram, model\nx"), "READY=1\nSTATUS=telegram, model x"),
    (lambda notifier: notifier.status("waiting for\nSTOPPING=1"), "STATUS=waiting for STOPPING=1"),
    (
        lambda notifier: notifier.waiting("waiting for\nthe database", 60.0),
        "EXTEND_TIMEOUT_USEC=60000000\nSTATUS=waiting for the database",
    ),
    (lambda notifier: notifier.beat(), "WATCHDOG=1"),
    (lambda notifier: notifier.stopping(), "STOPPING=1"),
]


@pytest.mark.parametrize(("say", "heard"), SAYINGS)
def test_each_state_is_one_datagram(
    tmp_path: Path, say: Callable[[Notifier], None], heard: str
) -> None:
    """A status is one line, whatever it is made of."""
    path = str(tmp_path / "notify")
    with listener(path) as take:
        say(Notifier.from_environment({"NOTIFY_SOCKET": path}))
        assert take() == heard
        assert take() == ""


def test_abstract_socket_is_reached() -> None:
    name = f"navi-bot-test-{os.getpid()}"
    with listener("\0" + name) as take:
        Notifier.from_environment({"NOTIFY_SOCKET": "@" + name}).beat()
        assert take() == "WATCHDOG=1"


@pytest.mark.parametrize("address", ["", "/nowhere/notify", "@nobody-listens", "vsock:2:1"])
def test_nobody_listening_is_no_failure(address: str) -> None:
    Notifier.from_environment({"NOTIFY_SOCKET": address}).ready("fine")


def test_full_queue_does_not_block(tmp_path: Path) -> None:
    """A listener that does not read costs us beats, never time."""
    path = str(tmp_path / "notify")
    with listener(path) as take:
        notifier = Notifier(path)
        for _ in range(5_000):
            notifier.beat()
        assert take() == "WATCHDOG=1"


INTERVALS: list[tuple[dict[str, str], float]] = [
    ({}, 0.0),
    ({"WATCHDOG_USEC": "60000000"}, 30.0),
    ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": str(os.getpid())}, 30.0),
    ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "1"}, 0.0),
    ({"WATCHDOG_USEC": "soon"}, 0.0),
]


@pytest.mark.parametrize(("environment", "interval"), INTERVALS)
def test_watchdog_is_fed_twice_in_its_time(environment: dict[str, str], interval: float) -> None:
    """Only a watchdog that means this very process counts."""
    assert Notifier.from_environment(environment).interval == interval
