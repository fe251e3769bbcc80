"""The bot's own cross-signing: keys made, stored, uploaded once, its device signed.

nothing published ..... make keys, store them, upload them (password once)
our keys published .... sign the device, if it is not signed yet
other keys published .. somebody verified this account elsewhere: say so, touch nothing
"""

from pathlib import Path
from typing import Literal

from adapters.matrix.errors import refusal
from adapters.matrix.homeserver import Homeserver, refusal_in
from adapters.matrix.signing import Json, Published, SigningKeys
from adapters.matrix.vault import Vault
from navi_bot.errors import CredentialError, OperatorError

FILE = "cross_signing"

_UPLOAD = "/_matrix/client/v3/keys/device_signing/upload"
_SIGNATURES = "/_matrix/client/v3/keys/signatures/upload"
_QUERY = "/_matrix/client/v3/keys/query"

Verified = Literal["signed now", "signed already"]


class Identity:
    """`folder`: where the keys lie, encrypted by the vault."""

    def __init__(self, homeserver: Homeserver, folder: Path, vault: Vault) -> None:
        self._homeserver = homeserver
        self._path = folder / FILE
        self._vault = vault

    async def published(self) -> Published:
        """Ask what others see of our account and device."""
        me = self._homeserver.user_id
        answer = await self._homeserver.request("POST", _QUERY, {"device_keys": {me: []}})
        return Published.of(answer, me, self._homeserver.device_id)

    @property
    def master(self) -> str:
        """The public master key that is ours, "" before there is one."""
        keys = self._loaded()
        return keys.public("master") if keys is not None else ""

    async def ensure(self, password: str, *, replace: bool = False) -> Verified:
        """See that our device is signed; done again, it changes nothing.

        `replace` puts our keys in the place of those that another client made.
        OperatorError when the account has other keys, or its password is needed.
        """
        me = self._homeserver.user_id
        keys = self._loaded()
        shown = await self.published()
        if shown.master is not None and (keys is None or not shown.master_is(keys)) and not replace:
            raise OperatorError(
                f"{me} has cross-signing keys that are not here (another client made them, or "
                "they were lost), so this device cannot sign itself; verify it from that client, "
                "or replace the keys: navi-bot matrix login --replace-identity"
            )
        if keys is None or (replace and not shown.master_is(keys)):
            keys = SigningKeys.made()
            self._vault.save(self._path, keys.dumped())  # first: an upload cannot be taken back
        if not shown.master_is(keys):
            await self._upload(keys, password)
        elif shown.device_is_signed(me, keys):
            return "signed already"
        await self._sign(keys, shown)
        return "signed now"

    def _loaded(self) -> SigningKeys | None:
        values = self._vault.load(self._path)
        return None if values is None else SigningKeys.loaded(values)

    async def _upload(self, keys: SigningKeys, password: str) -> None:
        """Upload the public keys; a homeserver may ask for the password."""
        body = keys.upload(self._homeserver.user_id)
        status, answer = await self._homeserver.attempt("POST", _UPLOAD, body)
        if status == 401 and "session" in answer:
            body["auth"] = self._proof(password, str(answer["session"]))
            status, answer = await self._homeserver.attempt("POST", _UPLOAD, body)
            if status == 401:
                raise CredentialError("The homeserver refused MATRIX_PASSWORD.")
        if status >= 300:
            raise refusal(refusal_in(status, answer))

    def _proof(self, password: str, session: str) -> Json:
        if not password:
            raise OperatorError(
                "The homeserver wants the account's password before this device may sign itself; "
                "set MATRIX_PASSWORD once for: navi-bot matrix login"
            )
        who = {"type": "m.id.user", "user": self._homeserver.user_id}
        return {
            "type": "m.login.password",
            "identifier": who,
            "password": password,
            "session": session,
        }

    async def _sign(self, keys: SigningKeys, shown: Published) -> None:
        """Have the self-signing key sign our device, whose keys must be published."""
        me, device = self._homeserver.user_id, self._homeserver.device_id
        if shown.device is None:
            raise OperatorError(f"The homeserver knows no keys of the device {device}.")
        signed = keys.signed(shown.device, me, "self_signing")
        answer = await self._homeserver.request("POST", _SIGNATURES, {me: {device: signed}})
        if failures := answer.get("failures"):
            raise OperatorError(f"The homeserver refused our device's signature: {failures}.")
