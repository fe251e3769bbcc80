"""What people do in rooms, plain and encrypted, as the adapter hands it over."""

import asyncio
from collections.abc import Collection
from typing import cast

import nio
import pytest
from real_synapse.bot import Bot
from real_synapse.fixtures import People
from real_synapse.person import Person

from adapters.matrix.homeserver import Homeserver
from adapters.matrix.invitations import Invitations
from navi_bot.errors import StoreUnavailable
from navi_bot.messages import (
    Button,
    ChatKind,
    Edited,
    Left,
    Moved,
    Page,
    Pressed,
    Prose,
    Returned,
    Role,
    Withdrawn,
)

SEALED = pytest.mark.parametrize("encrypted", [False, True], ids=["plain", "encrypted"])


@SEALED
async def test_a_message_an_edit_and_a_redaction_come_in(
    bot: Bot, ann: Person, encrypted: bool
) -> None:
    """A private chat: what was said, how it was changed, that it was taken back."""
    async with bot:
        room = await bot.joins(ann, encrypted=encrypted)
        message = await ann.says(room, "first words")
        said = await bot.hears("first words")
        await ann.edits(room, message, "better words")
        edited = await bot.gets(Edited)
        await ann.redacts(room, message)
        withdrawn = await bot.gets(Withdrawn)
    assert said.origin.message_id == said.origin.key == message
    assert said.origin.chat_kind is ChatKind.PRIVATE
    assert said.origin.sender.id == ann.id
    assert (edited.text, edited.origin.message_id) == ("better words", message)
    assert withdrawn.origin.message_id == message


@SEALED
async def test_a_thread_is_a_room_of_its_own(bot: Bot, ann: Person, encrypted: bool) -> None:
    """What is said in it, edited in it and answered in it stays in it."""
    async with bot:
        room = await bot.joins(ann, encrypted=encrypted)
        root = await ann.says(room, "the root")
        thread = {"rel_type": "m.thread", "event_id": root, "is_falling_back": True}
        inside = await ann.says(room, "in the thread", **{"m.relates_to": thread})
        said = await bot.hears("in the thread")
        await ann.edits(room, inside, "changed in the thread")
        edited = await bot.gets(Edited)
        await bot.shows(said.origin.address, "an answer")
        shown = await ann.sees(room, "an answer")
    assert said.origin.address.thread == edited.origin.address.thread == shown.thread == root
    assert said.quote is None


@SEALED
async def test_a_reaction_presses_a_button(bot: Bot, ann: Person, encrypted: bool) -> None:
    """The sign tells which; an older process's buttons are read from its message."""
    page = Page((Prose("Shall I?"),), ((Button("⏹ Stop", "stop:1"), Button("Yes", "fresh:2")),))
    async with bot:
        room = await bot.joins(ann, encrypted=encrypted)
        place = bot.place(room)
        message = await bot.adapter.outbound.send(place, page, transaction="t1")
        shown = await ann.sees(room, "Shall I?")
        await ann.reacts(room, message, "⏹\ufe0f")
        first = await bot.gets(Pressed)
        empty = Page((Prose("Shall I?"),), ((Button("No", "stale:2"),),))
        await bot.adapter.outbound.edit(place, message, empty, transaction="t2", final=True)
    assert "⏹ Stop" in shown.body
    assert "1\ufe0f\u20e3 Yes" in shown.body
    assert (first.data, first.origin.message_id) == ("stop:1", message)
    async with bot.again() as later:
        await ann.reacts(room, message, "1\ufe0f\u20e3")
        second = await later.until(
            lambda: next((p for p in pressed(later) if p is not first), None)
        )
        await ann.reacts(room, message, "👍")
        await ann.says(room, "and now")
        await later.hears("and now")
        assert len(pressed(later)) == 2
    assert second.data == "stale:2"


def pressed(bot: Bot) -> list[Pressed]:
    return [one for one in bot.taken if isinstance(one, Pressed)]


