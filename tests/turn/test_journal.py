"""What the journal of a turn writes at once, and what may wait; on a real PostgreSQL."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

import asyncpg
import pytest
from store.stage import Store

from navi_bot.messages import Entry, Message, Role, ToolCall, TurnId
from navi_bot.patience import Patience, while_away
from navi_bot.ports.records import CallEnd, TurnStart
from navi_bot.running import RunningTurn
from navi_bot.store.turns import PostgresTurns
from navi_bot.turn_journal import TurnJournal

T = TypeVar("T")


class Written(PostgresTurns):
    """The real store, which keeps the names of what is written."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        super().__init__(pool)
        self.log: list[str] = []

    async def record(
        self,
        turn: TurnId,
        entries: Sequence[Entry],
        steered: Sequence[TurnId] = (),
        ended: Sequence[CallEnd] = (),
    ) -> str:
        self.log.append(f"record {len(entries)} " + "".join(one.call_id for one in ended))
        return await super().record(turn, entries, steered, ended)

    async def begin_batch(
        self,
        turn: TurnId,
        step: int,
        assistant: Message,
        effects: Mapping[str, str],
        entries: Sequence[Entry] = (),
    ) -> None:
        self.log.append(f"begin {len(entries)}")
        await super().begin_batch(turn, step, assistant, effects, entries)

    async def end_calls(self, turn: TurnId, ended: Sequence[CallEnd]) -> None:
        self.log.append("end " + "".join(one.call_id for one in ended))
        await super().end_calls(turn, ended)


async def kept(work: Callable[[], Awaitable[T]]) -> T:
    return await while_away(work, Patience(0.01, 0.02, 1.0))


class Scene:
    def __init__(self, store: Store, turns: Written, start: TurnStart) -> None:
        self.store = store
        self.start = start
        self.turns = turns
        head = start.head
        now = asyncio.get_running_loop().time()
        self.running = RunningTurn(start.id, head.room, head.address, "5", now)
        self.journal = TurnJournal(start, self.turns, store.sessions, self.running, kept)

    async def batch(self, step: int, effects: Mapping[str, str]) -> None:
        """Have a batch of calls journalled, made and recorded."""
        calls = tuple(ToolCall(name, "tool", {}) for name in effects)
        assistant = Message("assistant", "", tool_calls=calls)
        await self.journal.begin_batch(step, assistant, effects)
        for name in effects:
            await self.journal.end_call(step, name, f"result {name}", True)
        results = [Message("tool", f"result {name}", tool_call_id=name) for name in effects]
        await self.journal.record([Entry(assistant), *(Entry(result) for result in results)])


@pytest.fixture
async def scene(database: asyncpg.Pool) -> Scene:
    store = Store(database)
    store.ann = await store.people.ensure("telegram", "5", "Ann", Role.OWNER)
    store.turns = Written(database)
    scene = Scene(store, store.turns, await store.started())
    await scene.journal.record([Entry(Message("user", "hi"))])
    return scene


BATCHES = {
    "one that reads": ({"a": "R2"}, []),
    "many that read": ({"a": "R0", "b": "R1", "c": "R2"}, []),
    "one with an effect": ({"a": "W2"}, []),
    "reads, then an effect": ({"a": "R0", "b": "W1"}, []),
    "an effect, then reads": ({"a": "W1", "b": "R2"}, ["end a"]),
    "effects": ({"a": "W1", "b": "W2", "c": "W3"}, ["end a", "end b"]),
    "a read before an effect goes with it": ({"a": "R0", "b": "W1", "c": "R0"}, ["end ab"]),
}


@pytest.mark.parametrize(("effects", "between"), BATCHES.values(), ids=BATCHES)
async def test_a_batch_costs_its_intent_and_its_record(
    scene: Scene, effects: Mapping[str, str], between: list[str]
) -> None:
    """Only what had an effect, with something still to come, is written in between."""
    await scene.batch(1, effects)
    written = "".join(between).replace("end ", "")
    left = "".join(name for name in effects if name not in written)
    assert scene.turns.log == ["begin 1", *between, f"record {1 + len(effects)} {left}"]
    ended = await scene.store.sessions.last_calls(scene.start.head.room)
    assert [(one.call.id, one.result) for one in ended] == [(n, f"result {n}") for n in effects]


async def test_a_turn_without_tools_writes_nothing_before_its_end(scene: Scene) -> None:
    await scene.journal.close([Entry(Message("assistant", "Noon."))])
    assert scene.turns.log == []
    assert [entry.message.content for entry in scene.journal.unwritten] == ["hi", "Noon."]


async def test_the_profile_after_a_batch_is_the_one_that_its_record_found(scene: Scene) -> None:
    """Asked for once more, it is looked up: a person may have changed it meanwhile."""
    await scene.store.sessions.set_profile(scene.start.session.id, "developer")
    await scene.batch(1, {"a": "R0"})
    await scene.store.sessions.set_profile(scene.start.session.id, "smart_home")
    assert await scene.journal.profile_id() == "developer"
    assert await scene.journal.profile_id() == "smart_home"


async def test_a_crash_between_reads_leaves_them_to_be_made_again(scene: Scene) -> None:
    """And an effect that was made before them is not."""
    calls = tuple(ToolCall(name, "tool", {}) for name in "abc")
    effects = {"a": "R0", "b": "W1", "c": "R0"}
    assistant = Message("assistant", "", tool_calls=calls)
    await scene.journal.begin_batch(1, assistant, effects)
    for name in "ab":
        await scene.journal.end_call(1, name, f"result {name}", True)
    await scene.turns.requeue(scene.start.id, 0.0, crashed=True)
    again = await scene.turns.claim(scene.start.head.room)
    assert again is not None
    assert again.pending is not None
    assert [one.result for one in again.pending.calls] == ["result a", "result b", None]
