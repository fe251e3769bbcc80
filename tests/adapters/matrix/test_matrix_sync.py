"""The sync loop against a real homeserver, with faults on the wire between."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest
from real_synapse.bot import PATIENCE, Bot
from real_synapse.person import Person
from real_synapse.proxy import Proxy
from scale import scaled

from adapters.matrix.sync import Patience
from navi_bot.messages import Unread


def over(bot: Bot, proxy: Proxy) -> Bot:
    """Have a bot talk over the wire with faults."""
    return bot.again(proxy.url)


async def test_errors_are_met_with_patience(bot: Bot, ann: Person, proxy: Proxy) -> None:
    """At most one request a second, what is wrong is told, and it recovers alone."""
    async with over(bot, proxy) as wired:
        room = await wired.joins(ann)
        for status in (401, 502, 503, 500):
            proxy.fails("/v3/sync", status, times=1)
        since = time.monotonic()
        await ann.says(room, "during the faults")
        await _until(lambda: "homeserver" in wired.adapter.trouble)
        await wired.hears("during the faults")
        assert wired.adapter.trouble == ""
        asked = proxy.requests("/v3/sync", since)
    assert len(asked) >= 4
    assert all(later - earlier > 0.9 for earlier, later in pairwise(asked[:5]))


async def test_patience_lasts_as_long_as_the_homeserver_asks(bot: Bot, proxy: Proxy) -> None:
    limited = {"errcode": "M_LIMIT_EXCEEDED", "error": "slow down", "retry_after_ms": 1800}
    async with over(bot, proxy):
        proxy.fails("/v3/sync", 429, limited, times=1)
        proxy.fails("/v3/sync", 504, times=1)
        await _until(lambda: len(proxy.requests("/v3/sync")) > 3)
        at = proxy.requests("/v3/sync")
    assert max(later - earlier for earlier, later in pairwise(at)) > 1.7


async def _until(ready: Callable[[], object], within: float = 20.0) -> None:
    deadline = time.monotonic() + within
    while not ready():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


async def test_a_token_moves_only_when_its_events_are_kept(bot: Bot, ann: Person) -> None:
    """While the store is away nothing is confirmed; a later process gets it all."""
    async with bot:
        room = await bot.joins(ann)
        await ann.says(room, "before")
        await bot.hears("before")
        bot.failing = True
        await ann.says(room, "while the store is away")
        await _until(lambda: "database" in bot.adapter.trouble)
    assert bot.texts() == ["before"]
    async with bot.again() as later:
        await later.hears("while the store is away")
        later.failing = True
        await ann.says(room, "and once more")
        await _until(lambda: "database" in later.adapter.trouble)
        later.failing = False
        await later.hears("and once more")
    assert later.texts() == ["before", "while the store is away", "and once more"]


async def test_the_first_sync_answers_nothing_old(bot: Bot, ann: Person) -> None:
    """A new installation of an old account begins with now."""
    async with bot:
        room = await bot.joins(ann)
        await ann.says(room, "long ago")
        await bot.hears("long ago")
    bot.taken, bot.cursor = [], ""
    async with bot.again() as anew:
        await ann.says(room, "now")
        await anew.hears("now")
    assert anew.texts() == ["now"]


@pytest.mark.parametrize("encrypted", [False, True], ids=["plain", "encrypted"])
async def test_what_was_said_during_an_absence_is_all_heard_in_order(
    bot: Bot, ann: Person, encrypted: bool
) -> None:
    """Beyond what one sync holds the rest is fetched backwards."""
    async with bot:
        room = await bot.joins(ann, encrypted=encrypted)
        await ann.says(room, "0")
        await bot.hears("0")
    for number in range(1, 25):
        await ann.says(room, str(number))
    async with bot.again() as later:
        await later.hears("24")
    assert later.texts() == [str(number) for number in range(25)]


async def test_more_than_is_fetched_is_counted_and_told(bot: Bot, ann: Person) -> None:
    """The newest are heard; of the others people are told how many they are."""
    async with bot:
        room = await bot.joins(ann)
    most = scaled(10, Patience().most)
    said = most + 20
    for number in range(said):
        await ann.says(room, f"{number:04}")
    later = bot.again(patience=replace(PATIENCE, most=most))
    async with later:
        await later.hears(f"{said - 1:04}", within=60)
        unread = await later.gets(Unread)
    heard = [int(text) for text in later.texts()]
    assert heard == list(range(10, said))  # ten in the sync, `most` before it
    assert (unread.why, unread.count) == ("missed", 10)


async def test_a_homeserver_that_is_away_loses_nothing(bot: Bot, ann: Person, proxy: Proxy) -> None:
    """An answer that hangs or never arrives is asked for again."""
    async with over(bot, proxy) as wired:
        room = await wired.joins(ann)
        proxy.loses("/v3/sync", times=2)
        await ann.says(room, "in the lost answer")
        await wired.hears("in the lost answer")
        proxy.hangs("/v3/sync")
        await ann.says(room, "while it hangs")
        await wired.hears("while it hangs", within=30)
    assert wired.texts() == ["in the lost answer", "while it hangs"]


async def test_a_sealed_message_is_answered_when_its_key_comes(bot: Bot, ann: Person) -> None:
    """Its sender is told once; the message survives a restart of the bot."""
    async with bot:
        room = await bot.joins(ann, encrypted=True)
        await ann.says(room, "first")
        await bot.hears("first")
        held = await ann.holds_key_back(room)
        await ann.says(room, "sealed one")
        await ann.says(room, "sealed two")
        told = await bot.gets(Unread)
        await ann.says(room, "sealed three")
        await _until(lambda: bot.batches and len(bot.batches) > 3)
    assert told.why == "sealed"
    async with bot.again() as later:
        await ann.gives_keys(held)
        await later.hears("sealed three")
    assert later.texts() == ["first", "sealed one", "sealed two", "sealed three"]
    assert len([one for one in later.taken if isinstance(one, Unread)]) == 1
