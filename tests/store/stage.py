"""Every aggregate over one pool, an owner named Ann and a member named Bob."""

from datetime import UTC, datetime

import asyncpg

from navi_bot.messages import (
    Address,
    ChatKind,
    Entry,
    Message,
    Origin,
    PersonId,
    Said,
    Sender,
)
from navi_bot.ports.records import Accepted, TurnRequest, TurnStart
from navi_bot.store.inbox import PostgresInbox
from navi_bot.store.outbox import PostgresOutbox
from navi_bot.store.people import PostgresPeople
from navi_bot.store.sessions import PostgresSessions
from navi_bot.store.turns import PostgresTurns

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
ANN, BOB = Sender("5", "Ann"), Sender("6", "Bob")


class Store:
    def __init__(self, pool: asyncpg.Pool) -> None:
        self.pool = pool
        self.inbox = PostgresInbox(pool, "secretary")
        self.turns = PostgresTurns(pool)
        self.sessions = PostgresSessions(pool)
        self.outbox = PostgresOutbox(pool)
        self.people = PostgresPeople(pool)
        self.ann = PersonId(0)
        self.bob = PersonId(0)

    async def ask(
        self, text: str = "hi", *, key: str = "", chat: str = "5", who: Sender = ANN, **more: object
    ) -> Accepted:
        inbound = said(text, key=key or f"{chat}:{text}", chat=chat, who=who)
        person = self.ann if who is ANN else self.bob
        request = TurnRequest(text, **more)  # type: ignore[arg-type]  # by name
        accepted = await self.inbox.take(inbound, person, request, "")
        assert accepted is not None
        return accepted

    async def started(self, text: str = "hi") -> TurnStart:
        accepted = await self.ask(text)
        start = await self.turns.claim(accepted.room)
        assert start is not None
        return start


def said(text: str, *, key: str, chat: str = "5", who: Sender = ANN, message: str = "1") -> Said:
    kind = ChatKind.GROUP if chat.startswith("-") else ChatKind.PRIVATE
    origin = Origin(key, Address("telegram", "1", chat), kind, who, message, NOW)
    return Said(origin, text)


def entry(role: str, content: str, **more: object) -> Entry:
    return Entry(Message(role, content, **more))  # type: ignore[arg-type]  # by name
