"""What people's devices are trusted with.

    plain room ....................... no device is known: the sandbox at most
    encrypted, a device we know ...... everything
    encrypted, any other ............. what the operator set

A device is known if the person's master key has signed it, and that key is the
one that we saw of them first; or if it was compared by emoji (verification).
What comes first is trusted: whoever signs in later with a stolen password, or
is made up by the homeserver, cannot sign with a key that we keep. A new master
key is never taken over in silence.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import nio
import structlog

from adapters.matrix.devices import ShownDevice, ShownPerson, person_of
from adapters.matrix.homeserver import Homeserver
from adapters.matrix.vault import Vault
from navi_bot.errors import Refused
from navi_bot.messages import Allowed

log = structlog.get_logger()

FILE = "people"
ASKED_AGAIN = 3.0
"""Seconds before the homeserver is asked anew about somebody whose device is not known."""

_QUERY = "/_matrix/client/v3/keys/query"

Unverified = Literal["all", "talk", "nothing"]


@dataclass(frozen=True, slots=True)
class Known:
    """Who somebody is to us: their first master key, devices compared by emoji (id → key)."""

    master: str = ""
    devices: dict[str, str] = field(default_factory=dict)


class Trust:
    """`folder`: our device's; `unverified`: what devices that we do not know may do."""

    def __init__(
        self,
        homeserver: Homeserver,
        folder: Path,
        vault: Vault,
        unverified: Unverified = "talk",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._homeserver = homeserver
        self._path = folder / FILE
        self._vault = vault
        self._unverified = unverified
        self._clock = clock
        self._shown: dict[str, tuple[ShownPerson, float]] = {}
        self._known = {
            user: Known(one["master"], dict(one["devices"]))
            for user, one in (vault.load(self._path) or {}).items()
        }

    async def allowed(self, event: nio.Event, *, encrypted: bool) -> Allowed:
        """Return what an event may bring about; `encrypted`: the room is."""
        if self._unverified == "all":
            return "all"
        if not encrypted:
            return "sandbox" if self._unverified == "talk" else self._unverified
        if event.decrypted and await self.is_known(event):
            return "all"
        return self._unverified

    async def is_known(self, event: nio.Event) -> bool:
        """Answer whether a decrypted event comes from a device of its sender that we know."""
        sender_key = self._sender_key(event)
        if not sender_key:
            return False
        person = await self.shown(event.sender)
        if not self._is_known(event.sender, person, sender_key):
            person = await self.shown(event.sender, ASKED_AGAIN)
        return self._is_known(event.sender, person, sender_key)

    async def shown(self, user: str, since: float | None = None) -> ShownPerson:
        """Return somebody's keys as they are now; asked anew if older than `since` seconds."""
        person, asked = self._shown.get(user, (ShownPerson(), -1e9))
        if user in self._shown and (since is None or self._clock() - asked < since):
            return person
        body: dict[str, object] = {"device_keys": {user: []}}
        try:
            person = person_of(await self._homeserver.request("POST", _QUERY, body), user)
        except Refused as error:
            log.warning("devices_not_shown", who=user, error=str(error))
            person = ShownPerson()
        self._shown[user] = (person, self._clock())
        if person.master and user not in self._known:
            self._keep(user, Known(person.master))
        return person

    def forget(self, users: Iterable[str]) -> None:
        """Ask anew about people whose devices have changed."""
        for user in users:
            self._shown.pop(user, None)

    def knows(self, user: str) -> bool:
        """Answer whether somebody's identity was seen before."""
        return user in self._known

    def is_first_master(self, user: str, master: str) -> bool:
        return bool(master) and user in self._known and self._known[user].master == master

    def introduce(self, user: str, device: ShownDevice, master: str = "") -> None:
        """Keep a device that was compared by emoji, and the master key that it vouched for."""
        known = self._known.get(user, Known())
        devices = {**known.devices, device.id: device.ed25519}
        self._keep(user, Known(master or known.master, devices))
        log.info("device_verified", who=user, device=device.id)

    def _keep(self, user: str, known: Known) -> None:
        self._known[user] = known
        values = {
            who: {"master": one.master, "devices": one.devices} for who, one in self._known.items()
        }
        self._vault.save(self._path, values)

    def _is_known(self, user: str, person: ShownPerson, sender_key: tuple[str, str]) -> bool:
        curve25519, ed25519 = sender_key
        device = person.device(curve25519=curve25519)
        if device is None or device.ed25519 != ed25519:
            return False
        known = self._known.get(user, Known())
        is_theirs = device.signed and self.is_first_master(user, person.master)
        return is_theirs or known.devices.get(device.id) == device.ed25519

    def _sender_key(self, event: nio.Event) -> tuple[str, str] | None:
        """Return the keys that a message's session belongs to; None if it was passed on to us."""
        olm = self._homeserver.client.olm
        room, curve25519 = getattr(event, "room_id", ""), event.sender_key
        if olm is None or not (room and curve25519 and event.session_id):
            return None
        session = olm.inbound_group_store.get(room, curve25519, event.session_id)
        if session is None or session.forwarding_chain:
            return None
        return curve25519, str(session.ed25519)
