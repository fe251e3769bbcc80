"""Calls to the homeserver: each has a time limit, each failure is an error of the tree.

The library answers errors as values, sleeps inside a call when it is told to
be patient, and tries for ever. Here it does none of the last two, and the
values are raised.
"""

import asyncio
import json
from collections.abc import Awaitable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import nio
from nio.store import SqliteStore

from adapters.matrix.errors import Refusal, disconnection, refusal
from adapters.matrix.verification_news import is_of_device
from navi_bot.errors import Ambiguous, Bug

T = TypeVar("T")

CALL_TIMEOUT = 20.0
"""Seconds for one request that is answered at once."""


class _Client(nio.AsyncClient):
    """The library's client without its verification, whose form today's clients do not accept."""

    verification: list[nio.ToDeviceEvent]

    async def _handle_to_device(self, response: nio.SyncResponse) -> None:
        came = response.to_device_events
        self.verification = [event for event in came if is_of_device(event)]
        response.to_device_events = [event for event in came if not is_of_device(event)]
        await super()._handle_to_device(response)


class Homeserver:
    """One account's connection. `client` is the library's: its state is the truth about rooms."""

    def __init__(self, url: str, user_id: str, store: Path, passphrase: str) -> None:
        """`store`: the file of the device's keys, encrypted with `passphrase`."""
        config = nio.AsyncClientConfig(
            store=SqliteStore,
            store_name=store.name,
            pickle_key=passphrase,
            store_sync_tokens=False,
            max_limit_exceeded=0,
            max_timeouts=0,
            request_timeout=CALL_TIMEOUT,
        )
        self._own = _Client(url.rstrip("/"), user_id, None, str(store.parent), config)
        self.client: nio.AsyncClient = self._own

    @property
    def user_id(self) -> str:
        return self.client.user_id

    @property
    def device_id(self) -> str:
        return self.client.device_id or ""

    @property
    def verification(self) -> list[nio.ToDeviceEvent]:
        """What came about verification from device to device with the last sync."""
        return self._own.verification

    @property
    def fingerprint(self) -> str:
        """Return our device's public key, in groups of four as clients show it."""
        assert self.client.olm is not None, "known once the keys are loaded"
        key = str(self.client.olm.account.identity_keys["ed25519"])
        return " ".join(key[place : place + 4] for place in range(0, len(key), 4))

    async def aclose(self) -> None:
        await self.client.close()

    async def answered(
        self, call: Awaitable[T | nio.ErrorResponse], within: float = CALL_TIMEOUT
    ) -> T:
        """Await a call of the library; raise what went wrong as an error of the tree."""
        try:
            async with asyncio.timeout(within):
                answer = await call
        except TimeoutError as error:
            raise Ambiguous("The homeserver did not answer in time.") from error
        except (aiohttp.ClientError, OSError) as error:
            raise disconnection(error) from error
        except nio.LocalProtocolError as error:
            raise Bug(f"The Matrix library was used wrongly ({error}).") from error
        if isinstance(answer, nio.ErrorResponse):
            raise refusal(_refusal_of(answer))
        if (status := _status_of(answer)) >= 300:  # an empty answer looks like success
            raise refusal(Refusal(status, "", ""))
        return answer

    async def request(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        within: float = CALL_TIMEOUT,
    ) -> dict[str, Any]:
        """Make a request that the library has no call for; `path` begins with /_matrix."""
        status, answer = await self.attempt(method, path, body, within)
        if status >= 300:
            raise refusal(refusal_in(status, answer))
        return answer

    async def attempt(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        within: float = CALL_TIMEOUT,
    ) -> tuple[int, dict[str, Any]]:
        """Make a request; return status and answer, whatever they are."""
        headers = {"Content-Type": "application/json"}
        if self.client.access_token:
            headers["Authorization"] = f"Bearer {self.client.access_token}"
        data = None if body is None else json.dumps(body)
        try:
            async with asyncio.timeout(within):
                response = await self.client.send(method, path, data, headers, None, within)
                content = await response.read()
        except TimeoutError as error:
            raise Ambiguous("The homeserver did not answer in time.") from error
        except (aiohttp.ClientError, OSError) as error:
            raise disconnection(error) from error
        try:
            answer = json.loads(content)
        except ValueError:
            answer = {}
        return response.status, answer if isinstance(answer, dict) else {}


def refusal_in(status: int, answer: Mapping[str, Any]) -> Refusal:
    """Read the refusal out of the JSON of an answer."""
    milliseconds = answer.get("retry_after_ms")
    return Refusal(
        status,
        str(answer.get("errcode", "")),
        str(answer.get("error", "")),
        milliseconds / 1000 if isinstance(milliseconds, int | float) else None,
        bool(answer.get("soft_logout", False)),
    )


def _status_of(answer: object) -> int:
    response = getattr(answer, "transport_response", None)
    return int(response.status) if response is not None else 0


def _refusal_of(answer: nio.ErrorResponse) -> Refusal:
    response = answer.transport_response
    milliseconds = answer.retry_after_ms
    wait = milliseconds / 1000 if milliseconds is not None else _told_in_header(response)
    return Refusal(
        _status_of(answer),
        answer.status_code or "",
        answer.message or "",
        wait,
        bool(answer.soft_logout),
    )


def _told_in_header(response: Any) -> float | None:
    """Return the seconds of Retry-After; its other form, a date, is not in use here."""
    told = response.headers.get("Retry-After", "") if response is not None else ""
    return float(told) if told.isdecimal() else None
