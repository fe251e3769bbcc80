"""Two people in two rooms and one group: what belongs to one is never seen by the other."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from store.stage import ANN, BOB, NOW, Store, entry, said

from navi_bot.events import Todo
from navi_bot.messages import (
    Address,
    Button,
    Line,
    Page,
    Post,
    Pressed,
    RoomSettings,
    Said,
    Sender,
)
from navi_bot.pagehash import page_hash
from navi_bot.ports.delivery import PageNote
from navi_bot.ports.records import Metrics, TurnStart
from navi_bot.store.files import PostgresFiles
from navi_bot.store.state import PostgresSessionState

PLACES: dict[str, tuple[str, Sender]] = {
    "ann": ("5", ANN),
    "bob": ("6", BOB),
    "group": ("-7", ANN),
}


@dataclass
class Lived:
    """A room in which everything has happened once, each thing marked with its name."""

    name: str
    start: TurnStart


class Rooms:
    def __init__(self, store: Store, data_dir: Path) -> None:
        self.store = store
        self.files = PostgresFiles(store.pool, data_dir)
        self.lived: list[Lived] = []

    async def live(self, name: str) -> None:
        """Ask, answer, keep a note, a checklist, a file, a setting; leave a button."""
        chat, who = PLACES[name]
        accepted = await self.store.ask(name, chat=chat, who=who)
        start = await self.store.turns.claim(accepted.room)
        assert start is not None
        page = Page((Line(name),), ((Button("Stop", f"stop:{name}"),),))
        await self.store.outbox.begin(start.head, 0, "t", page)
        note = PageNote(start.head.key, 0, "77", page_hash(page), uncertain=False)
        await self.store.outbox.note([note])
        state = PostgresSessionState(self.store.pool, start.session.id)
        await state.write_note("plan", name)
        await state.replace_todos((Todo(name, "open"),))
        await self.files.keep(start.session.id, "a.txt", "text/plain", name.encode())
        settings = RoomSettings(model=name)
        await self.store.sessions.change_settings(start.head.room, settings)
        answer = (entry("user", name), entry("assistant", f"{name}!"))
        post = Post(start.head, (replace(page, blocks=(Line(f"{name}!"),)),))
        numbers = Metrics(10, len(name), 0, 1.0, "tiny")
        await self.store.turns.finish(start.id, "done", answer, numbers, (post,))
        self.lived.append(Lived(name, start))


@pytest.fixture
async def rooms(store: Store, tmp_path: Path) -> Rooms:
    rooms = Rooms(store, tmp_path)
    for name in PLACES:
        await rooms.live(name)
    return rooms


async def test_history_and_context_are_a_rooms_own(rooms: Rooms) -> None:
    store = rooms.store
    for lived in rooms.lived:
        session = await store.sessions.current(lived.start.head.room)
        history = await store.sessions.history(session.id, 100)
        assert [each.content for each in history] == [lived.name, f"{lived.name}!"]
        assert [each.id for each in await store.sessions.recent(session.room, 10)] == [session.id]
        chat, who = PLACES[lived.name]
        await store.ask("again", chat=chat, who=who)
        start = await store.turns.claim(session.room)
        assert start is not None
        assert [each.content for each in start.context] == [lived.name, f"{lived.name}!"]
        assert (start.settings.model, start.asker_name) == (lived.name, who.name)


async def test_notes_todos_and_files_are_a_sessions_own(rooms: Rooms, tmp_path: Path) -> None:
    folders: set[Path] = set()
    for lived in rooms.lived:
        session = lived.start.session.id
        state = PostgresSessionState(rooms.store.pool, session)
        assert await state.notes() == {"plan": lived.name}
        assert await state.todos() == (Todo(lived.name, "open"),)
        (file,) = await rooms.files.of(session)
        assert (tmp_path / file.path).read_text() == lived.name
        folders.add((tmp_path / file.path).parent)
    assert len(folders) == len(rooms.lived)


async def test_a_change_in_one_room_changes_no_other(rooms: Rooms) -> None:
    store, (ann, *others) = rooms.store, rooms.lived
    state = PostgresSessionState(store.pool, ann.start.session.id)
    await state.replace_todos(())
    await state.write_note("plan", "")
    await state.switch_profile("developer")
    await store.sessions.change_settings(ann.start.head.room, RoomSettings(model="other"))
    await store.sessions.new(ann.start.head.room, store.ann, "secretary")
    await store.turns.drop_queued(ann.start.head.room, None)
    await store.outbox.abandon(ann.start.head.room, "blocked")
    for lived in others:
        session = await store.sessions.current(lived.start.head.room)
        theirs = PostgresSessionState(store.pool, session.id)
        assert session.id == lived.start.session.id
        assert session.profile_id == "secretary"
        assert await theirs.notes() == {"plan": lived.name}
        assert await theirs.todos() == (Todo(lived.name, "open"),)
        assert (await store.sessions.room_settings(session.room)).model == lived.name
    unfinished = await store.outbox.unfinished("telegram", "1")
    assert {post.head.room for post in unfinished} == {each.start.head.room for each in others}


async def test_usage_is_counted_a_room(rooms: Rooms) -> None:
    for lived in rooms.lived:
        counted = await rooms.store.sessions.usage(lived.start.head.room, NOW - timedelta(days=999))
        assert counted == (1, len(lived.name))


async def test_a_press_finds_buttons_of_its_own_room_alone(rooms: Rooms) -> None:
    """All three messages have one number, as private chats on Telegram do."""
    for lived in rooms.lived:
        chat, who = PLACES[lived.name]
        origin = replace(said("", key=f"p{chat}", chat=chat, who=who, message="77").origin)
        facts = await rooms.store.inbox.facts(Pressed(origin, "x", "y"))
        assert [button.data for button in facts.shown] == [f"stop:{lived.name}"]
        stranger = replace(origin, address=Address("telegram", "2", chat))
        assert (await rooms.store.inbox.facts(Pressed(stranger, "x", "y"))).shown == ()


async def test_what_runs_is_a_rooms_own(rooms: Rooms) -> None:
    store = rooms.store
    for chat, who in PLACES.values():
        await store.ask("next", chat=chat, who=who)
    for lived in rooms.lived:
        chat, who = PLACES[lived.name]
        facts = await store.inbox.facts(said("x", key="x", chat=chat, who=who))
        assert len(facts.active) == 1
        assert facts.room == lived.start.head.room


async def test_in_a_group_each_has_their_own_words(store: Store) -> None:
    """One history; but events, stops and steering are told apart by who spoke."""
    room = (await store.ask("ann's", chat="-7")).room
    await store.ask("bob's", chat="-7", who=BOB)
    for person, text in ((store.ann, "ann's"), (store.bob, "bob's")):
        events = await store.inbox.between(room, 0, 10_000, person)
        assert texts(events) == [text]
    start = await store.turns.claim(room)
    assert start is not None
    assert (start.asker, start.asker_name) == (store.ann, "Ann")
    dropped = await store.turns.drop_queued(room, store.ann)
    assert dropped == ()
    (bobs,) = await store.turns.drop_queued(room, store.bob)
    assert bobs.asker == store.bob


async def test_accounts_of_one_platform_are_apart(store: Store) -> None:
    """Two bots in one chat: two rooms, two queues, two outboxes."""
    first = await store.ask("hi")
    address = Address("telegram", "2", "5")
    inbound = said("hi", key="5:hi")
    inbound = replace(inbound, origin=replace(inbound.origin, address=address))
    second = await store.inbox.take(inbound, store.ann, None, "")
    assert second is not None
    assert second.room != first.room
    await store.turns.claim(first.room)
    assert await store.turns.interrupted("telegram", "2") == ()
    assert len(await store.turns.interrupted("telegram", "1")) == 1


def texts(events: Sequence[object]) -> list[str]:
    return [each.text for each in events if isinstance(each, Said)]
