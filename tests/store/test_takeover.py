"""A turn belongs to one daemon: whoever was cut off finds it taken over."""

from collections.abc import Awaitable, Callable

import asyncpg
import pytest
from store.stage import Store, entry

from navi_bot.errors import TurnLost
from navi_bot.messages import Line, Message, Page, Post, ToolCall
from navi_bot.ports.records import TurnStart
from navi_bot.store.turns import PostgresTurns

CALL = Message("assistant", "", tool_calls=(ToolCall("a", "send", {}),))

Write = Callable[[PostgresTurns, TurnStart], Awaitable[object]]

WRITES: dict[str, Write] = {
    "a record": lambda turns, start: turns.record(start.id, (entry("user", "hi"),)),
    "a batch": lambda turns, start: turns.begin_batch(start.id, 1, CALL, {"a": "W2"}),
    "the end": lambda turns, start: turns.finish(
        start.id, "done", (entry("user", "hi"),), None, (Post(start.head, (Page((Line("x"),)),)),)
    ),
}


async def taken_over(store: Store) -> tuple[TurnStart, PostgresTurns, TurnStart]:
    """Let another daemon take over what runs: what the first has, the other, what it has."""
    mine = await store.started()
    other = PostgresTurns(store.pool)
    (left,) = await other.interrupted("telegram", "1")
    await other.requeue(left.turn, 0.0, crashed=True)
    theirs = await other.claim(mine.head.room)
    assert theirs is not None
    return mine, other, theirs


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
async def test_what_another_has_taken_over_is_lost(store: Store, write: Write) -> None:
    """Nothing of it is stored; the other goes on."""
    mine, other, theirs = await taken_over(store)
    with pytest.raises(TurnLost):
        await write(store.turns, mine)
    assert await store.sessions.history(mine.session.id, 10) == ()
    assert await store.outbox.unfinished("telegram", "1") == ()
    assert await store.pool.fetchval("SELECT count(*) FROM tool_journal") == 0
    await write(other, theirs)


async def test_whoever_lost_a_turn_cannot_give_it_back(store: Store) -> None:
    """It would be begun a second time while the other runs it."""
    mine, _, _ = await taken_over(store)
    await store.turns.requeue(mine.id, 0.0)
    await store.turns.requeue(mine.id, 0.0, crashed=True)
    assert await store.pool.fetchval("SELECT state FROM turns") == "running"
    assert await store.pool.fetchval("SELECT attempts FROM turns") == 2


async def test_an_end_that_was_stored_stays_ours(store: Store, database: asyncpg.Pool) -> None:
    """Its answer may have been lost; it is written again, and changes nothing."""
    start = await store.started()
    await store.turns.finish(start.id, "done", (), None, ())
    await PostgresTurns(database).interrupted("telegram", "1")
    await store.turns.finish(start.id, "done", (), None, ())
