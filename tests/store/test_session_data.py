"""A session's own data: sessions, checklist, notes, files, calibration."""

import asyncio
import os
import stat
from pathlib import Path

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from store.stage import NOW, Store, entry

from navi_bot.errors import Bug, StoreError
from navi_bot.events import Todo
from navi_bot.messages import PersonId, RoomId, RoomSettings, SessionId
from navi_bot.ports.records import Metrics
from navi_bot.store.calibration import PostgresCalibration
from navi_bot.store.files import NAME_LIMIT, PostgresFiles, safe_name, workspace
from navi_bot.store.state import PostgresSessionState

NOBODYS = SessionId(4711)


async def test_a_new_session_begins_empty_and_keeps_the_old_one(store: Store) -> None:
    start = await store.started()
    answer = (entry("user", "hi"), entry("assistant", "hello"))
    numbers = Metrics(321, 5, 0, 1.5, "tiny")
    await store.turns.finish(start.id, "done", answer, numbers, ())
    old = await store.sessions.current(start.head.room)
    assert (old.context_tokens, old.message_count) == (321, 2)
    new = await store.sessions.new(start.head.room, store.ann, "developer")
    assert await store.sessions.current(start.head.room) == new
    assert (new.message_count, new.context_tokens, new.profile_id) == (0, 0, "developer")
    assert await store.sessions.history(new.id, 10) == ()
    assert len(await store.sessions.history(old.id, 10)) == 2
    await store.ask("next")
    next_turn = await store.turns.claim(start.head.room)
    assert next_turn is not None
    assert (next_turn.session.id, next_turn.context) == (new.id, ())
    assert {each.id for each in await store.sessions.recent(start.head.room, 10)} == {
        old.id,
        new.id,
    }


async def test_the_last_messages_come_oldest_first(store: Store) -> None:
    start = await store.started()
    answer = tuple(entry("user", str(number)) for number in range(10))
    await store.turns.finish(start.id, "done", answer, None, ())
    last = await store.sessions.history(start.session.id, 3)
    assert [each.content for each in last] == ["7", "8", "9"]


async def test_a_final_message_keeps_its_numbers(store: Store) -> None:
    start = await store.started()
    answer = entry(
        "assistant", "hello", thinking="hm", elapsed_seconds=1.5, tool_call_count=2,
        token_count=77, is_plan=True, created_at=NOW, images=("rooms/1/files/a.png",),
    )  # fmt: skip
    await store.turns.finish(start.id, "done", (answer,), None, ())
    assert await store.sessions.history(start.session.id, 10) == (answer.message,)


async def test_settings_of_a_room_are_kept_whole(store: Store) -> None:
    room = (await store.ask()).room
    assert await store.sessions.room_settings(room) == RoomSettings()
    changed = RoomSettings("tiny", True, False, True, {"quiet": [1, None, "x"]})
    await store.sessions.change_settings(room, changed)
    assert await store.sessions.room_settings(room) == changed
    await store.sessions.new(room, store.ann, "secretary")
    assert await store.sessions.room_settings(room) == changed, "they are the room's"


async def test_what_is_not_there_is_a_bug_with_a_name(store: Store, tmp_path: Path) -> None:
    room = RoomId(4711)
    for wrong in (
        store.sessions.current(room),
        store.sessions.profile_id(NOBODYS),
        PostgresFiles(store.pool, tmp_path).keep(NOBODYS, "a", "b", b""),
    ):
        with pytest.raises(Bug):
            await wrong
    assert os.listdir(tmp_path) == []


async def test_a_profile_is_a_sessions(store: Store) -> None:
    start = await store.started()
    await store.sessions.set_profile(start.session.id, "developer")
    assert await store.sessions.profile_id(start.session.id) == "developer"
    state = PostgresSessionState(store.pool, start.session.id)
    await state.switch_profile("smart_home")
    assert (await store.sessions.current(start.head.room)).profile_id == "smart_home"
    new = await store.sessions.new(start.head.room, PersonId(store.ann), "secretary")
    assert new.profile_id == "secretary"


async def test_a_checklist_is_replaced_whole_and_in_order(store: Store) -> None:
    start = await store.started()
    state = PostgresSessionState(store.pool, start.session.id)
    items = tuple(Todo(f"{number}\0", "open") for number in (3, 1, 2))
    await state.replace_todos(items)
    assert [item.text for item in await state.todos()] == ["3\ufffd", "1\ufffd", "2\ufffd"]
    await state.replace_todos((Todo("2", "done"),))
    assert await state.todos() == (Todo("2", "done"),)
    await state.replace_todos(())
    assert await state.todos() == ()


