"""Logging in: one device for good, its keys never lost in silence, its own signature."""

import shutil
from dataclasses import replace
from typing import Any

import pytest
from real_synapse import Synapse
from real_synapse.bot import Bot
from real_synapse.fixtures import Accounts
from real_synapse.person import Person
from real_synapse.proxy import Proxy

from adapters.matrix.adapter import MatrixAdapter
from adapters.matrix.login import STORE_FILE, Credentials
from adapters.matrix.setup import log_in
from adapters.matrix.signing import Published, SigningKeys
from navi_bot.errors import CredentialError, OperatorError

DEVICES = "/_matrix/client/v3/devices"


async def connected(adapter: MatrixAdapter) -> None:
    try:
        await adapter.connect()
    finally:
        await adapter.close()


def devices(synapse: Synapse, bot: Bot) -> set[str]:
    """Return the bot's devices but the one that registering it made."""
    listed = synapse.call("GET", DEVICES, None, bot.login.token)["devices"]
    return {one["device_id"] for one in listed} - {bot.login.device_id}


async def published(ann: Person, bot: Bot, device: str) -> Published:
    """Return what another person's client is shown of the bot."""
    body: dict[str, Any] = {"device_keys": {bot.id: []}}
    answer = await ann.asks("POST", "/_matrix/client/v3/keys/query", body)
    return Published.of(answer, bot.id, device)


async def test_the_device_stays_the_same(synapse: Synapse, bot: Bot) -> None:
    """Every start restores it; the password is needed once."""
    await connected(bot.made())
    first = devices(synapse, bot)
    await connected(bot.made())
    await connected(bot.made(password=""))
    assert devices(synapse, bot) == first
    assert len(first) == 1


@pytest.mark.parametrize("lost", ["the keys", "everything"])
async def test_lost_keys_are_told_and_no_device_is_made(
    synapse: Synapse, bot: Bot, lost: str
) -> None:
    """Each try says so, until the operator asks for a new device."""
    await connected(bot.made())
    before = devices(synapse, bot)
    if lost == "everything":
        shutil.rmtree(bot.data_dir)
    else:
        next(bot.data_dir.rglob(STORE_FILE)).unlink()
    for _ in range(2):
        with pytest.raises(CredentialError, match=r"keys of the Matrix device NAVI\w+ are not in"):
            await connected(bot.made())
    assert devices(synapse, bot) == before
    anew = log_in(bot.credentials, bot.data_dir, new_device=True, replace_identity=True)
    said = [line async for line in anew]
    assert len(devices(synapse, bot) - before) == 1
    assert "Logged in" in said[0]
    await connected(bot.made())


async def test_an_access_token_names_its_device(synapse: Synapse, bot: Bot) -> None:
    """Its keys are made once; a token of another device or account is refused."""
    token = {"password": "", "access_token": bot.login.token}
    await connected(bot.made(**token))
    await connected(bot.made(**token))
    assert devices(synapse, bot) == set()
    with pytest.raises(CredentialError, match="MATRIX_DEVICE_ID"):
        await connected(bot.made(**token, device_id="ELSEWHERE"))


async def test_another_accounts_token_is_refused(bot: Bot, account: Accounts) -> None:
    other = account("other")
    with pytest.raises(CredentialError, match="belongs to @other"):
        await connected(bot.made(password="", access_token=other.token))


async def test_a_wrong_password_is_refused(bot: Bot) -> None:
    with pytest.raises(CredentialError, match="MATRIX_PASSWORD"):
        await connected(bot.made(password="not this one"))


async def test_a_device_that_was_logged_out_needs_the_operator(synapse: Synapse, bot: Bot) -> None:
    """A person removed it at the homeserver: it does not come back by itself."""
    await connected(bot.made())
    synapse.call("POST", "/_matrix/client/v3/logout/all", {}, bot.login.token)
    with pytest.raises(CredentialError, match="--new-device"):
        await connected(bot.made())


