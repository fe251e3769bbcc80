"""Messages whose key has not come: kept on disk, asked for, opened when it comes.

The homeserver does not tell of them again, so they must survive a crash. They
lie there as they came, encrypted. After an hour they are given up.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nio
import structlog

from adapters.matrix.homeserver import Homeserver
from adapters.matrix.reader import opened_event
from adapters.matrix.vault import write_private
from navi_bot.errors import NaviError

log = structlog.get_logger()

FILE = "sealed.json"
PATIENCE = 3600.0
"""Seconds until a message is given up, and between two tellings of one sender."""
MOST = 200
"""Messages that are kept; more than that is an attack, or a key that never comes."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A message as it came. `since`: wall-clock seconds."""

    room: str
    source: dict[str, Any]
    since: float

    @property
    def id(self) -> str:
        return str(self.source.get("event_id", ""))

    @property
    def sender(self) -> str:
        return str(self.source.get("sender", ""))


class SealedMessages:
    """`folder`: the device's; `clock`: wall-clock seconds, for files outlive processes."""

    def __init__(self, homeserver: Homeserver, folder: Path, clock: Callable[[], float]) -> None:
        self._homeserver = homeserver
        self._client = homeserver.client
        self._path = folder / FILE
        self._clock = clock
        self._kept: list[Sealed] = _load(self._path)
        self._told: dict[str, float] = {}

    def keep(self, room: str, events: Iterable[nio.MegolmEvent]) -> list[nio.MegolmEvent]:
        """Keep messages durably until their keys come; return those whose senders are to be told.

        A sender is told once in an hour, whichever process does it.
        """
        known = {one.id for one in self._kept}
        now = self._clock()
        told = {who for who, at in self._told.items() if now - at < PATIENCE}
        told |= {one.sender for one in self._kept}
        new, tell = list[Sealed](), list[nio.MegolmEvent]()
        for event in events:
            if event.event_id in known:
                continue
            new.append(Sealed(room, dict(event.source), now))
            if event.sender not in told:
                told.add(event.sender)
                self._told[event.sender] = now
                tell.append(event)
        if new:
            self._replace([*self._kept, *new][-MOST:])
            log.warning("messages_sealed", room=room, count=len(new))
        return tell

    async def ask(self, event: nio.MegolmEvent) -> None:
        """Ask for a message's key, once for each session."""
        if event.session_id in self._client.outgoing_key_requests:
            return
        try:
            await self._homeserver.answered(self._client.request_room_key(event))
        except NaviError as error:
            log.info("key_not_asked_for", error=type(error).__name__)

    def opened(self) -> list[tuple[str, nio.Event]]:
        """Return the messages whose keys have come; they stay until `forget`."""
        found: list[tuple[str, nio.Event]] = []
        for one in self._kept:
            event = nio.Event.parse_event(dict(one.source))
            if isinstance(event, nio.MegolmEvent):
                opened = opened_event(self._client, one.room, event)
                if opened is not None:
                    found.append((one.room, opened))
        return found

    def forget(self, opened: Iterable[str]) -> None:
        """Let go of messages by id, and of those that waited long enough."""
        gone, now = set(opened), self._clock()
        left = [one for one in self._kept if one.id not in gone and 0 <= now - one.since < PATIENCE]
        if len(left) < len(self._kept):
            self._replace(left)

    def _replace(self, kept: list[Sealed]) -> None:
        rows = [{"room": one.room, "source": one.source, "since": one.since} for one in kept]
        write_private(self._path, json.dumps(rows).encode())
        self._kept = kept


def _load(path: Path) -> list[Sealed]:
    try:
        rows = json.loads(path.read_bytes())
        return [Sealed(row["room"], row["source"], row["since"]) for row in rows]
    except FileNotFoundError:
        return []
    except (ValueError, KeyError, TypeError) as error:
        log.warning("sealed_messages_lost", error=type(error).__name__)
        return []
