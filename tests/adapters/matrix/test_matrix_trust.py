"""What a message may bring about, by the room and the device that it comes from."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from real_synapse.bot import Bot
from real_synapse.person import Person
from real_synapse.server import Synapse
from scale import scaled

from adapters.matrix.devices import person_of
from adapters.matrix.signing import SigningKeys
from adapters.matrix.trust import Unverified
from navi_bot.messages import Button, Page, Pressed, Prose


async def permission(bot: Bot, who: Person, room: str, text: str) -> str:
    """Have somebody say something; return what it may bring about."""
    await who.says(room, text)
    return (await bot.hears(text)).origin.sender.allowed


async def becomes_known(bot: Bot, who: Person, room: str) -> None:
    """Talk until the homeserver has told the bot of the signature."""
    for number in range(20):
        if await permission(bot, who, room, f"do you know me now? {number}") == "all":
            return
        await asyncio.sleep(0.2)
    pytest.fail("the device is not known")


@asynccontextmanager
async def second_device(synapse: Synapse, who: Person) -> AsyncIterator[Person]:
    """Somebody with the password, at a device that is new."""
    stranger = Person(synapse.url, synapse.log_in(who.login))
    try:
        await stranger.looks()
        yield stranger
    finally:
        await stranger.close()


async def test_a_plain_room_reaches_the_sandbox_and_no_further(bot: Bot, ann: Person) -> None:
    """No device is known there, whatever its owner has signed."""
    await ann.cross_signs()
    async with bot:
        room = await bot.joins(ann)
        assert await permission(bot, ann, room, "in the open") == "sandbox"


async def test_a_device_counts_once_its_person_has_signed_it(bot: Bot, ann: Person) -> None:
    """Before that it may talk; a later process knows it still."""
    async with bot:
        room = await bot.joins(ann, encrypted=True)
        assert await permission(bot, ann, room, "before") == "talk"
        await ann.cross_signs()
        await becomes_known(bot, ann, room)
    async with bot.again() as later:
        assert await permission(later, ann, room, "after a restart") == "all"


async def test_a_stolen_password_signs_in_and_is_not_trusted(
    bot: Bot, ann: Person, synapse: Synapse
) -> None:
    """Neither a device without signature, nor one that new keys of the account sign."""
    await ann.cross_signs()
    async with bot:
        room = await bot.joins(ann, encrypted=True)
        assert await permission(bot, ann, room, "it is me") == "all"
        async with second_device(synapse, ann) as thief:
            assert await permission(bot, thief, room, "me too") == "talk"
            await thief.cross_signs()  # in the place of Ann's
            assert await permission(bot, thief, room, "with keys of my own") == "talk"
        assert await permission(bot, ann, room, "the keys are not mine now") == "talk"


async def test_a_reaction_in_an_encrypted_room_has_no_device(bot: Bot, ann: Person) -> None:
    """It travels in the open, so whoever runs the homeserver can make one up."""
    await ann.cross_signs()
    page = Page((Prose("Shall I?"),), ((Button("⏹ Stop", "stop:1"),),))
    async with bot:
        room = await bot.joins(ann, encrypted=True)
        message = await bot.sends(bot.place(room), page, "t1")
        await ann.sees(room, "Shall I?")
        await ann.reacts(room, message, "⏹")
        pressed = await bot.gets(Pressed)
    assert pressed.origin.sender.allowed == "talk"


@pytest.mark.parametrize(
    ("unverified", "plain", "encrypted"),
    scaled(
        [("nothing", "nothing", "nothing")],
        [("all", "all", "all"), ("nothing", "nothing", "nothing")],
    ),
)
async def test_the_setting_decides(
    bot: Bot, ann: Person, unverified: Unverified, plain: str, encrypted: str
) -> None:
    """Everything, or nothing but a device that is known."""
    bot.unverified = unverified
    bot.adapter = bot.made()
    async with bot:
        in_plain = await permission(bot, ann, await bot.joins(ann), "plain")
        room = await bot.joins(ann, encrypted=True)
        in_encrypted = await permission(bot, ann, room, "encrypted")
    assert (in_plain, in_encrypted) == (plain, encrypted)


# Pure ------------------------------------------------------------------------------


def answer(device_signer: SigningKeys, self_signer: SigningKeys, shown: SigningKeys) -> Any:
    """Return a homeserver's answer about a person with one device."""
    own = SigningKeys({"device": Ed25519PrivateKey.generate().private_bytes_raw()})
    device = {
        "user_id": "@a:h",
        "device_id": "PHONE",
        "keys": {"ed25519:PHONE": own.public("device"), "curve25519:PHONE": "curve"},
    }
    device = own.signed(device, "@a:h", "device")
    device = device_signer.signed(device, "@a:h", "self_signing")
    keys = self_signer.upload("@a:h")
    return {
        "master_keys": {"@a:h": shown.upload("@a:h")["master_key"]},
        "self_signing_keys": {"@a:h": keys["self_signing_key"]},
        "device_keys": {"@a:h": {"PHONE": device}},
    }


def test_a_device_is_signed_only_by_a_whole_chain() -> None:
    """Master key, self-signing key, device: each link is a signature."""
    mine, other = SigningKeys.made(), SigningKeys.made()
    cases = {
        "whole": (answer(mine, mine, mine), True),
        "another's self-signing key": (answer(mine, mine, other), False),
        "signed by another": (answer(other, mine, mine), False),
    }
    for name, (shown, expected) in cases.items():
        person = person_of(shown, "@a:h")
        assert [one.signed for one in person.devices] == [expected], name


@pytest.mark.parametrize(
    "change",
    [
        {"device_id": "TABLET"},
        {"user_id": "@eve:h"},
        {"keys": {"ed25519:PHONE": "AAAA", "curve25519:PHONE": "curve"}},
        {"signatures": {}},
        {"signatures": {"@a:h": {"ed25519:PHONE": 7}}},
        {"signatures": {"@a:h": {"ed25519:PHONE": "no base64!"}}},
    ],
    ids=["id", "user", "key", "none", "number", "text"],
)
def test_a_device_that_was_tampered_with_is_left_out(change: dict[str, Any]) -> None:
    mine = SigningKeys.made()
    shown = answer(mine, mine, mine)
    shown["device_keys"]["@a:h"]["PHONE"] |= change
    assert person_of(shown, "@a:h").devices == ()


@pytest.mark.parametrize("shown", [{}, {"device_keys": []}, {"master_keys": {"@a:h": 3}}])
def test_what_is_no_answer_is_nobody(shown: dict[str, Any]) -> None:
    assert person_of(shown, "@a:h").devices == ()