async def test_others_see_that_the_device_is_signed(ann: Person, bot: Bot) -> None:
    """The chain that clients check: device ← self-signing key ← master key."""
    lines = [line async for line in log_in(bot.credentials, bot.data_dir)]
    again = [line async for line in log_in(bot.credentials, bot.data_dir)]
    device = lines[0].split()[-1].rstrip(".")
    shown = await published(ann, bot, device)
    assert shown.master is not None
    assert shown.self_signing is not None
    assert shown.device is not None
    master, signing = (
        next(iter(key["keys"].values())) for key in (shown.master, shown.self_signing)
    )
    assert verified(shown.self_signing, master, bot.id, master)
    assert verified(shown.device, signing, bot.id, signing)
    assert "verified" in lines[-1]
    assert "already" in again[-1]


def verified(signed: dict[str, object], key: str, user: str, key_id: str) -> bool:
    """Check a signature as clients do, with the library's own means."""
    from nio.crypto import Olm  # noqa: PLC0415 - only this needs it

    olm = Olm.__new__(Olm)
    return bool(olm.verify_json(dict(signed), key, user, key_id))


async def test_another_clients_keys_are_left_alone(ann: Person, bot: Bot) -> None:
    """A person who verified the bot's account by hand keeps what they made."""
    other = SigningKeys.made()
    body = {
        **other.upload(bot.id),
        "auth": {
            "type": "m.login.password",
            "identifier": {"type": "m.id.user", "user": bot.id},
            "password": bot.login.password,
        },
    }
    upload = "/_matrix/client/v3/keys/device_signing/upload"
    made = Person(bot.credentials.homeserver, bot.login)
    await made.asks("POST", upload, body)
    await made.close()
    with pytest.raises(OperatorError, match="another client"):
        _ = [line async for line in log_in(bot.credentials, bot.data_dir)]
    await connected(bot.made())
    assert (await published(ann, bot, "any")).master_is(other)
    _ = [line async for line in log_in(bot.credentials, bot.data_dir, replace_identity=True)]
    assert not (await published(ann, bot, "any")).master_is(other)


async def test_files_of_the_device_are_for_the_daemon_alone(bot: Bot) -> None:
    """Whoever reads the folder finds neither token nor keys in the open."""
    await connected(bot.made())
    files = [path for path in bot.data_dir.rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {"secret.key", "login", STORE_FILE, "cross_signing"}
    for path in files:
        content = path.read_bytes()
        assert b"syt_" not in content
        assert path.name == STORE_FILE or path.stat().st_mode & 0o077 == 0


async def test_a_soft_logout_is_mended_with_the_password(
    bot: Bot, ann: Person, proxy: Proxy
) -> None:
    """The same device goes on; nothing is lost meanwhile."""
    bot.credentials = replace(bot.credentials, homeserver=proxy.url)
    bot.adapter = bot.made()
    soft = {"errcode": "M_UNKNOWN_TOKEN", "error": "expired", "soft_logout": True}
    async with bot:
        room = await bot.joins(ann)
        proxy.fails("/v3/sync", 401, soft, times=1)
        await ann.says(room, "still there?")
        await bot.hears("still there?")
        device = bot.adapter.outbound._homeserver.device_id
    assert len(proxy.requests("/v3/login")) == 2
    assert device.startswith("NAVI")


async def test_a_hard_logout_ends_the_adapter(bot: Bot, proxy: Proxy) -> None:
    bot.credentials = Credentials(proxy.url, bot.id, password=bot.login.password)
    bot.adapter = bot.made()
    async with bot:
        proxy.fails("/v3/sync", 401, {"errcode": "M_UNKNOWN_TOKEN", "error": "gone"})
        ended = await bot.ended()
        asked = len(proxy.requests("/v3/sync"))
    assert isinstance(ended, CredentialError)
    assert "ended" in bot.adapter.trouble
    assert asked < 10
