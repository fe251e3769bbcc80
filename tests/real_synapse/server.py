"""The process: start, kill, start again, people's accounts, the operator's calls."""

import contextlib
import hashlib
import hmac
import http.client
import json
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

from real_synapse.config import (
    SERVER_NAME,
    SHARED_SECRET,
    SIGNING_KEY,
    homeserver_config,
    log_config,
)

BOOT_WAIT = 60.0
"""Seconds; it takes 1.5 on an idle machine."""
CALL_TIMEOUT = 20.0

Answer = tuple[int, dict[str, Any]]


@dataclass(frozen=True)
class Login:
    """An account of the tests, logged in."""

    user_id: str
    device_id: str
    token: str
    password: str


class Synapse:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None
        self._admin: Login | None = None

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._config.write_text(homeserver_config(self._folder, self.port))
        (self._folder / "log.yaml").write_text(log_config(self._folder))
        (self._folder / "signing.key").write_text(SIGNING_KEY)
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def _config(self) -> Path:
        return self._folder / "homeserver.yaml"

    def _popen(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "synapse.app.homeserver", "-c"]
        with (self._folder / "out.log").open("ab") as out:
            return subprocess.Popen(
                [*command, str(self._config)], cwd=self._folder, stdout=out, stderr=out
            )

    def start(self) -> None:
        """Start it and wait until it answers."""
        self._process = self._popen()
        deadline = time.monotonic() + BOOT_WAIT
        while True:
            with contextlib.suppress(OSError, http.client.HTTPException):
                if self._ask("GET", "/health")[0] == 200:
                    return
            assert self._process.poll() is None, self._log()
            assert time.monotonic() < deadline, self._log()
            time.sleep(0.05)  # between processes there is nothing to wait on

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """kill -9."""
        self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(how)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)

    def register(self, name: str, *, admin: bool = False, freed: bool = True) -> Login:
        """Make an account; `freed`: the limit of messages does not hold for it."""
        password = f"password of {name}"
        nonce = self.call("GET", "/_synapse/admin/v1/register")["nonce"]
        words = (nonce, name, password, "admin" if admin else "notadmin")
        mac = hmac.new(SHARED_SECRET.encode(), "\0".join(words).encode(), hashlib.sha1)
        made = self.call(
            "POST",
            "/_synapse/admin/v1/register",
            {
                "nonce": nonce,
                "username": name,
                "password": password,
                "admin": admin,
                "mac": mac.hexdigest(),
            },
        )
        login = Login(made["user_id"], made["device_id"], made["access_token"], password)
        if freed:
            self.free(login.user_id)
        return login

    def log_in(self, login: Login) -> Login:
        """Log an account in with its password at a new device."""
        body = {
            "type": "m.login.password",
            "identifier": {"type": "m.id.user", "user": login.user_id},
            "password": login.password,
        }
        made = self.call("POST", "/_matrix/client/v3/login", body)
        return replace(login, device_id=made["device_id"], token=made["access_token"])

    def free(self, user_id: str) -> None:
        """Do what an operator does for a bot: no limit of messages for this account."""
        path = f"/_synapse/admin/v1/users/{quote(user_id)}/override_ratelimit"
        self.call("POST", path, {"messages_per_second": 0, "burst_count": 0}, self.admin.token)

    @property
    def admin(self) -> Login:
        if self._admin is None:
            self._admin = self.register("operator", admin=True, freed=False)
        return self._admin

    def call(
        self, method: str, path: str, body: dict[str, Any] | None = None, token: str = ""
    ) -> dict[str, Any]:
        """Ask the homeserver; anything but success fails the test."""
        status, answer = self.ask(method, path, body, token)
        assert 200 <= status < 300, f"{method} {path}: {status} {answer}"
        return answer

    def ask(
        self, method: str, path: str, body: dict[str, Any] | None = None, token: str = ""
    ) -> Answer:
        """Return status and answer, whatever they are."""
        status, content = self._ask(method, path, body, token)
        return status, json.loads(content)

    def _ask(
        self, method: str, path: str, body: dict[str, Any] | None = None, token: str = ""
    ) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=CALL_TIMEOUT)
        headers = {"Content-Type": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        try:
            payload = None if body is None else json.dumps(body)
            connection.request(method, path, payload, headers)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def _log(self) -> str:
        logs = (self._folder / "out.log", self._folder / "homeserver.log")
        return "\n".join(log.read_text()[-3000:] for log in logs if log.exists())


def mxid(name: str) -> str:
    """Return the full id of an account of this homeserver."""
    return f"@{name}:{SERVER_NAME}"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
