"""Tells systemd how the daemon is, by its notification protocol (sd_notify(3))."""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Notifier:
    """Says nothing where nobody listens (`address` is ""); never fails.

    `interval`: seconds between two beats, 0.0 when no watchdog watches.
    """

    address: str = ""
    interval: float = 0.0

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Read $NOTIFY_SOCKET; beat twice in the time that $WATCHDOG_USEC allows."""
        microseconds = environment.get("WATCHDOG_USEC", "")
        meant = environment.get("WATCHDOG_PID", "") in ("", str(os.getpid()))
        watched = meant and microseconds.isascii() and microseconds.isdigit()
        return cls(
            address=environment.get("NOTIFY_SOCKET", ""),
            interval=int(microseconds) / 2_000_000 if watched else 0.0,
        )

    def ready(self, status: str) -> None:
        self._send(f"READY=1\nSTATUS={_line(status)}")

    def status(self, status: str) -> None:
        self._send(f"STATUS={_line(status)}")

    def waiting(self, status: str, seconds: float) -> None:
        """Say what the start waits for; the time allowed for it ends so many seconds from now."""
        self._send(f"EXTEND_TIMEOUT_USEC={round(seconds * 1_000_000)}\nSTATUS={_line(status)}")

    def beat(self) -> None:
        """Tell the watchdog that the daemon makes progress."""
        self._send("WATCHDOG=1")

    def stopping(self) -> None:
        self._send("STOPPING=1")

    def _send(self, state: str) -> None:
        if not self.address.startswith(("/", "@")):
            return
        # "@" stands for the zero byte that begins an abstract socket's name.
        name = "\0" + self.address[1:] if self.address[0] == "@" else self.address
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
            out.setblocking(False)
            try:
                out.sendto(state.encode(), name)
            except OSError:
                return  # a missed beat comes again; the daemon's work matters more


def _line(text: str) -> str:
    return " ".join(text.split())
