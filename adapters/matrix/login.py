"""Logging in: one device for good, its keys never lost in silence.

    stored login ── its keys are there ──► restored
        │            └ they are gone ────► CredentialError: a new device only when told to
        └ none ──► access token, or password with a device id that stays the same
                     └ the homeserver knows other keys of it ──► the same CredentialError

What is stored stands in `<data>/matrix/<account>/`: the login, encrypted; the
device's keys in a database of the library, encrypted; the cross-signing keys.
"""

import hashlib
import re
import secrets
from dataclasses import dataclass
from pathlib import Path

import structlog

from adapters.matrix.errors import SessionEnded
from adapters.matrix.homeserver import Homeserver
from adapters.matrix.identity import Identity
from adapters.matrix.vault import Vault
from navi_bot.errors import CredentialError, Refused, RoomGone

log = structlog.get_logger()

LOGIN_FILE, STORE_FILE = "login", "keys.db"
DISPLAY_NAME = "navi-bot"
RELOGIN = "navi-bot matrix login --new-device"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the operator set. `password` or `access_token` is there."""

    homeserver: str
    user_id: str
    password: str = ""
    access_token: str = ""
    device_id: str = ""


@dataclass(frozen=True, slots=True)
class StoredLogin:
    device_id: str
    access_token: str


class Device:
    """The device of this installation. `folder`: where all of it lies."""

    def __init__(self, credentials: Credentials, data_dir: Path, vault: Vault) -> None:
        self._credentials = credentials
        self._vault = vault
        name = re.sub(r"[^\w.-]", "_", credentials.user_id.removeprefix("@"))
        self.folder = data_dir / "matrix" / name
        self._store = self.folder / STORE_FILE
        self._login = self.folder / LOGIN_FILE

    def homeserver(self) -> Homeserver:
        """Return a connection, not logged in yet."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        passphrase = self._vault.passphrase("matrix keys")
        return Homeserver(
            self._credentials.homeserver, self._credentials.user_id, self._store, passphrase
        )

    def forget(self) -> None:
        """Make the next login one of a new device, under a new name."""
        for path in self.folder.glob(f"{STORE_FILE}*"):
            path.unlink()
        self._save(StoredLogin(f"NAVI{secrets.token_hex(4).upper()}", ""))

    async def log_in(self, homeserver: Homeserver) -> None:
        """Log in, load the device's keys and publish them.

        CredentialError when the homeserver refuses, or the keys are lost.
        """
        stored = self._stored()
        if stored is not None and stored.access_token and not self._store.exists():
            raise self._lost(stored.device_id)
        existed = self._store.exists()
        login = await self._logged_in(homeserver, stored)
        homeserver.client.restore_login(
            self._credentials.user_id, login.device_id, login.access_token
        )
        await self._check_keys(homeserver, existed)
        self._save(login)
        if homeserver.client.should_upload_keys:
            await homeserver.answered(homeserver.client.keys_upload())

    async def log_in_again(self, homeserver: Homeserver) -> bool:
        """Get a new token for the same device; False without a password."""
        stored, password = self._stored(), self._credentials.password
        if stored is None or not password:
            return False
        login = await self._by_password(homeserver, stored.device_id)
        homeserver.client.access_token = login.access_token
        self._save(login)
        log.info("matrix_logged_in_again", device=login.device_id)
        return True

    async def _logged_in(self, homeserver: Homeserver, stored: StoredLogin | None) -> StoredLogin:
        given = self._credentials
        if stored is not None and given.device_id and given.device_id != stored.device_id:
            raise CredentialError(
                f"MATRIX_DEVICE_ID is {given.device_id}, but the stored keys are those of "
                f"{stored.device_id}; correct it, or make a new device: {RELOGIN}"
            )
        if stored is not None and stored.access_token:
            try:
                return await self._by_token(homeserver, stored.access_token, stored.device_id)
            except SessionEnded as error:
                if not (error.soft and given.password):
                    raise self._ended(stored.device_id, error) from error
                return await self._by_password(homeserver, stored.device_id)
        if given.access_token:
            device = given.device_id or (stored.device_id if stored else "")
            return await self._by_token(homeserver, given.access_token, device)
        device = stored.device_id if stored else given.device_id
        return await self._by_password(homeserver, device or stable_device_id(given.user_id))

    async def _by_token(self, homeserver: Homeserver, token: str, device: str) -> StoredLogin:
        homeserver.client.access_token = token
        answer = await homeserver.request("GET", "/_matrix/client/v3/account/whoami")
        user, found = str(answer.get("user_id", "")), str(answer.get("device_id", ""))
        if user != self._credentials.user_id:
            raise CredentialError(
                f"The access token belongs to {user}, not to {self._credentials.user_id}."
            )
        if not found or (device and device != found):
            raise CredentialError(
                f"The access token belongs to the device {found or 'of nobody'}, not to {device}; "
                "correct MATRIX_DEVICE_ID, or use MATRIX_PASSWORD."
            )
        return StoredLogin(found, token)

    async def _by_password(self, homeserver: Homeserver, device: str) -> StoredLogin:
        client = homeserver.client
        client.access_token, client.device_id = "", device
        body = {
            "type": "m.login.password",
            "identifier": {"type": "m.id.user", "user": self._credentials.user_id},
            "password": self._credentials.password,
            "device_id": device,
            "initial_device_display_name": DISPLAY_NAME,
        }
        try:
            answer = await homeserver.request("POST", "/_matrix/client/v3/login", body)
        except (RoomGone, Refused) as error:
            raise CredentialError(
                f"The homeserver refused MATRIX_USER_ID or MATRIX_PASSWORD. {error}"
            ) from error
        return StoredLogin(str(answer["device_id"]), str(answer["access_token"]))

    async def _check_keys(self, homeserver: Homeserver, existed: bool) -> None:
        """See that the homeserver knows this device by the keys that we have."""
        olm = homeserver.client.olm
        assert olm is not None, "the library loads its store with the login"
        shown = await Identity(homeserver, self.folder, self._vault).published()
        ours = olm.account.identity_keys["ed25519"]
        if shown.fingerprint and shown.fingerprint != ours:
            if not existed:  # made just now: the next try must not take it for ours
                self._store.unlink(missing_ok=True)
            raise self._lost(homeserver.device_id)
        if not shown.fingerprint:
            olm.account.shared = False

    def _lost(self, device: str) -> CredentialError:
        return CredentialError(
            f"The encryption keys of the Matrix device {device} are not in {self.folder}: "
            "encrypted rooms cannot be read with it any more. Put them back from a backup, "
            f"or make a new device, which people must verify anew: {RELOGIN}"
        )

    def _ended(self, device: str, error: SessionEnded) -> CredentialError:
        mend = "set MATRIX_PASSWORD" if error.soft else f"make a new device: {RELOGIN}"
        return CredentialError(f"The homeserver has logged out the device {device}; {mend}")

    def _stored(self) -> StoredLogin | None:
        values = self._vault.load(self._login)
        return None if values is None else StoredLogin(values["device_id"], values["access_token"])

    def _save(self, login: StoredLogin) -> None:
        if login != self._stored():
            values = {"device_id": login.device_id, "access_token": login.access_token}
            self._vault.save(self._login, values)


def stable_device_id(user_id: str) -> str:
    """Return the id that the first login asks for: the same one for the same account.

    A second installation of the account, or one that lost its data, meets the
    first one's keys at the homeserver and is told so.
    """
    return f"NAVI{hashlib.sha256(user_id.encode()).hexdigest()[:8].upper()}"
