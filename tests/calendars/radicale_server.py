"""A real calendar server on loopback: Radicale, with one account."""

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

TRIES = 5
USER, PASSWORD = "ann", "only-for-tests"

_CONFIG = """
[server]
hosts = 127.0.0.1:{port}
[auth]
type = htpasswd
htpasswd_filename = {folder}/users
htpasswd_encryption = plain
delay = 0
[storage]
filesystem_folder = {folder}/collections
"""

_EVENT = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//t//t\r\n{body}\r\nEND:VCALENDAR\r\n"


@dataclass(frozen=True, slots=True)
class Radicale:
    url: str

    async def keeps(self, calendar: str, *bodies: str) -> None:
        """Make a calendar with events; each body is a VEVENT or more, of lines."""
        auth = (USER, PASSWORD)
        async with httpx.AsyncClient(auth=auth, base_url=self.url, trust_env=False) as client:
            made = await client.request("MKCALENDAR", f"/{USER}/{calendar}/")
            assert made.status_code == 201, made.text
            for number, body in enumerate(bodies):
                text = _EVENT.format(body="\r\n".join(body.strip().splitlines()))
                put = await client.put(
                    f"/{USER}/{calendar}/{number}.ics",
                    content=text,
                    headers={"Content-Type": "text/calendar"},
                )
                assert put.status_code == 201, put.text


@asynccontextmanager
async def radicale(folder: Path) -> AsyncIterator[Radicale]:
    """Run the server; it cannot choose a port itself, so a free one is found for it."""
    (folder / "users").write_text(f"{USER}:{PASSWORD}\n")
    for _ in range(TRIES):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        config = folder / "config"
        config.write_text(_CONFIG.format(folder=folder, port=port))
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "radicale", "--config", str(config),
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            if await _listens(process, port):
                yield Radicale(f"http://127.0.0.1:{port}")
                return
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()
    raise AssertionError("Radicale does not start.")


async def _listens(process: asyncio.subprocess.Process, port: int) -> bool:
    """Wait until it takes connections; False when it ended instead: the port was taken."""
    async with asyncio.timeout(20):
        while process.returncode is None:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return True
    return False


def event(uid: str, *lines: str) -> str:
    """Return a VEVENT."""
    return "\n".join(
        ("BEGIN:VEVENT", f"UID:{uid}", "DTSTAMP:20260101T000000Z", *lines, "END:VEVENT")
    )
