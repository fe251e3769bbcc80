"""People's devices as the homeserver shows them, every signature checked; pure.

    device ◄── signs itself
       ▲
       └─ self-signing key ◄── master key: the person

What a homeserver makes up has no good signature of the master key; whether the
master key is the person's own is decided elsewhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from adapters.matrix.files import mapping
from adapters.matrix.signing import is_signed


@dataclass(frozen=True, slots=True)
class ShownDevice:
    """A device that signs itself. `signed`: by the master key too, by way of the person's keys."""

    id: str
    ed25519: str
    curve25519: str
    signed: bool


@dataclass(frozen=True, slots=True)
class ShownPerson:
    """`master`: the public key, "" where cross-signing is not set up."""

    master: str = ""
    devices: tuple[ShownDevice, ...] = ()

    def device(self, *, id: str = "", curve25519: str = "") -> ShownDevice | None:
        """Return the device with this id or this key."""
        for one in self.devices:
            if (id and one.id == id) or (curve25519 and one.curve25519 == curve25519):
                return one
        return None


def person_of(answer: Mapping[str, Any], user: str) -> ShownPerson:
    """Read somebody out of the answer of /keys/query; what is not well signed is left out."""
    master_json = mapping(mapping(answer.get("master_keys")).get(user))
    signing_json = mapping(mapping(answer.get("self_signing_keys")).get(user))
    master, signing = _key(master_json, user), _key(signing_json, user)
    is_chained = bool(master and signing) and is_signed(signing_json, user, master)
    devices = []
    for device_id, shown in mapping(mapping(answer.get("device_keys")).get(user)).items():
        keys = mapping(mapping(shown).get("keys"))
        ed25519 = str(keys.get(f"ed25519:{device_id}", ""))
        curve25519 = str(keys.get(f"curve25519:{device_id}", ""))
        is_named = shown.get("user_id") == user and shown.get("device_id") == device_id
        if is_named and ed25519 and curve25519 and is_signed(shown, user, ed25519):
            signed = is_chained and is_signed(shown, user, signing)
            devices.append(ShownDevice(str(device_id), ed25519, curve25519, signed))
    return ShownPerson(master, tuple(devices))


def _key(described: Mapping[str, Any], user: str) -> str:
    """Return the one public key that a cross-signing key's description holds, "" for none."""
    keys = list(mapping(described.get("keys")).values())
    return str(keys[0]) if len(keys) == 1 and described.get("user_id") == user else ""
