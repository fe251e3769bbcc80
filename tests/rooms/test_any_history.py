"""Whatever happens, and breaks off, and comes twice: a room's queue is what its people meant.

A model keeps what shall wait; the real rooms and store must agree after every
step. Histories are drawn from seeds, so that a failure can be played again.
"""

import random
from collections.abc import Awaitable, Callable

import asyncpg
import pytest
from rooms.stage import ACCOUNT, ANN, PLATFORM, FlakyInbox, Stage, at, origin, said
from scale import scaled, seeds

from navi_bot.errors import StoreUnavailable
from navi_bot.messages import Address, Edited, Inbound, Role, Said, Withdrawn

HISTORIES, STEPS = scaled((12, 25), (400, 40))
MOST_WAITING = 15
"""Below the queue's limit, which is tested for itself."""


class History:
    """One room's history: what is done in it, and what shall wait."""

    def __init__(self, stage: Stage, seed: int) -> None:
        self.stage = stage
        self.chance = random.Random(seed)
        self.address = Address(PLATFORM, ACCOUNT, f"{1000 + seed}")
        self.waiting: list[tuple[str, str]] = []
        """(message id, text), in order."""
        self.messages: list[Said] = []
        self.batches: list[list[Inbound]] = []
        self.steps: list[str] = []

    def _say(self) -> Inbound:
        message = at(said(f"text {len(self.messages)}"), self.address)
        self.messages.append(message)
        self.waiting.append((message.origin.message_id, message.text))
        return message

    def _edit(self) -> Inbound:
        message = self.chance.choice(self.messages).origin.message_id
        text = f"edited {self.chance.random()}"
        self.waiting = [(one, text if one == message else old) for one, old in self.waiting]
        return Edited(origin(room=self.address, message=message), text)

    def _withdraw(self) -> Inbound:
        message = self.chance.choice(self.messages).origin.message_id
        self.waiting = [(one, text) for one, text in self.waiting if one != message]
        return Withdrawn(origin(room=self.address, message=message))

    def _stop(self) -> Inbound:
        self.waiting.clear()
        return at(said("/stop"), self.address)

    def _event(self) -> Inbound:
        kinds = [self._say] * 5
        if self.messages:
            kinds += [self._edit, self._withdraw]
        if len(self.waiting) >= MOST_WAITING:
            kinds = [self._withdraw, self._stop]
        return self.chance.choice([*kinds, self._stop])()

    def _batch(self) -> list[Inbound]:
        batch = [self._event() for _ in range(self.chance.randint(1, 4))]
        self.batches.append(batch)
        return batch

    async def hear(self) -> None:
        await self.stage.hear(*self._batch())

    async def hear_brokenly(self) -> None:
        """The database goes away at an event; the adapter hands the batch over again."""
        batch = self._batch()
        away, bad = StoreUnavailable("Away."), self.chance.choice(batch)
        whole = self.stage.inbox
        self.stage.inbox = FlakyInbox(self.stage.pool, lambda one: away if one is bad else None)
        try:
            await self.stage.hear(*batch)
        except StoreUnavailable:
            self.steps.append("broken")
        self.stage.inbox = whole
        await self.stage.hear(*batch)

    async def hear_the_last_again(self) -> None:
        """A platform that was not told in time delivers its last batch again."""
        if self.batches:
            await self.stage.hear(*self.batches[-1])

    async def restart(self) -> None:
        await self.stage.restart()

    async def answer(self) -> None:
        """A worker takes the next turn from the queue and ends it."""
        if not self.waiting:
            return
        start = await self.stage.turns.claim(await self.stage.room(self.address))
        assert start is not None
        assert start.request.text == self.waiting.pop(0)[1]
        await self.stage.turns.finish(start.id, "done", (), None, ())
        self.batches.clear()  # the platform was told long ago

    async def step(self) -> None:
        actions: list[Callable[[], Awaitable[None]]] = [
            self.hear, self.hear, self.hear_brokenly, self.hear_the_last_again, self.restart,
            self.answer, self.answer,
        ]  # fmt: skip
        action = self.chance.choice(actions)
        self.steps.append(action.__name__)
        await action()

    async def check(self) -> None:
        rows = await self.stage.pool.fetch(
            "SELECT t.request FROM turns t JOIN rooms r ON r.id = t.room_id "
            "WHERE r.chat = $1 AND t.state = 'queued' ORDER BY t.id",
            self.address.chat,
        )
        queued = [row["request"]["text"] for row in rows]
        assert queued == [text for _, text in self.waiting], self.steps


@pytest.fixture
async def stage(database: asyncpg.Pool) -> Stage:
    stage = Stage(database)
    await stage.let_in(ANN, Role.OWNER)
    return stage


async def test_the_queue_is_what_its_people_meant(stage: Stage) -> None:
    for seed in seeds(HISTORIES):
        history = History(stage, seed)
        for _ in range(STEPS):
            await history.step()
            await history.check()
    assert len(await stage.questions()) > HISTORIES * STEPS / 4, "the histories were no empty ones"
