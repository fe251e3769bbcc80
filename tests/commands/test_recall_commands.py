"""/remind, /recalls, /tz and their buttons, and the model's tools, on a real PostgreSQL."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import cast
from zoneinfo import ZoneInfo

import asyncpg
import pytest

from navi_bot.agenda import Agenda
from navi_bot.commands.recalls import COMMANDS
from navi_bot.commands.table import Ask, Command, Desk, RecallDesk, Reply
from navi_bot.errors import PersonError
from navi_bot.messages import (
    Address,
    ChatKind,
    Head,
    Line,
    Origin,
    PersonId,
    Role,
    RoomId,
    Said,
    Sender,
)
from navi_bot.ports.recall import Plan, Wanted
from navi_bot.schedule.occurrence import Occurrence
from navi_bot.schedule.rule import Once, cron
from navi_bot.store.inbox import PostgresInbox
from navi_bot.store.people import PostgresPeople
from navi_bot.store.recall_book import MOST_OF_ONE_PERSON, PostgresRecallBook
from navi_bot.store.recall_receipts import PostgresReceipts, PostgresZones

KYIV = ZoneInfo("Europe/Kyiv")
TABLE: dict[str, Command] = {command.name: command for command in COMMANDS}


class Office:
    """Ann and Bob in a group and in chats of their own; Ann owns the bot."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self.pool = pool
        self.book = PostgresRecallBook(pool)
        self.zones = PostgresZones(pool)
        self.known = RecallDesk(
            agenda=self.agenda,
            book=self.book,
            receipts=PostgresReceipts(pool),
            zones=self.zones,
            home=KYIV,
        )
        self.people: dict[str, PersonId] = {}
        self.rooms: dict[str, RoomId] = {}

    async def open(self) -> None:
        people, inbox = PostgresPeople(self.pool), PostgresInbox(self.pool, "secretary")
        for name, role in (("5", Role.OWNER), ("6", Role.MEMBER)):
            self.people[name] = await people.ensure("telegram", name, f"P{name}", role)
        for chat in ("5", "6", "-7"):
            kind = ChatKind.GROUP if chat == "-7" else ChatKind.PRIVATE
            address = Address("telegram", "1", chat)
            who = "5" if chat == "-7" else chat
            origin = Origin(f"hi{chat}", address, kind, Sender(who, ""), "1", datetime.now(UTC))
            taken = await inbox.take(Said(origin, "hi"), self.people[who], None, "")
            assert taken is not None
            self.rooms[chat] = taken.room

    def agenda(self, person: PersonId, room: RoomId, role: Role) -> Agenda:
        return Agenda(self.book, self.zones, person, room, role, KYIV)

    async def does(
        self, words: str, who: str = "5", chat: str = "", *, pressed: bool = False
    ) -> Reply:
        """Give a command, in one's own chat if none is named."""
        name, _, arguments = words.removeprefix("/").partition(":" if pressed else " ")
        address = Address("telegram", "1", chat or who)
        kind = ChatKind.GROUP if chat.startswith("-") else ChatKind.PRIVATE
        origin = Origin("k", address, kind, Sender(who, ""), "1", datetime.now(UTC))
        head = Head("reply:1", self.rooms[chat or who], address, group=kind is ChatKind.GROUP)
        role = Role.OWNER if who == "5" else Role.MEMBER
        ask = Ask(arguments, head, origin, self.people[who], role, pressed=pressed)
        # The rest of the desk is not touched by these commands.
        desk = SimpleNamespace(recalls=self.known, now=lambda: datetime.now(UTC))
        return await TABLE[name].run(ask, cast(Desk, desk))

    async def fired(self, number: int = 1) -> int:
        """Have a recall's waiting time come; return the occurrence."""
        found: int = await self.pool.fetchval(
            "UPDATE occurrences SET state = 'sent', fired_at = now(), sent_at = now() "
            "WHERE recall_id = $1 AND state = 'due' RETURNING id",
            number,
        )
        return found


def words(reply: Reply) -> str:
    return "\n".join(block.text for block in reply.blocks if isinstance(block, Line))


@pytest.fixture
async def office(database: asyncpg.Pool) -> Office:
    office = Office(database)
    await office.open()
    return office


async def number_of(office: Office) -> int:
    found: int = await office.pool.fetchval("SELECT max(id) FROM recalls")
    return found


async def test_a_reminder_is_echoed_with_its_absolute_time(office: Office) -> None:
    """The zone is asked about once, and there are buttons to undo it."""
    reply = await office.does("/remind tomorrow at 9 call mum")
    assert "09:00 Europe/Kyiv, in " in words(reply)
    assert "call mum" in words(reply)
    assert "I take your time zone to be Europe/Kyiv" in words(reply)
    number = await number_of(office)
    data = [button.data for row in reply.buttons for button in row]
    assert data == [f"recall:cancel:{number}", f"recall:change:{number}"]
    again = await office.does("/remind in 3 hours call dad")
    assert "I take your time zone" not in words(again)


async def test_it_is_listed_skipped_changed_and_cancelled_by_number(office: Office) -> None:
    await office.does("/remind every weekday at 8 stand up")
    number = await number_of(office)
    listed = words(await office.does("/recalls"))
    assert f"{number}. " in listed
    assert "every weekday at 08:00: stand up" in listed
    skipped = words(await office.does(f"/recalls skip {number}"))
    assert skipped.startswith("⏭ Skipped")
    assert "Next:" in skipped
    changed = words(await office.does(f"/recalls change {number} every day at 10"))
    assert "then every day at 10:00: stand up" in changed
    assert "Cancelled: stand up" in words(await office.does(f"/recalls cancel {number}"))
    assert "No reminders wait" in words(await office.does("/recalls"))


