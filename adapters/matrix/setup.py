"""`navi-bot matrix login`: the device and its signature, made before anything runs."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

from adapters.matrix.identity import Identity
from adapters.matrix.login import Credentials, Device
from adapters.matrix.vault import Vault


async def log_in(
    credentials: Credentials,
    data_dir: Path,
    secret_key: str = "",
    *,
    new_device: bool = False,
    replace_identity: bool = False,
) -> AsyncIterator[str]:
    """Log in and sign the device; yield a line for each step that is done.

    Done again, it changes nothing, unless a `new_device` or new cross-signing
    keys (`replace_identity`) are asked for. CredentialError or OperatorError
    where it cannot go on.
    """
    vault = Vault.of(data_dir, secret_key)
    device = Device(credentials, data_dir, vault)
    if new_device:
        device.forget()
    async with aclosing(device.homeserver()) as homeserver:
        await device.log_in(homeserver)
        fingerprint = homeserver.fingerprint
        yield f"Logged in as {homeserver.user_id}, device {homeserver.device_id}."
        yield f"Its key, as clients show it: {fingerprint}"
        identity = Identity(homeserver, device.folder, vault)
        how = await identity.ensure(credentials.password, replace=replace_identity)
        yield (
            "The device is signed by the account's own key: clients show it as verified."
            if how == "signed now"
            else "The device was signed already; nothing to do."
        )
