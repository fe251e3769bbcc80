"""Comparing emoji with the bot, from a client of another make."""

import time
from collections.abc import Mapping
from typing import Any

import pytest
from real_synapse.bot import Bot
from real_synapse.fixtures import People
from real_synapse.person import Person
from real_synapse.server import Synapse
from real_synapse.verifier import Cancelled, Verifier
from scale import scaled

from navi_bot.texts import Text
from navi_bot.texts import matrix as texts

PLACES = pytest.mark.parametrize(
    "in_room",
    scaled([True], [True, False]),
    ids=scaled(["in a room"], ["in a room", "between devices"]),
)


async def compared(bot: Bot, ann: Person, room: str, side: Verifier) -> None:
    """Go as far as the emoji; both show the same."""
    await side.asks()
    await side.starts()
    await ann.sees(room, side.emoji(), "/verify yes", sender=bot.id)


async def says(bot: Bot, who: Person, room: str, text: str) -> str:
    await who.says(room, text)
    return (await bot.hears(text)).origin.sender.allowed


@PLACES
async def test_both_sides_know_each_other_afterwards(
    bot: Bot, ann: Person, synapse: Synapse, in_room: bool
) -> None:
    """The client sees proofs of the bot's device and master key; the bot keeps the device."""
    async with bot:
        room = await bot.joins(ann, encrypted=True)
        assert await says(bot, ann, room, "before") == "talk"
        side = Verifier(ann, bot.id, room if in_room else "")
        await compared(bot, ann, room, side)
        await ann.says(room, "/verify yes")
        query: dict[str, Any] = {"device_keys": {bot.id: []}}
        shown = await ann.asks("POST", "/_matrix/client/v3/keys/query", query)
        proven = await side.proves(shown)
        await side.agrees()
        await side.ends()
        await ann.sees(room, texts.VERIFY_DONE())
        assert await says(bot, ann, room, "after") == "all"
    master = next(iter(shown["master_keys"][bot.id]["keys"]))
    assert proven == {f"ed25519:{side.bot_device}", master}
    signed = shown["device_keys"][bot.id][side.bot_device]["signatures"][bot.id]
    assert len(signed) == 2  # by itself, and by the self-signing key that the master signs
    assert not [text for text in bot.texts() if "verify" in text]
    async with bot.again() as later:
        assert await says(later, ann, room, "after a restart") == "all"


async def test_who_has_the_password_alone_does_not_vouch_for_themselves(
    bot: Bot, ann: Person, synapse: Synapse
) -> None:
    """A second device is known only if the first one answers for it."""
    async with bot:
        room = await bot.joins(ann, encrypted=True)
        first = Verifier(ann, bot.id)
        await compared(bot, ann, room, first)
        await first.agrees()
        await ann.says(room, "/verify yes")
        await ann.sees(room, texts.VERIFY_DONE())
        thief = Person(synapse.url, synapse.log_in(ann.login))
        try:
            await thief.looks()
            second = Verifier(thief, bot.id)
            await compared(bot, thief, room, second)
            await second.agrees()
            await thief.says(room, "/verify yes")
            await thief.sees(room, texts.VERIFY_HALF())
            assert await says(bot, thief, room, "trust me") == "talk"
            third = Verifier(thief, bot.id)
            await compared(bot, thief, room, third)
            await third.agrees()
            await ann.says(room, "/verify yes")
            await third.hears("done")
            assert await says(bot, thief, room, "it is mine after all") == "all"
        finally:
            await thief.close()


ENDS = {
    "m.user": texts.VERIFY_CANCELLED,
    "m.timeout": texts.VERIFY_TIMEOUT,
    "m.mismatched_commitment": texts.VERIFY_COMMITMENT,
    "m.mismatched_sas": texts.VERIFY_MISMATCH,
    "m.key_mismatch": texts.VERIFY_KEYS,
    "m.something_new": texts.VERIFY_BROKEN,
}


async def test_however_it_ends_one_sentence_says_why(bot: Bot, ann: Person) -> None:
    """The client breaks off; nothing is known by that."""
    async with bot:
        room = await bot.joins(ann, encrypted=True)
        for code, text in ENDS.items():
            side = Verifier(ann, bot.id)
            await side.asks()
            await side.hears("ready")
            await side.cancels(code)
            await ann.sees(room, text())
        assert await says(bot, ann, room, "still me") == "talk"
    assert len(ann.messages(room, bot.id)) == len(ENDS)