async def test_a_checklist_that_fails_leaves_the_old_one(store: Store) -> None:
    start = await store.started()
    state = PostgresSessionState(store.pool, start.session.id)
    await state.replace_todos((Todo("a", "open"),))
    with pytest.raises(asyncpg.CheckViolationError):
        await state.replace_todos((Todo("b", "open"), Todo("c", "no such state")))
    assert await state.todos() == (Todo("a", "open"),)


async def test_an_empty_note_is_no_note(store: Store) -> None:
    start = await store.started()
    state = PostgresSessionState(store.pool, start.session.id)
    await state.write_note("b", "two")
    await state.write_note("a", "one\0")
    await state.write_note("b", "three")
    assert list((await state.notes()).items()) == [("a", "one\ufffd"), ("b", "three")]
    await state.write_note("b", "")
    await state.write_note("never there", "")
    assert list(await state.notes()) == ["a"]


async def test_files_of_one_name_are_all_kept(store: Store, tmp_path: Path) -> None:
    """Also when they come at once; for nobody else to read."""
    session = (await store.started()).session
    files = PostgresFiles(store.pool, tmp_path)
    contents = [str(number).encode() for number in range(10)]
    kept = await asyncio.gather(
        *(files.keep(session.id, "../a.txt", "text/plain", each) for each in contents)
    )
    for file, content in zip(kept, contents, strict=True):
        path = tmp_path / file.path
        assert path.read_bytes() == content
        assert path.parent == workspace(tmp_path, session.room)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert file.size == len(content)
    assert {each.name for each in kept} == {"a.txt", *(f"a-{n}.txt" for n in range(2, 11))}
    assert set(await files.of(session.id)) == set(kept)
    assert len(list(workspace(tmp_path, session.room).iterdir())) == 10


async def test_a_file_that_cannot_be_written_leaves_no_part(store: Store, tmp_path: Path) -> None:
    session = (await store.started()).session
    (tmp_path / "rooms").write_text("in the way")
    files = PostgresFiles(store.pool, tmp_path)
    with pytest.raises(StoreError, match="could not be written"):
        await files.keep(session.id, "a", "b", b"c")
    assert await files.of(session.id) == ()
    (tmp_path / "rooms").unlink()
    folder = workspace(tmp_path, session.room)
    folder.mkdir(parents=True)
    for number in range(1, 1000):
        (folder / ("a" if number == 1 else f"a-{number}")).touch()
    with pytest.raises(StoreError, match="too many files of one name"):
        await files.keep(session.id, "a", "b", b"c")
    assert not list(folder.glob(".*"))


NAMES = {
    "report.pdf": "report.pdf",
    "../../etc/passwd": "passwd",
    "C:\\Users\\me\\a.doc": "a.doc",
    ".bashrc": "bashrc",
    "..": "file",
    "": "file",
    "a\nb\0c.txt": "a_b\ufffdc.txt",
    "gpj.\u202eexe": "gpj.exe",
    "what?*.txt": "what_.txt",
    "übergrößenträger.txt": "übergrößenträger.txt",
}


@pytest.mark.parametrize("given_name", NAMES, ids=ascii)
def test_a_file_gets_a_plain_name(given_name: str) -> None:
    assert safe_name(given_name) == NAMES[given_name]


@given(st.text() | st.text(alphabet="./\\ a\0ä🙂", max_size=300))
def test_no_name_leaves_its_folder(name: str) -> None:
    """Whatever a sender calls a file: one visible name, short enough with a number added."""
    safe = safe_name(name)
    assert os.path.basename(safe) == safe
    assert safe not in ("", ".", "..")
    assert not safe.startswith(".")
    assert safe.isprintable()
    assert len(os.fsencode(safe)) <= NAME_LIMIT
    assert safe_name(safe) == safe


async def test_calibration_keeps_the_newest_of_each_model(database: asyncpg.Pool) -> None:
    calibration = PostgresCalibration(database)
    assert await calibration.load() == {}
    await calibration.save("tiny", 3.5)
    await calibration.save("large", 4.0)
    await calibration.save("tiny", 3.25)
    assert await calibration.load() == {"tiny": 3.25, "large": 4.0}