async def test_a_reply_with_the_sign_presses_too(bot: Bot, ann: Person) -> None:
    """For clients without reactions."""
    page = Page((Prose("Shall I?"),), ((Button("Yes", "fresh:2"),),))
    async with bot:
        room = await bot.joins(ann)
        message = await bot.adapter.outbound.send(bot.place(room), page, transaction="t1")
        await ann.says(room, "1", **{"m.relates_to": {"m.in_reply_to": {"event_id": message}}})
        press = await bot.gets(Pressed)
    assert press.data == "fresh:2"


async def test_a_group_message_says_whether_it_is_for_the_bot(
    bot: Bot, ann: Person, person: People
) -> None:
    """A pill, a mention, a reply; small talk is handed over as such."""
    bob = person("bob")
    async with bot:
        room = await ann.opens_room(bot.id, bob.id, name="Team", direct=False)
        await bob.joins(room)
        await ann.waits(lambda: len(ann.client.rooms[room].users) == 3 or None)
        await bot.until(lambda: bot.adapter.outbound is not None or None)
        await ann.waits(lambda: not ann.client.rooms[room].users[bot.id].invited or None)
        await bob.says(room, "small talk")
        await bob.says(room, "navi: hello", **{"m.mentions": {"user_ids": [bot.id]}})
        answer = await bot.shows(bot.place(room), "an answer")
        await bob.says(
            room, "and then?", **{"m.relates_to": {"m.in_reply_to": {"event_id": answer}}}
        )
        replied = await bot.hears("and then?")
        talk, hello = await bot.hears("small talk"), await bot.hears("hello")
    assert talk.origin.chat_kind is ChatKind.GROUP
    assert talk.origin.title == "Team"
    assert [one.addressed for one in (talk, hello, replied)] == [False, True, True]
    assert replied.quote is not None
    assert replied.quote.text == "an answer"


async def test_notices_and_own_messages_are_not_heard(bot: Bot, ann: Person) -> None:
    """Two bots that answer each other would never end."""
    async with bot:
        room = await bot.joins(ann)
        await ann.sends(room, {"msgtype": "m.notice", "body": "a bot speaks"})
        await bot.shows(bot.place(room), "I speak")
        await ann.says(room, "a person speaks")
        await bot.hears("a person speaks")
    assert bot.texts() == ["a person speaks"]


async def test_an_open_message_in_an_encrypted_room_is_not_heard(bot: Bot, ann: Person) -> None:
    """A homeserver could have written it."""
    async with bot:
        room = await bot.joins(ann, encrypted=True)
        path = f"/_matrix/client/v3/rooms/{room}/send/m.room.message/forged"
        await ann.asks("PUT", path, {"msgtype": "m.text", "body": "/stop"})
        await ann.says(room, "sealed words")
        await bot.hears("sealed words")
    assert bot.texts() == ["sealed words"]


async def test_a_bot_that_is_put_out_and_asked_back_says_so(bot: Bot, ann: Person) -> None:
    async with bot:
        room = await bot.joins(ann)
        await ann.client.room_kick(room, bot.id)
        left = await bot.gets(Left)
        await ann.client.room_invite(room, bot.id)
        back = await bot.gets(Returned)
        await ann.says(room, "welcome back")
        await bot.hears("welcome back")
        await ann.client.room_ban(room, bot.id)
        banned = (await bot.until(lambda: [o for o in bot.taken if isinstance(o, Left)][1:]))[0]
    assert (left.reason, banned.reason) == ("kicked", "banned")
    assert left.origin.address == back.origin.address == banned.origin.address


async def test_an_upgraded_room_is_followed(bot: Bot, ann: Person) -> None:
    """The owner's client invites everybody into the room that replaces the old one."""
    async with bot:
        room = await bot.joins(ann)
        path = f"/_matrix/client/v3/rooms/{room}/upgrade"
        new = (await ann.asks("POST", path, {"new_version": "10"}))["replacement_room"]
        await ann.client.room_invite(new, bot.id)
        moved = await bot.gets(Moved)
        await ann.waits(lambda: new in ann.rooms or None)
        await ann.says(new, "in the new house")
        said = await bot.hears("in the new house")
    assert moved.new_chat == new == said.origin.address.chat
    assert moved.origin.address.chat == room