async def test_what_came_is_done_or_comes_again(office: Office) -> None:
    """By button and by text, for platforms without buttons."""
    await office.does("/remind tomorrow at 9 call mum")
    number = await number_of(office)
    occurrence = await office.fired(number)
    again = await office.does(f"/recall:1h:{occurrence}", pressed=True)
    assert "in 1 h" in again.toast
    waiting = await office.book.active(office.people["5"])
    assert [one.id for one in waiting] == [number]
    await office.fired(number)
    assert "Done: call mum" in words(await office.does(f"/recalls done {number}"))
    assert "in 2 h" in words(await office.does(f"/recalls snooze {number} 2h"))


async def test_in_a_group_the_creator_and_the_owner_may_change_it(office: Office) -> None:
    await office.does("/remind tomorrow at 9 feed the cat", "6", "-7")
    bobs = await number_of(office)
    await office.does("/remind tomorrow at 9 feed the dog", "5", "-7")
    anns = await number_of(office)
    with pytest.raises(PersonError, match="Only the one who set it up"):
        await office.does(f"/recall:cancel:{anns}", "6", "-7", pressed=True)
    assert "Cancelled" in words(await office.does(f"/recalls cancel {bobs}", "5", "-7"))


async def test_nobody_sees_anothers_reminders(office: Office) -> None:
    """Not in a list, and not by guessing numbers; the owner neither, outside of their rooms."""
    await office.does("/remind tomorrow at 9 my secret", "6")
    number = await number_of(office)
    assert "secret" not in words(await office.does("/recalls"))
    for act in ("cancel", "skip", "done", "change"):
        with pytest.raises(PersonError, match="There is no reminder"):
            await office.does(f"/recalls {act} {number} tomorrow")


async def test_a_zone_is_set_and_the_reminders_are_asked_about(office: Office) -> None:
    """Keep the clock time, or keep the instant."""
    await office.does("/tz Europe/Kyiv")
    await office.does("/remind every day at 9 stretch")
    asked = await office.does("/tz asia/tokyo")
    assert "Your time zone is Asia/Tokyo now" in words(asked)
    assert "1 reminders were set in Europe/Kyiv" in words(asked)
    local, instant = (row[0].data for row in asked.buttons)
    before = (await office.book.active(office.people["5"]))[0].due
    kept = await office.does(instant, pressed=True)
    assert "same instants" in kept.toast
    assert (await office.book.active(office.people["5"]))[0].due == before
    moved = await office.does(local, pressed=True)
    assert "keep their clock time, now in Asia/Tokyo" in moved.toast
    (recall,) = await office.book.active(office.people["5"])
    assert recall.due is not None
    assert recall.due.astimezone(ZoneInfo("Asia/Tokyo")).hour == 9
    assert "Asia/Tokyo" in words(await office.does("/tz"))


async def test_a_wrong_time_is_refused_in_a_sentence(office: Office) -> None:
    with pytest.raises(PersonError, match=r"is past\. Did you mean"):
        await office.does("/remind 2020-01-01 09:00 party")
    with pytest.raises(PersonError, match="Write a time like"):
        await office.does("/remind call mum")
    assert "What shall I remind you of" in words(await office.does("/remind"))


async def test_fifty_is_the_most_of_one_person(office: Office) -> None:
    rule = cron("0 9 * * *", KYIV)
    due = Occurrence(datetime.now(UTC) + timedelta(hours=1))
    plan = Plan(office.people["5"], office.rooms["5"], "reminder", "x", rule)
    for _ in range(MOST_OF_ONE_PERSON):
        assert await office.book.add(plan, due) is not None
    assert await office.book.add(plan, due) is None
    with pytest.raises(PersonError, match="50 reminders waiting"):
        await office.does("/remind tomorrow at 9 one more")
    await office.does("/remind tomorrow at 9 mine", "6")


REFUSED = {
    "too often": (Wanted("task", "look", "every 2 minutes"), "at most every 5 minutes"),
    "no text to match": (Wanted("task", "look", "in 1 hour", notify="match"), "text to look for"),
    "no such zone": (Wanted("reminder", "x", "tomorrow", zone="Mars/Base"), "no time zone"),
    "no text": (Wanted("reminder", " ", "tomorrow"), "What shall I remind"),
    "a book": (Wanted("reminder", "x" * 3001, "tomorrow"), "at most 3000"),
}


@pytest.mark.parametrize(("wanted", "reason"), REFUSED.values(), ids=REFUSED.keys())
async def test_what_cannot_be_kept_is_refused(office: Office, wanted: Wanted, reason: str) -> None:
    agenda = office.agenda(office.people["5"], office.rooms["5"], Role.OWNER)
    with pytest.raises(PersonError, match=reason):
        await agenda.schedule(wanted)


async def test_a_change_of_rule_keeps_one_waiting_time(office: Office) -> None:
    await office.does("/remind tomorrow at 9 call mum")
    number = await number_of(office)
    for when in ("tomorrow at 10", "tomorrow at 11", "tomorrow at 10"):
        await office.does(f"/recalls change {number} {when}")
    states = await office.pool.fetch(
        "SELECT state, count(*) AS count FROM occurrences GROUP BY state ORDER BY state"
    )
    assert {row["state"]: row["count"] for row in states} == {"cancelled": 2, "due": 1}
    (recall,) = await office.book.active(office.people["5"])
    assert isinstance(recall.plan.rule, Once)
    assert recall.plan.rule.wall.hour == 10