BROKEN: dict[str, tuple[Mapping[str, Any], str, Text]] = {
    "start": ({"hashes": ["md5"]}, "m.unknown_method", texts.VERIFY_METHOD),
    "key": ({"key": "no key"}, "m.invalid_message", texts.VERIFY_BROKEN),
    "mac": ({"keys": "forged"}, "m.key_mismatch", texts.VERIFY_KEYS),
}


@pytest.mark.parametrize("step", scaled(["mac"], list(BROKEN)))
async def test_a_side_that_breaks_the_rules_is_cancelled(bot: Bot, ann: Person, step: str) -> None:
    """Another method, a key that is none, proofs of other keys: nobody is known by that."""
    bend, code, text = BROKEN[step]
    async with bot:
        room = await bot.joins(ann, encrypted=True)
        side = Verifier(ann, bot.id, bends={step: bend})
        await side.asks()
        with pytest.raises(Cancelled) as ended:
            await side.goes_through(room)
        await ann.sees(room, text())
        assert await says(bot, ann, room, "still me") == "talk"
    assert ended.value.code == code


async def test_emoji_that_differ_end_it(bot: Bot, ann: Person) -> None:
    """The person says so, and their client hears of it."""
    async with bot:
        room = await bot.joins(ann, encrypted=True)
        side = Verifier(ann, bot.id)
        await compared(bot, ann, room, side)
        await ann.says(room, "!verify no")
        with pytest.raises(Cancelled) as ended:
            await side.ends()
        await ann.sees(room, texts.VERIFY_MISMATCH())
        await ann.says(room, "/verify yes")
        await ann.sees(room, texts.VERIFY_HOW())
    assert ended.value.code == "m.mismatched_sas"


async def test_a_plain_room_is_no_place_for_emoji(bot: Bot, ann: Person) -> None:
    """Neither is one where there is nobody else to hear: then the client is told at once."""
    async with bot:
        room = await bot.joins(ann)
        for side in (Verifier(ann, bot.id, room), Verifier(ann, bot.id)):
            await side.asks()
            with pytest.raises(Cancelled):
                await side.hears("ready")
        await ann.sees(room, texts.VERIFY_PLAIN())
        await ann.says(room, "/verify")
        await ann.sees(room, texts.VERIFY_HOW())


async def test_strangers_and_old_requests_are_not_heard(
    bot: Bot, ann: Person, person: People
) -> None:
    """Neither somebody without rights in the room, nor a request of an hour ago."""
    eve = person("eve")
    async with bot:
        room = await ann.opens_room(bot.id, eve.id, encrypted=True)
        await eve.joins(room)
        await ann.waits(lambda: not ann.client.rooms[room].users[bot.id].invited or None)
        strange = Verifier(eve, bot.id, room)
        await strange.asks()
        await eve.says(room, "/verify yes")
        old = Verifier(ann, bot.id)
        await old.asks(timestamp=int(time.time() * 1000) - 3_600_000)
        fresh = Verifier(ann, bot.id, room)
        await fresh.asks()
        await fresh.hears("ready")
        await eve.rests(0.5)
    assert strange.heard("ready") is strange.heard("cancel") is None
    assert old.heard("ready") is None
    assert ann.messages(room, bot.id) == []


async def test_a_client_that_falls_silent_is_given_up(bot: Bot, ann: Person) -> None:
    """After ten minutes, by a clock that the test moves."""
    now = [0.0]
    bot.clock = lambda: now[0]
    bot.adapter = bot.made()
    async with bot:
        room = await bot.joins(ann, encrypted=True)
        side = Verifier(ann, bot.id)
        await side.asks()
        await side.hears("ready")
        now[0] = 601.0
        await ann.says(room, "/verify")  # something comes, and what is over is seen
        with pytest.raises(Cancelled) as ended:
            await side.hears("accept")
        await ann.sees(room, texts.VERIFY_TIMEOUT())
    assert ended.value.code == "m.timeout"
