"""Delivery on a real PostgreSQL: what a restart finds is what is still to do."""

import asyncio
from dataclasses import replace

import asyncpg
import pytest
from delivery.growing_source import GrowingSource
from delivery.loopback import LoopbackAccount, LoopbackOutbound, Made
from strict_telegram.limits import OFF

from navi_bot.delivery.reconciler import Reconciler
from navi_bot.errors import MessageGone, RoomGone
from navi_bot.messages import Address, Head, InboxId, Page, Post, Prose, RoomId
from navi_bot.store.inbox import PostgresInbox
from navi_bot.store.outbox import PostgresOutbox
from navi_bot.texts.delivery import REPEAT

ADDRESS = Address("loop", "bot", "a")


async def room(database: asyncpg.Pool) -> RoomId:
    number = await database.fetchval(
        "INSERT INTO rooms (platform, account, chat, kind) "
        "VALUES ('loop', 'bot', 'a', 'private') RETURNING id"
    )
    return RoomId(number)


async def settle(database: asyncpg.Pool, post: Post) -> None:
    await PostgresInbox(database, "secretary").handled(InboxId(0), (post,))


def reconciler(database: asyncpg.Pool, outbound: LoopbackOutbound) -> Reconciler:
    async def move(address: Address, new_chat: str) -> None:
        raise AssertionError("no chat moves here")

    outbound.forget_what_is_known()
    return Reconciler(
        LoopbackAccount(outbound, private_interval=0.03), PostgresOutbox(database), move
    )


async def unfinished(database: asyncpg.Pool) -> int:
    return len(await PostgresOutbox(database).unfinished("loop", "bot"))


async def test_live_message_is_settled_in_the_store(database: asyncpg.Pool) -> None:
    """Streamed, finished, acknowledged: nothing is left to do, and the ids are known."""
    outbound = LoopbackOutbound(latency=0.002, limits=OFF)
    head = Head("turn:1", await room(database), ADDRESS)
    source = GrowingSource("turn:1", 3, with_button=True)
    async with reconciler(database, outbound) as delivery:
        delivery.follow(head, source)
        for number in range(8):
            source.add(f"w{number}")
            delivery.touch(head.key)
            await asyncio.sleep(0.02)
        source.final = True
        pages = source.pages(0.0)
        await settle(database, Post(head, pages))
        delivery.show(Post(head, pages))
        assert await delivery.drain(10)
    assert await unfinished(database) == 0
    stored = await PostgresOutbox(database).load(head.key)
    assert stored is not None
    assert [page.message_id for page in stored.pages] == ["1", "2", "3"]
    assert outbound.visible("a")[-1] == "turn:1.2: w6 w7"


@pytest.mark.parametrize("idempotent", [True, False])
async def test_crash_in_a_first_send_is_mended(database: asyncpg.Pool, idempotent: bool) -> None:
    """The intent is stored before the call: there once, or labelled."""
    outbound = LoopbackOutbound(idempotent=idempotent, latency=0.002, limits=OFF)
    has_arrived = asyncio.Event()

    def hang(made: Made) -> float:
        has_arrived.set()
        return 1000.0

    outbound.script = hang
    post = Post(Head("note:1", await room(database), ADDRESS), (Page((Prose("pill"),)),))
    await settle(database, post)
    async with reconciler(database, outbound) as delivery:
        delivery.show(post)
        await has_arrived.wait()
        await asyncio.sleep(0)
    outbound.script = lambda made: None
    assert await unfinished(database) == 1
    async with reconciler(database, outbound) as delivery:
        await delivery.recover()
        assert await delivery.drain(10)
    assert await unfinished(database) == 0
    assert len(outbound.visible("a")) == (1 if idempotent else 2)
    assert (REPEAT() in outbound.of("send")[-1].text) is not idempotent


async def test_shorter_second_run_removes_what_the_first_showed(database: asyncpg.Pool) -> None:
    outbound = LoopbackOutbound(latency=0.002, limits=OFF)
    head = Head("turn:1", await room(database), ADDRESS)
    source = GrowingSource("turn:1", 1, with_button=False)
    has_three = asyncio.Event()
    outbound.script = lambda made: has_three.set() if made.text.endswith("three") else None
    async with reconciler(database, outbound) as delivery:
        for word in ("one", "two", "three"):
            source.add(word)
        delivery.follow(head, source)
        await has_three.wait()
        await asyncio.sleep(0.05)
    post = Post(head, (Page((Prose("all"),)),))
    await settle(database, post)
    async with reconciler(database, outbound) as delivery:
        await delivery.recover()
        assert await delivery.drain(10)
    assert outbound.visible("a") == ["all"]
    assert await unfinished(database) == 0


async def test_gone_room_is_paused_and_its_posts_abandoned(database: asyncpg.Pool) -> None:
    outbound = LoopbackOutbound(latency=0.002, limits=OFF, script=lambda made: RoomGone("Kicked."))
    post = Post(Head("note:1", await room(database), ADDRESS), (Page((Prose("x"),)),))
    await settle(database, post)
    async with reconciler(database, outbound) as delivery:
        delivery.show(post)
        assert await delivery.drain(10)
    assert await database.fetchval("SELECT state FROM rooms") == "gone"
    assert await unfinished(database) == 0


async def test_message_deleted_by_a_person_is_settled_in_the_end(database: asyncpg.Pool) -> None:
    """Deleted twice: quiet, and no restart brings it up again."""
    outbound = LoopbackOutbound(latency=0.002, limits=OFF)
    head = Head("turn:1", await room(database), ADDRESS)
    post = Post(head, (Page((Prose("one"),)),))
    await settle(database, post)
    async with reconciler(database, outbound) as delivery:
        delivery.show(post)
        assert await delivery.drain(10)
        outbound.script = lambda made: MessageGone("") if made.kind == "edit" else None
        changed = replace(post, pages=(Page((Prose("two"),)),))
        await settle(database, changed)
        delivery.show(changed)
        assert await delivery.drain(10)
    assert outbound.visible("a") == ["one", "two"]
    assert await unfinished(database) == 0
