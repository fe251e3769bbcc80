"""Cross-signing keys and what they sign; pure.

An account has a master key, which stands for the person, and a self-signing
key, which the master key signs and which signs the person's devices. Clients
that talk only to verified devices look for the signature on a device.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

Json = dict[str, Any]

USAGES = ("master", "self_signing", "user_signing")


@dataclass(frozen=True, slots=True)
class SigningKeys:
    """The private seeds, by usage; 32 bytes each."""

    seeds: Mapping[str, bytes]

    @classmethod
    def made(cls) -> "SigningKeys":
        return cls({usage: Ed25519PrivateKey.generate().private_bytes_raw() for usage in USAGES})

    @classmethod
    def loaded(cls, values: Mapping[str, Any]) -> "SigningKeys":
        return cls({usage: base64.b64decode(values[usage]) for usage in USAGES})

    def dumped(self) -> dict[str, str]:
        return {usage: base64.b64encode(self.seeds[usage]).decode() for usage in USAGES}

    def public(self, usage: str) -> str:
        """Return the public key, which is its own name too."""
        return unpadded(self._private(usage).public_key().public_bytes_raw())

    def signed(self, value: Mapping[str, Any], user_id: str, usage: str) -> Json:
        """Return a JSON object with our signature added to those that it has."""
        bare = {key: part for key, part in value.items() if key not in ("signatures", "unsigned")}
        signature = unpadded(self._private(usage).sign(canonical(bare)))
        signatures = {user: dict(given) for user, given in value.get("signatures", {}).items()}
        signatures.setdefault(user_id, {})[f"ed25519:{self.public(usage)}"] = signature
        return {**bare, "signatures": signatures}

    def upload(self, user_id: str) -> Json:
        """Return the three public keys as they are uploaded."""
        body: Json = {"master_key": self._described(user_id, "master")}
        for usage in ("self_signing", "user_signing"):
            described = self._described(user_id, usage)
            body[f"{usage}_key"] = self.signed(described, user_id, "master")
        return body

    def _described(self, user_id: str, usage: str) -> Json:
        public = self.public(usage)
        return {"user_id": user_id, "usage": [usage], "keys": {f"ed25519:{public}": public}}

    def _private(self, usage: str) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.seeds[usage])


@dataclass(frozen=True, slots=True)
class Published:
    """What the homeserver shows of an account: its keys and one device."""

    master: Json | None
    self_signing: Json | None
    device: Json | None

    @classmethod
    def of(cls, answer: Mapping[str, Any], user_id: str, device_id: str) -> "Published":
        """Read the answer of /keys/query."""
        devices = answer.get("device_keys", {}).get(user_id, {})
        return cls(
            answer.get("master_keys", {}).get(user_id),
            answer.get("self_signing_keys", {}).get(user_id),
            devices.get(device_id),
        )

    @property
    def fingerprint(self) -> str:
        """Return the device's own public key, "" when it shows none."""
        found = self.device or {}
        device_id = found.get("device_id", "")
        return str(found.get("keys", {}).get(f"ed25519:{device_id}", ""))

    def master_is(self, keys: SigningKeys) -> bool:
        return f"ed25519:{keys.public('master')}" in (self.master or {}).get("keys", {})

    def device_is_signed(self, user_id: str, keys: SigningKeys) -> bool:
        signatures = (self.device or {}).get("signatures", {}).get(user_id, {})
        return f"ed25519:{keys.public('self_signing')}" in signatures


def is_signed(value: Mapping[str, Any], user_id: str, key: str) -> bool:
    """Answer whether a JSON object carries a good signature of a user's Ed25519 key.

    `key` is public and unpadded base64; the signature may bear the key's own
    name or a device's.
    """
    bare = {name: part for name, part in value.items() if name not in ("signatures", "unsigned")}
    given = value.get("signatures", {}).get(user_id, {})
    try:
        public = Ed25519PublicKey.from_public_bytes(padded(key))
    except ValueError:
        return False
    for signature in given.values():
        try:
            public.verify(padded(signature), canonical(bare))
        except (InvalidSignature, ValueError, AttributeError, TypeError):
            continue
        return True
    return False


def canonical(value: Mapping[str, Any]) -> bytes:
    """Return the bytes that are signed: canonical JSON, as the specification has it."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.encode()


def padded(text: str) -> bytes:
    """Return what unpadded base64 stands for; ValueError when it is none."""
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)


def unpadded(content: bytes) -> str:
    return base64.b64encode(content).decode().rstrip("=")