async def test_a_room_that_only_claims_to_replace_another_does_not(bot: Bot, ann: Person) -> None:
    """Its history would come into other hands."""
    async with bot:
        room = await bot.joins(ann)
        predecessor = {"room_id": room, "event_id": "$none"}
        body = {"invite": [bot.id], "creation_content": {"predecessor": predecessor}}
        new = (await ann.asks("POST", "/_matrix/client/v3/createRoom", body))["room_id"]
        await ann.waits(lambda: new in ann.rooms or None)
        await ann.says(new, "trust me")
        await bot.hears("trust me")
    assert not [one for one in bot.taken if isinstance(one, Moved)]


async def test_strangers_invitations_are_declined(bot: Bot, ann: Person, person: People) -> None:
    """Only an owner's full id counts; a display name may say anything."""
    eve = person("eve")
    await eve.client.set_displayname(ann.id)
    async with bot:
        room = await eve.opens_room(bot.id)
        await eve.waits(lambda: bot.id not in eve.client.rooms[room].users or None)
        await bot.joins(ann)
    assert not [one for one in bot.taken if one.origin.sender.id == eve.id]


class Rights:
    """What the database says; `away`: how often it does not answer."""

    def __init__(
        self, owners: Collection[str] = (), away: int = 0, *, strangers: bool = False
    ) -> None:
        self.owners = set(owners)
        self.away = away
        self.strangers = strangers

    async def role(self, who: str) -> Role:
        if self.away:
            self.away -= 1
            raise StoreUnavailable("The database is away.")
        return Role.OWNER if who in self.owners else Role.GUEST

    async def expects_strangers(self) -> bool:
        return self.strangers


async def test_an_owner_by_pairing_invites_also_while_the_database_is_away(
    bot: Bot, person: People
) -> None:
    """Whom only the database knows as an owner is not declined for its absence."""
    bob = person("bob")
    bot.adapter.consult(Rights([bob.id], away=1))
    async with bot:
        await bot.joins(bob, direct=False)


async def test_a_stranger_opens_a_private_chat_while_a_code_is_expected(
    bot: Bot, person: People
) -> None:
    """And no group, whatever is expected."""
    eve, rights = person("eve"), Rights(strangers=True)
    bot.adapter.consult(rights)
    async with bot:
        await bot.joins(eve)
        group = await eve.opens_room(bot.id, direct=False)
        await eve.waits(lambda: bot.id not in eve.client.rooms[group].users or None)
        rights.strangers = False
        private = await eve.opens_room(bot.id)
        await eve.waits(lambda: bot.id not in eve.client.rooms[private].users or None)


async def test_strangers_private_chats_are_counted() -> None:
    """Ten in an hour; an owner is followed before and after."""
    joined: list[str] = []
    news = asyncio.Event()

    async def comes(room: str) -> None:
        async with asyncio.timeout(10):
            while room not in joined:
                news.clear()
                await news.wait()

    class Client:
        def join(self, room: str) -> str:
            return room

        def room_leave(self, room: str) -> str:
            return f"not {room}"

    class Host:
        user_id = "@navi:h"
        client = Client()

        async def answered(self, call: str) -> None:
            joined.append(call)
            news.set()

    async def at_once(_seconds: float) -> None:
        await asyncio.sleep(0)

    now = 0.0
    rights = Rights(["@ann:h"], strangers=True)
    sorting = Invitations(cast(Homeserver, Host()), rights, at_once, lambda: now)

    def invites(room: str, sender: str) -> None:
        content = {"membership": "invite", "is_direct": True}
        event = nio.InviteMemberEvent({}, sender, "@navi:h", "invite", "", content)
        sorting.take(room, [event])

    async with asyncio.TaskGroup() as tasks:
        work = (sorting.sort, sorting.follow, sorting.turn_down)
        running = [tasks.create_task(one()) for one in work]
        for number in range(300):
            invites(f"!{number}", "@eve:h")
        invites("!ann", "@ann:h")
        await comes("!ann")
        first = [room for room in joined if not room.startswith("not ")]
        now = 4000.0
        invites("!later", "@eve:h")
        await comes("!later")
        for one in running:
            one.cancel()
    assert first == [*(f"!{number}" for number in range(10)), "!ann"]
