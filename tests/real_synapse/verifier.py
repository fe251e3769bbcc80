"""A client that compares emoji, written from the specification over plain cryptography.

side = Verifier(ann, bot.id, room)      # room "": from device to device
await side.asks()
assert (await side.compares()) == what the bot said
await side.agrees()
await side.ends()
"""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from nio.crypto import Sas

from real_synapse.person import Person

PREFIX = "m.key.verification."


class Cancelled(Exception):
    """The other side broke it off."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Verifier:
    """`bends`: what a step's content is replaced by, for sides that do not keep to the rules."""

    def __init__(
        self, who: Person, bot: str, room: str = "", bends: Mapping[str, Any] | None = None
    ) -> None:
        self.who = who
        self.bot = bot
        self.room = room
        self.transaction = uuid4().hex
        self.device = who.login.device_id
        self._key = X25519PrivateKey.generate()
        self._bends = bends or {}
        self.bot_device = ""
        self.bot_keys: dict[str, str] = {}
        self._shared = b""
        self._info = ""

    async def asks(self, **changes: Any) -> None:
        """Ask for a verification and start it once the bot is ready."""
        methods = changes.get("methods", ["m.sas.v1"])
        request = {"from_device": self.device, "methods": methods}
        if self.room:
            words = {"msgtype": f"{PREFIX}request", "body": "verify me", "to": self.bot}
            self.transaction = await self.who.sends(self.room, {**request, **words})
        else:
            stamp = changes.get("timestamp", int(time.time() * 1000))
            await self._tells("request", {**request, "timestamp": stamp})

    async def starts(self) -> None:
        ready = await self.hears("ready")
        self.bot_device = ready["from_device"]
        start = {
            "from_device": self.device,
            "method": "m.sas.v1",
            "key_agreement_protocols": ["curve25519-hkdf-sha256"],
            "hashes": ["sha256"],
            "message_authentication_codes": ["hkdf-hmac-sha256.v2"],
            "short_authentication_string": ["decimal", "emoji"],
        }
        sent = await self._tells("start", start)
        accept = await self.hears("accept")
        ours = self._key.public_key().public_bytes_raw()
        await self._tells("key", {"key": plain(ours)})
        theirs = (await self.hears("key"))["key"]
        content = json.dumps(sent, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        promised = hashlib.sha256(theirs.encode() + content.encode()).digest()
        assert accept["commitment"] == plain(promised)
        public = X25519PublicKey.from_public_bytes(base64.b64decode(theirs + "=="))
        self._shared = self._key.exchange(public)
        self._info = (
            f"{self.who.id}|{self.device}|{plain(ours)}"
            f"|{self.bot}|{self.bot_device}|{theirs}|{self.transaction}"
        )

    async def goes_through(self, room: str) -> None:
        """Do all that is left, whatever the emoji are; the person answers in a room."""
        await self.starts()
        await self.who.says(room, "/verify yes")
        await self.agrees()
        await self.ends()

    def emoji(self) -> str:
        """Return the seven that this client shows."""
        stretched = self._stretched(f"MATRIX_KEY_VERIFICATION_SAS|{self._info}", 6)
        bits = int.from_bytes(stretched, "big") >> 6
        indices = [bits >> (6 * place) & 63 for place in reversed(range(7))]
        return "   ".join(f"{Sas.emoji[one][0]} {Sas.emoji[one][1]}" for one in indices)

    async def agrees(self, *, master: str = "") -> None:
        """Confirm in this client: prove the device's key, and a master key if there is one."""
        own = self.who.client.olm
        assert own is not None
        keys = {f"ed25519:{self.device}": str(own.account.identity_keys["ed25519"])}
        if master:
            keys[f"ed25519:{master}"] = master
        info = self._mac_info(self.who.id, self.device, self.bot, self.bot_device)
        mac = {name: self._mac(key, info + name) for name, key in keys.items()}
        named = self._mac(",".join(sorted(keys)), info + "KEY_IDS")
        await self._tells("mac", {"mac": mac, "keys": named})

    async def proves(self, shown: Mapping[str, Any]) -> set[str]:
        """Check the bot's proofs against the keys that the homeserver shows; return their names."""
        content = await self.hears("mac")
        info = self._mac_info(self.bot, self.bot_device, self.who.id, self.device)
        assert content["keys"] == self._mac(",".join(sorted(content["mac"])), info + "KEY_IDS")
        known = dict(shown["device_keys"][self.bot][self.bot_device]["keys"])
        known |= shown["master_keys"][self.bot]["keys"]
        for name, mac in content["mac"].items():
            assert mac == self._mac(known[name], info + name)
        return set(content["mac"])

    async def ends(self) -> None:
        await self._tells("done", {})
        await self.hears("done")

    async def cancels(self, code: str) -> None:
        await self._tells("cancel", {"code": code, "reason": "a test"})

    async def hears(self, step: str) -> dict[str, Any]:
        """Wait for a step of the bot; return its content, or raise Cancelled."""

        def come() -> dict[str, Any] | None:
            cancel = self.heard("cancel")
            if cancel is not None:
                raise Cancelled(cancel["code"])
            return self.heard(step)

        return await self.who.waits(come)

    def heard(self, step: str) -> dict[str, Any] | None:
        room = self.who.rooms.get(self.room)
        came = room.raw if room else self.who.between
        for event in came:
            content = event.get("content", {})
            related = content.get("m.relates_to", {}).get("event_id")
            is_this = self.transaction in (related, content.get("transaction_id"))
            if event["type"] == PREFIX + step and event["sender"] == self.bot and is_this:
                return dict(content)
        return None

    async def _tells(self, step: str, content: Mapping[str, Any]) -> dict[str, Any]:
        sent = {**content, **self._bends.get(step, {})}
        if self.room:
            sent["m.relates_to"] = {"rel_type": "m.reference", "event_id": self.transaction}
            await self.who.sends(self.room, sent, PREFIX + step)
            return sent
        sent["transaction_id"] = self.transaction
        path = f"/_matrix/client/v3/sendToDevice/{PREFIX}{step}/{uuid4().hex}"
        await self.who.asks("PUT", path, {"messages": {self.bot: {"*": sent}}})
        return sent

    def _mac(self, text: str, info: str) -> str:
        key = self._stretched(info, 32)
        return plain(hmac.new(key, text.encode(), hashlib.sha256).digest())

    def _mac_info(self, sender: str, device: str, receiver: str, theirs: str) -> str:
        parts = (sender, device, receiver, theirs, self.transaction)
        return "MATRIX_KEY_VERIFICATION_MAC" + "".join(parts)

    def _stretched(self, info: str, length: int) -> bytes:
        return HKDF(SHA256(), length, salt=None, info=info.encode()).derive(self._shared)


def plain(content: bytes) -> str:
    """Return unpadded base64."""
    return base64.b64encode(content).decode().rstrip("=")
