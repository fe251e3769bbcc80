"""Comparing seven emoji with another client, as the side that accepts; no I/O.

             start       key           mac            we agree
    ready    → accepted
    accepted             → shown
    shown                              → awaited      → agreed
    awaited                                           → done
    agreed                             → done

Anything else breaks it off (`Broken`). Who starts commits to nothing; we commit
to our key before we see theirs, so neither can try keys until the emoji suit.
The library has this too, in a form that clients of today do not accept.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

import vodozemac
from nio.crypto import Sas

from adapters.matrix.files import mapping
from adapters.matrix.signing import canonical

METHOD = "m.sas.v1"
_AGREEMENT, _HASH = "curve25519-hkdf-sha256", "sha256"
_MAC, _STRING = "hkdf-hmac-sha256.v2", "emoji"

Content = dict[str, Any]
Emoji = tuple[str, str]
"""A picture and its name in English."""


class Broken(Exception):
    """The comparison cannot go on; `code` as the specification has it."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class State(Enum):
    READY = auto()
    ACCEPTED = auto()
    SHOWN = auto()
    AWAITED = auto()
    """Their keys are proven; whether the emoji match we have not heard."""
    AGREED = auto()
    DONE = auto()


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody's device, and the master key that shall be vouched for with it ("": none)."""

    user: str
    device: str
    ed25519: str
    master: str = ""


class Comparison:
    """`transaction`: the id that both sides use."""

    def __init__(self, us: Party, them: Party, transaction: str) -> None:
        self._us = us
        self._them = them
        self._transaction = transaction
        self._ephemeral = vodozemac.Sas()
        self._shared: vodozemac.EstablishedSas | None = None
        self._their_key = ""
        self.state = State.READY
        self.vouched = ""
        """Their master key, once they have proven that they mean this one."""

    def start(self, content: Mapping[str, Any]) -> Content:
        """Take their offer; return what accepts it."""
        self._expect(State.READY)
        wanted = {
            "key_agreement_protocols": _AGREEMENT,
            "hashes": _HASH,
            "message_authentication_codes": _MAC,
            "short_authentication_string": _STRING,
        }
        offered = all(ours in (content.get(field) or ()) for field, ours in wanted.items())
        if content.get("method") != METHOD or not offered:
            raise Broken("m.unknown_method")
        digest = hashlib.sha256(self._our_key.encode() + canonical(content)).digest()
        self.state = State.ACCEPTED
        return {
            "method": METHOD,
            "key_agreement_protocol": _AGREEMENT,
            "hash": _HASH,
            "message_authentication_code": _MAC,
            "short_authentication_string": [_STRING],
            "commitment": base64.b64encode(digest).decode().rstrip("="),
        }

    def key(self, content: Mapping[str, Any]) -> Content:
        """Take their key; return ours. From now on there are emoji."""
        self._expect(State.ACCEPTED)
        self._their_key = str(content.get("key", ""))
        try:
            theirs = vodozemac.Curve25519PublicKey.from_base64(self._their_key)
            self._shared = self._ephemeral.diffie_hellman(theirs)
        except ValueError as error:
            raise Broken("m.invalid_message") from error
        self.state = State.SHOWN
        return {"key": self._our_key}

    @property
    def emoji(self) -> tuple[Emoji, ...]:
        """The seven that both sides must see."""
        assert self._shared is not None, "there are emoji once the keys are exchanged"
        us, them = self._us, self._them
        info = (
            f"MATRIX_KEY_VERIFICATION_SAS|{them.user}|{them.device}|{self._their_key}"
            f"|{us.user}|{us.device}|{self._our_key}|{self._transaction}"
        )
        return tuple(Sas.emoji[index] for index in self._shared.bytes(info).emoji_indices)

    def mac(self, content: Mapping[str, Any]) -> None:
        """Take what proves that their keys are those that we saw."""
        self._expect(State.SHOWN, State.AGREED)
        shown, info = mapping(content.get("mac")), self._mac_info(self._them, self._us)
        named = ",".join(sorted(str(name) for name in shown))
        if not self._is_proven(named, f"{info}KEY_IDS", content.get("keys")):
            raise Broken("m.key_mismatch")
        them = self._them
        keys = {f"ed25519:{them.device}": them.ed25519}
        if them.master:
            keys[f"ed25519:{them.master}"] = them.master
        for name, key in keys.items():
            if name in shown and not self._is_proven(key, info + name, shown[name]):
                raise Broken("m.key_mismatch")
        if f"ed25519:{them.device}" not in shown:
            raise Broken("m.key_mismatch")
        if f"ed25519:{them.master}" in shown:
            self.vouched = them.master
        self.state = State.DONE if self.state is State.AGREED else State.AWAITED

    def agree(self) -> Content:
        """The emoji match: return what proves our keys."""
        self._expect(State.SHOWN, State.AWAITED)
        us, info = self._us, self._mac_info(self._us, self._them)
        keys = {f"ed25519:{us.device}": us.ed25519}
        if us.master:
            keys[f"ed25519:{us.master}"] = us.master
        self.state = State.DONE if self.state is State.AWAITED else State.AGREED
        return {
            "mac": {name: self._proof(key, info + name) for name, key in keys.items()},
            "keys": self._proof(",".join(sorted(keys)), f"{info}KEY_IDS"),
        }

    @property
    def _our_key(self) -> str:
        return self._ephemeral.public_key.to_base64()

    def _expect(self, *states: State) -> None:
        if self.state not in states:
            raise Broken("m.unexpected_message")

    def _mac_info(self, sender: Party, receiver: Party) -> str:
        return (
            f"MATRIX_KEY_VERIFICATION_MAC{sender.user}{sender.device}"
            f"{receiver.user}{receiver.device}{self._transaction}"
        )

    def _proof(self, text: str, info: str) -> str:
        assert self._shared is not None, "nothing is proven before the keys are exchanged"
        return self._shared.calculate_mac(text, info)

    def _is_proven(self, text: str, info: str, proof: object) -> bool:
        return isinstance(proof, str) and hmac.compare_digest(
            self._proof(text, info).encode(), proof.encode()
        )
