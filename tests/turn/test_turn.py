"""One turn from claim to end, on a real PostgreSQL; the loop plays what a test says."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from datetime import UTC, datetime

import asyncpg
import pytest
from structlog.testing import capture_logs

from navi_bot.errors import ModelUnavailable, StoreError, StoreUnavailable
from navi_bot.events import (
    ContextCompressed,
    Ending,
    Event,
    ModelStarted,
    Notice,
    StreamEnd,
    StreamFailed,
    StreamStopped,
    TextDelta,
    ToolEvent,
    ToolStarted,
    Waiting,
    wire_name,
)
from navi_bot.messages import (
    Address,
    Attachment,
    ChatKind,
    Document,
    Entry,
    Head,
    Line,
    Message,
    Origin,
    Page,
    PersonId,
    Post,
    Prose,
    Role,
    RoomId,
    Said,
    Sender,
    ToolCall,
)
from navi_bot.patience import Patience
from navi_bot.ports.delivery import LiveSource
from navi_bot.ports.records import TurnRequest, TurnStart
from navi_bot.question import Fetch, Question, Questions
from navi_bot.running import Running, RunningTurn
from navi_bot.shares import Shares
from navi_bot.store.files import PostgresFiles
from navi_bot.store.inbox import PostgresInbox
from navi_bot.store.outbox import PostgresOutbox
from navi_bot.store.people import PostgresPeople
from navi_bot.store.sessions import PostgresSessions
from navi_bot.store.turns import PostgresTurns
from navi_bot.turn import MAX_ATTEMPTS, TurnRunner
from navi_bot.turn_doors import Doors
from navi_bot.turn_end import Unsaved
from navi_bot.turn_journal import TurnJournal

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
END = StreamEnd("Noon.", 100, 1000, 1.5, 2, 30, model="tiny")

Script = Callable[[TurnStart, Question | None, TurnJournal, RunningTurn], AsyncGenerator[Event]]


class Loop:
    """Plays one script a run and keeps what it was given."""

    def __init__(self, *scripts: Script) -> None:
        self.scripts = list(scripts)
        self.starts: list[TurnStart] = []
        self.questions: list[Question | None] = []

    def run(
        self,
        start: TurnStart,
        question: Question | None,
        journal: TurnJournal,
        running: RunningTurn,
    ) -> AsyncGenerator[Event]:
        self.starts.append(start)
        self.questions.append(question)
        return self.scripts.pop(0)(start, question, journal, running)


class Room:
    """Keeps what was shown; implements the Delivery port."""

    def __init__(self) -> None:
        self.shown: list[Post] = []
        self.followed: list[str] = []
        self.sources: list[LiveSource] = []
        self.working_on: list[bool] = []

    def follow(self, head: Head, source: LiveSource, begun: str = "") -> None:
        self.followed.append(head.key)
        self.sources.append(source)

    def touch(self, key: str) -> None:
        assert key in self.followed

    def show(self, post: Post) -> None:
        self.shown.append(post)

    def working(self, head: Head, on: bool) -> None:
        self.working_on.append(on)

    def react(self, address: Address, message_id: str, emoji: str) -> None:
        raise AssertionError("a turn reacts to nothing")

    def remark(self, address: Address, text: str) -> None: ...

    def acknowledge(self, address: Address, press: str, text: str) -> None:
        raise AssertionError("a turn acknowledges nothing")


class Live:
    """Keeps the events and shows the ending's text."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.waits = asyncio.Event()
        self.document: Document | None = None
        self.answer: tuple[Page, ...] | None = None

    async def has(self, kind: type[Event], count: int = 1) -> None:
        """Wait until so many events of a kind have come."""
        async with asyncio.timeout(5):
            while sum(isinstance(e, kind) for e in self.events) < count:  # noqa: ASYNC110 - no bell
                await asyncio.sleep(0.005)

    def feed(self, event: Event, now: float) -> None:
        self.events.append(event)
        if isinstance(event, Waiting):
            self.waits.set()

    def pages(self, now: float) -> tuple[Page, ...]:
        return self.settled()[0]

    @property
    def final(self) -> bool:
        return isinstance(self.events[-1], StreamEnd | StreamStopped | StreamFailed)

    def wakes_at(self, now: float) -> float | None:
        return None

    def settled(self) -> tuple[tuple[Page, ...], tuple[Page, ...] | None]:
        last = self.events[-1]
        text = last.full_content if isinstance(last, StreamEnd) else type(last).__name__
        return (Page((Prose(text),), document=self.document),), self.answer

    def of(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]


class FlakyTurns(PostgresTurns):
    """The real store behind a connection that fails when told to."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        super().__init__(pool)
        self.refused = asyncio.Event()

    failing = 0
    writes_failing = 0
    """Of a running turn's journal."""
    fault: Exception = StoreUnavailable("The database does not answer.")

    async def finish(self, *arguments: object, **named: object) -> None:
        if self.failing:
            self.failing -= 1
            self.refused.set()
            raise self.fault
        await super().finish(*arguments, **named)  # type: ignore[arg-type]  # passed through

    async def record(self, *arguments: object, **named: object) -> str:
        self._write()
        return await super().record(*arguments, **named)  # type: ignore[arg-type]  # passed through

    async def begin_batch(self, *arguments: object, **named: object) -> None:
        self._write()
        await super().begin_batch(*arguments, **named)  # type: ignore[arg-type]  # passed through

    async def end_calls(self, *arguments: object, **named: object) -> None:
        self._write()
        await super().end_calls(*arguments, **named)  # type: ignore[arg-type]  # passed through

    def _write(self) -> None:
        """Fail every second time, so that each write meets it."""
        self._odd = not self._odd
        if self.writes_failing and (self._odd or self.writes_failing > 100):
            self.writes_failing -= 1
            raise self.fault

    _odd = False


async def content(address: Address, attachment: Attachment, limit: int) -> bytes:
    return b"content"


class Scene:
    """A room with Ann in it, and a runner whose loop plays scripts."""

    def __init__(self, pool: asyncpg.Pool, tmp_path: object) -> None:
        self.pool = pool
        self.inbox = PostgresInbox(pool, "secretary")
        self.turns = FlakyTurns(pool)
        self.sessions = PostgresSessions(pool)
        self.room = Room()
        self.live = Live()
        self.running = Running()
        self.ended: list[Ending] = []
        self.files = PostgresFiles(pool, tmp_path)  # type: ignore[arg-type]  # a Path
        self.ann = PersonId(0)
        self.fetch: Fetch = content
        self.shares = Shares(2)

    async def ask(
        self,
        text: str = "What time is it?",
        *,
        chat: str = "5",
        person: PersonId | None = None,
        **more: object,
    ) -> RoomId:
        address = Address("telegram", "1", chat)
        origin = Origin(chat + text, address, ChatKind.PRIVATE, Sender("5", "Ann"), "1", NOW)
        request = TurnRequest(text, **more)  # type: ignore[arg-type]  # by name
        accepted = await self.inbox.take(Said(origin, text), person or self.ann, request, "")
        assert accepted is not None
        return accepted.room

    def runner(self, loop: Loop, patience: Patience | None = None) -> TurnRunner:
        return TurnRunner(
            Doors(
                turns=self.turns,
                sessions=self.sessions,
                delivery=self.room,
                running=self.running,
                questions=Questions(self.files, self.fetch, 100),
                loop=loop,
                live=lambda start: self.live,
                ended=self._ended,
                clock=asyncio.get_running_loop().time,
                shares=self.shares,
                patience=patience or Patience(0.001, 0.002, 5.0),
            )
        )

    async def _ended(self, ending: Ending) -> None:
        self.ended.append(ending)

    async def state(self) -> str:
        state: str = await self.pool.fetchval("SELECT state FROM turns ORDER BY id LIMIT 1")
        return state

    async def states(self) -> list[str]:
        rows = await self.pool.fetch("SELECT state FROM turns ORDER BY id")
        return [row["state"] for row in rows]

    async def context(self) -> list[tuple[str, str]]:
        """Return what the model will have seen at the next turn."""
        room = await self.ask("next")
        start = await self.turns.claim(room)
        assert start is not None
        return [(message.role, message.content) for message in start.context]


@pytest.fixture
async def scene(database: asyncpg.Pool, tmp_path: object) -> Scene:
    scene = Scene(database, tmp_path)
    scene.ann = await PostgresPeople(database).ensure("telegram", "5", "Ann", Role.OWNER)
    return scene


async def answers(
    start: TurnStart, question: Question | None, journal: TurnJournal, running: RunningTurn
) -> AsyncGenerator[Event]:
    """Record the question, stream, close, end: as the agent does."""
    if question is not None:
        await journal.record([Entry(Message("user", question.text))])
    yield TextDelta("Noon.")
    await journal.close([Entry(Message("assistant", "Noon."))])
    yield END


async def unavailable(
    start: TurnStart, question: Question | None, journal: TurnJournal, running: RunningTurn
) -> AsyncGenerator[Event]:
    """Record the question, then find the model host away."""
    if question is not None:
        await journal.record([Entry(Message("user", question.text))])
    raise ModelUnavailable("The model host does not answer.")
    yield END


async def stops(
    start: TurnStart, question: Question | None, journal: TurnJournal, running: RunningTurn
) -> AsyncGenerator[Event]:
    assert running.stop.is_set
    await journal.close([Entry(Message("assistant", "[stopped by the user]"))])
    yield StreamStopped("")


async def hangs(
    start: TurnStart, question: Question | None, journal: TurnJournal, running: RunningTurn
) -> AsyncGenerator[Event]:
    yield TextDelta("No")
    await asyncio.Event().wait()


async def breaks(
    start: TurnStart, question: Question | None, journal: TurnJournal, running: RunningTurn
) -> AsyncGenerator[Event]:
    yield TextDelta("No")
    raise RuntimeError("a fault of ours, with a secret in it")


async def until(running: Running) -> RunningTurn:
    async with asyncio.timeout(5):
        while not (turns := running.all()):  # noqa: ASYNC110  # the registry tells nobody
            await asyncio.sleep(0.001)
    return turns[0]


async def test_a_turn_is_shown_stored_and_told_of_once(scene: Scene) -> None:
    """Live message followed, typing on and off, the end stored and shown."""
    room = await scene.ask()
    await scene.runner(Loop(answers)).wake(room)
    assert scene.room.followed == ["turn:1"]
    assert scene.room.working_on == [True, False]
    assert [post.head.key for post in scene.room.shown] == ["turn:1"]
    assert await scene.state() == "done"
    assert scene.ended == [END]
    assert scene.running.all() == ()
    stored = await PostgresOutbox(scene.pool).load("turn:1")
    assert stored is not None
    assert stored.final
    assert stored.pages[0].desired == Page((Prose("Noon."),))
    assert await scene.context() == [("user", "What time is it?"), ("assistant", "Noon.")]


async def test_nothing_to_do_is_fine(scene: Scene) -> None:
    """A wake-up that comes twice begins nothing."""
    room = await scene.ask()
    loop = Loop(answers)
    runner = scene.runner(loop)
    await runner.wake(room)
    await runner.wake(room)
    assert len(loop.starts) == 1


async def test_an_answer_and_a_file_are_posts_of_their_own(scene: Scene) -> None:
    scene.live.answer = (Page((Prose("the answer"),)),)
    scene.live.document = Document("answer.md", "all of it")
    await scene.runner(Loop(answers)).wake(await scene.ask())
    keys = [post.head.key for post in scene.room.shown]
    assert keys == ["turn:1", "turn:1:file", "turn:1:answer"]
    assert scene.room.shown[0].pages[0].document is None
    assert scene.room.shown[1].pages[0].document == Document("answer.md", "all of it")


async def test_a_model_host_that_is_away_is_waited_for(scene: Scene) -> None:
    """The question is recorded once and goes on as context; the person is told."""
    loop = Loop(unavailable, unavailable, answers)
    await scene.runner(loop).wake(await scene.ask())
    assert len(scene.live.of(Waiting)) == 2
    assert loop.questions[0] is not None
    assert loop.questions[1:] == [None, None]
    assert loop.starts[1].resumed
    assert [m.content for m in loop.starts[2].context] == ["What time is it?"]
    assert await scene.context() == [("user", "What time is it?"), ("assistant", "Noon.")]


async def test_a_profile_changed_while_the_host_is_away_counts(scene: Scene) -> None:
    async def switches(
        start: TurnStart, question: Question | None, journal: TurnJournal, running: RunningTurn
    ) -> AsyncGenerator[Event]:
        async for event in unavailable(start, question, journal, running):
            yield event

    room = await scene.ask()
    loop = Loop(switches, answers)
    runner = scene.runner(loop, Patience(0.05, 0.05, 5.0))
    waking = asyncio.ensure_future(runner.wake(room))
    await until(scene.running)
    session = (await scene.sessions.current(room)).id
    await scene.sessions.set_profile(session, "developer")
    await waking
    assert loop.starts[1].session.profile_id == "developer"


async def test_a_host_that_stays_away_is_given_up(scene: Scene) -> None:
    loop = Loop(*[unavailable] * 50)
    await scene.runner(loop, Patience(0.01, 0.01, 0.05)).wake(await scene.ask())
    assert isinstance(scene.ended[0], StreamFailed)
    assert scene.ended[0].retryable
    assert await scene.state() == "failed"


async def test_stop_wins_while_the_host_is_away(scene: Scene) -> None:
    """It ends at once, however long the wait, and the model hears of it."""
    room = await scene.ask()
    waking = asyncio.ensure_future(
        scene.runner(Loop(unavailable, stops), Patience(60, 60, 600)).wake(room)
    )
    turn = await until(scene.running)
    await scene.live.waits.wait()
    turn.stop.stop("Ann")
    await asyncio.wait_for(waking, 2)
    assert await scene.state() == "stopped"
    assert (await scene.context())[-1] == ("assistant", "[stopped by the user]")


async def test_a_fault_of_ours_ends_the_turn_without_a_traceback(scene: Scene) -> None:
    await scene.runner(Loop(breaks)).wake(await scene.ask())
    (ending,) = scene.ended
    assert isinstance(ending, StreamFailed)
    assert "secret" not in ending.reason
    assert await scene.state() == "failed"


@pytest.mark.parametrize("fault", [StoreUnavailable("Away."), StoreError("The disk is full.")])
async def test_the_end_is_stored_however_long_the_database_fails(
    scene: Scene, fault: Exception
) -> None:
    """Away or full: the room's next turn waits, and nothing is lost."""
    scene.turns.failing = 3
    scene.turns.fault = fault
    await scene.runner(Loop(answers)).wake(await scene.ask())
    assert await scene.state() == "done"
    assert len(scene.room.shown) == 1, "shown only once it is stored"


async def test_a_shutdown_gives_the_turn_back(scene: Scene) -> None:
    """It is queued again, in its place, and the restart is no attempt of its own."""
    room = await scene.ask()
    waking = asyncio.ensure_future(scene.runner(Loop(hangs)).wake(room))
    await until(scene.running)
    waking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waking
    assert scene.live.of(Waiting)
    assert await scene.state() == "queued"
    assert scene.room.shown == []
    scene.live = Live()
    await scene.runner(Loop(answers)).wake(room)
    assert await scene.state() == "done"


async def test_a_shutdown_during_the_last_write_lets_it_finish(scene: Scene) -> None:
    scene.turns.failing = 1
    room = await scene.ask()
    runner = scene.runner(Loop(answers), Patience(0.05, 0.05, 5.0))
    waking = asyncio.ensure_future(runner.wake(room))
    await scene.turns.refused.wait()
    waking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waking
    assert await scene.state() == "done"


FULL = StoreError("The database's disk is full. Free some space; nothing is lost.")


async def test_a_full_database_is_one_sentence_for_the_person_and_waited_for(scene: Scene) -> None:
    """It is known before the model is asked; the answer comes once there is space."""

    async def full(
        start: TurnStart, question: Question | None, journal: TurnJournal, running: RunningTurn
    ) -> AsyncGenerator[Event]:
        raise FULL
        yield END

    await scene.runner(Loop(full, full, answers)).wake(await scene.ask())
    assert scene.live.of(Waiting) == [Waiting(f"{FULL} I go on as soon as it works again.")] * 2
    assert scene.ended == [END]


async def works(
    start: TurnStart, question: Question | None, journal: TurnJournal, running: RunningTurn
) -> AsyncGenerator[Event]:
    """Run a tool with an effect, as the agent does, and answer."""
    call = ToolCall("c1", "send", {})
    asked = Message("assistant", "", tool_calls=(call,))
    if question is not None:
        await journal.record([Entry(Message("user", question.text))])
    await journal.begin_batch(1, asked, {"c1": "W2", "c2": "W2"})
    yield ToolStarted("c1", "send", {})
    await journal.end_call(1, "c1", "sent", True)
    await journal.record([Entry(asked), Entry(Message("tool", "sent", tool_call_id="c1"))])
    await journal.close([Entry(Message("assistant", "Noon."))])
    yield END


async def test_a_tool_runs_once_however_often_the_database_fails(scene: Scene) -> None:
    """Before it, after it, at the end of its batch: the same run goes on, nothing is repeated."""
    scene.turns.writes_failing = 3
    loop = Loop(works)
    await scene.runner(loop).wake(await scene.ask())
    assert scene.ended == [END]
    assert len(scene.live.of(ToolStarted)) == 1
    assert len(scene.live.of(Waiting)) == 3
    assert await scene.context() == [
        ("user", "What time is it?"), ("assistant", ""), ("tool", "sent"), ("assistant", "Noon."),
    ]  # fmt: skip


async def test_stop_wins_while_the_database_is_away(scene: Scene) -> None:
    """No tool is begun; what the stop kept from being written is stored with the end."""
    scene.turns.writes_failing = 1_000_000
    room = await scene.ask()
    runner = scene.runner(Loop(works), Patience(60, 60, 600))
    waking = asyncio.ensure_future(runner.wake(room))
    turn = await until(scene.running)
    await scene.live.waits.wait()
    turn.stop.stop("Ann")
    await asyncio.wait_for(waking, 2)
    scene.turns.writes_failing = 0
    assert await scene.state() == "stopped"
    assert not scene.live.of(ToolStarted)
    assert (await scene.context())[0] == ("user", "What time is it?")


async def test_an_end_that_is_not_stored_is_shown_as_such(scene: Scene) -> None:
    """The answer is there to read; its footer says that it is not saved."""
    scene.turns.failing = 2
    await scene.runner(Loop(answers)).wake(await scene.ask())
    unsaved = scene.room.sources[1]
    assert isinstance(unsaved, Unsaved)
    (page,) = unsaved.pages(0.0)
    assert page.blocks == (Prose("Noon."), Line("💾 not saved yet", "dim"))
    assert not unsaved.final
    assert len(scene.room.shown) == 1


def test_an_answer_apart_stands_in_for_its_log_until_both_are_stored() -> None:
    """Only the log has a message already, and a first send needs the database."""
    head = Head("turn:1", RoomId(1), Address("telegram", "1", "5"))
    log = Post(head, (Page((Line("log"),)),))
    answer = Post(replace(head, key="turn:1:answer"),
                  (Page((Prose("a"),)), Page((Prose("b"), Line("⏱ 1 s", "dim")))))  # fmt: skip
    file = Post(replace(head, key="turn:1:file"), (Page((Line("f"),), document=Document("f", "")),))
    said = Line("💾 not saved yet", "dim")
    assert Unsaved((log, answer, file)).pages(0.0) == (
        Page((Prose("a"),)), Page((Prose("b"), said))
    )  # fmt: skip


async def test_a_turn_that_crashed_the_daemon_too_often_is_set_aside(scene: Scene) -> None:
    room = await scene.ask()
    for _ in range(MAX_ATTEMPTS):
        start = await scene.turns.claim(room)
        assert start is not None
        await scene.turns.requeue(start.id, 0.0, crashed=True)
    loop = Loop()
    await scene.runner(loop).wake(room)
    assert loop.starts == []
    assert await scene.state() == "failed"
    (post,) = scene.room.shown
    assert isinstance(post.pages[0].blocks[0], Line)


async def test_only_a_restart_is_called_one(scene: Scene) -> None:
    """A retry asks again from the beginning; nothing was interrupted."""
    room = await scene.ask()
    await scene.runner(Loop(answers)).wake(room)
    assert await scene.turns.again(room, scene.ann, "retry") is not None
    scene.live = Live()
    loop = Loop(answers)
    await scene.runner(loop).wake(room)
    (question,) = loop.questions
    assert question is not None
    assert loop.starts[0].context == ()
    assert scene.live.of(Notice) == []


async def test_what_comes_along_is_fetched_or_named(scene: Scene) -> None:
    """A file that is too large is left out and named, before any download."""
    attachments = (
        Attachment("file", "a", "notes.txt", "text/plain", size=7),
        Attachment("file", "b", "film.mkv", "video/x-matroska", size=101),
    )
    loop = Loop(answers)
    await scene.runner(loop).wake(await scene.ask("look", attachments=attachments))
    (question,) = loop.questions
    assert question is not None
    assert [file.name for file in question.files] == ["notes.txt"]
    assert "film.mkv" in question.problems[0]
    assert len(scene.live.of(Notice)) == 1


async def test_stop_wins_while_a_file_is_fetched(scene: Scene) -> None:
    """However long the download would take; the question is kept without it."""
    fetching = asyncio.Event()

    async def never(address: Address, attachment: Attachment, limit: int) -> bytes:
        fetching.set()
        await asyncio.Event().wait()
        return b""

    async def stopped(
        start: TurnStart, question: Question | None, journal: TurnJournal, running: RunningTurn
    ) -> AsyncGenerator[Event]:
        assert question is not None
        await journal.record([Entry(Message("user", question.text))])
        async for event in stops(start, None, journal, running):
            yield event

    scene.fetch = never
    attachments = (Attachment("file", "a", "film.mkv", "video/x-matroska", size=7),)
    room = await scene.ask("watch this", attachments=attachments)
    waking = asyncio.ensure_future(scene.runner(Loop(stopped)).wake(room))
    turn = await until(scene.running)
    await fetching.wait()
    turn.stop.stop("Ann")
    await asyncio.wait_for(waking, 2)
    assert await scene.state() == "stopped"
    assert ("user", "watch this") in await scene.context()


async def test_messages_waiting_at_the_start_are_looked_for(scene: Scene) -> None:
    """What should steer and was taken in before a restart still does."""
    seen: list[bool] = []

    async def looks(
        start: TurnStart, question: Question | None, journal: TurnJournal, running: RunningTurn
    ) -> AsyncGenerator[Event]:
        seen.append(running.steered)
        async for event in answers(start, question, journal, running):
            yield event

    room = await scene.ask("first")
    await scene.ask("second", steer=True)
    await scene.runner(Loop(looks)).wake(room)
    assert seen == [True]


async def test_a_message_that_steers_is_recorded_together_with_its_mark(scene: Scene) -> None:
    """A crash in between loses neither: each is queued until the model has it for good."""
    seen: list[list[str]] = []

    async def steered(
        start: TurnStart, question: Question | None, journal: TurnJournal, running: RunningTurn
    ) -> AsyncGenerator[Event]:
        messages = await journal.steering()
        for message in messages:
            seen.append(await scene.states())
            await journal.record([Entry(message)])
        seen.append(await scene.states())
        async for event in answers(start, question, journal, running):
            yield event

    room = await scene.ask("first")
    await scene.ask("second", steer=True)
    await scene.ask("third", steer=True)
    await scene.runner(Loop(steered)).wake(room)
    assert seen == [
        ["running", "queued", "queued"],
        ["running", "done", "queued"],
        ["running", "done", "done"],
    ]
    context = [content for role, content in await scene.context() if role == "user"]
    assert context == ["second", "third", "first"]


async def test_a_person_has_so_many_turns_at_once_in_all_rooms(scene: Scene) -> None:
    """C-15: the third waits and says so, another person's does not; a stop ends the wait."""
    hold = asyncio.Event()
    began: list[str] = []

    async def holds(
        start: TurnStart, question: Question | None, journal: TurnJournal, running: RunningTurn
    ) -> AsyncGenerator[Event]:
        began.append(start.head.address.chat)
        if not running.stop.is_set:
            await hold.wait()
        async for event in answers(start, question, journal, running):
            yield event

    bob = await PostgresPeople(scene.pool).ensure("telegram", "6", "Bob", Role.MEMBER)
    rooms = [await scene.ask(chat=chat) for chat in ("a", "b", "c", "d")]
    rooms.append(await scene.ask(chat="e", person=bob))
    runner = scene.runner(Loop(*[holds] * 5))
    async with asyncio.TaskGroup() as tasks:
        for room in rooms:
            tasks.create_task(runner.wake(room))
        await scene.live.waits.wait()
        async with asyncio.timeout(5):
            while len(began) < 3 or len(scene.running.all()) < 5:  # noqa: ASYNC110  # nobody tells
                await asyncio.sleep(0.001)
        assert len(began) == 3
        assert "e" in began
        waiting = next(one for one in scene.running.all() if one.address.chat not in began)
        waiting.stop.stop("Ann")
        await waiting.ended
        assert began[-1] == waiting.address.chat, "its loop ends at once"
        assert len(began) == 4
        hold.set()
    assert sorted(began) == ["a", "b", "c", "d", "e"]


async def test_what_happens_is_logged_by_its_wire_name(scene: Scene) -> None:
    """N-57: names that tools outside can rely on; every word would be too much."""
    with capture_logs() as lines:
        await scene.runner(Loop(answers)).wake(await scene.ask())
    assert [line["kind"] for line in lines if line["event"] == "turn_event"] == ["stream_end"]


@pytest.mark.parametrize(
    ("event", "name"),
    [
        (TextDelta("x"), "text_delta"),
        (END, "stream_end"),
        (ToolEvent("a", "clock", {}, "noon", True, 0.1), "tool_call"),
        (ContextCompressed(2, 1, ""), "context_compressed"),
    ],
)
def test_events_have_their_wire_names(event: Event, name: str) -> None:
    assert wire_name(event) == name


def test_every_ending_has_a_state() -> None:
    from navi_bot.turn_end import metrics_of, state_of  # noqa: PLC0415  # used here alone

    assert [state_of(one) for one in (END, StreamStopped(""), StreamFailed("x"))] == [
        "done",
        "stopped",
        "failed",
    ]
    assert metrics_of(StreamFailed("x")) is None
    assert metrics_of(replace(END, model="m")) is not None


async def begins_and_hangs(
    start: TurnStart, question: Question | None, journal: TurnJournal, running: RunningTurn
) -> AsyncGenerator[Event]:
    """Answer, run one tool to its end and another one, and wait for a database that hangs."""
    if question is not None:
        await journal.record([Entry(Message("user", question.text))])
    yield ModelStarted(1, 9, "tiny")
    yield TextDelta("Let me ")
    calls = (ToolCall("a", "send", {}), ToolCall("b", "clock", {}), ToolCall("c", "clock", {}))
    said = Message("assistant", "Let me ", tool_calls=calls)
    await journal.begin_batch(1, said, {"a": "W2", "b": "R0", "c": "R0"})
    yield ToolStarted("a", "send", {})
    yield ToolEvent("a", "send", {}, "sent", True, 0.1)
    yield ToolStarted("b", "clock", {})
    await asyncio.Event().wait()


async def test_a_stopped_loop_that_does_not_end_is_ended_by_its_turn(scene: Scene) -> None:
    """Promise 3: shown within a second, with what was done, whatever the loop waits for."""
    room = await scene.ask()
    waking = asyncio.ensure_future(scene.runner(Loop(begins_and_hangs)).wake(room))
    turn = await until(scene.running)
    await scene.live.has(ToolStarted, 2)
    began = time.monotonic()
    turn.stop.stop("Ann")
    await scene.live.has(StreamStopped)
    assert time.monotonic() - began < 1
    await asyncio.wait_for(waking, 5)
    (ending,) = scene.ended
    assert ending == StreamStopped(
        "Let me ", finished=("send",), cancelled=("clock",), lasting=("send",)
    )
    assert await scene.state() == "stopped"
    assert await scene.context() == [
        ("user", "What time is it?"),
        ("assistant", "Let me \n\n[stopped by the user]"),
    ]


async def test_a_loop_that_ends_by_itself_is_not_overruled(scene: Scene) -> None:
    async def obeys(
        start: TurnStart, question: Question | None, journal: TurnJournal, running: RunningTurn
    ) -> AsyncGenerator[Event]:
        yield TextDelta("Half")
        await running.stop.wait()
        await asyncio.sleep(0.05)
        await journal.close([Entry(Message("assistant", "Half, its own words"))])
        yield StreamStopped("Half", finished=("its own account",))

    room = await scene.ask()
    waking = asyncio.ensure_future(scene.runner(Loop(obeys)).wake(room))
    turn = await until(scene.running)
    turn.stop.stop("Ann")
    await asyncio.wait_for(waking, 5)
    assert scene.ended == [StreamStopped("Half", finished=("its own account",))]
    assert (await scene.context())[-1] == ("assistant", "Half, its own words")


async def test_a_stopped_turn_is_not_given_back_by_a_shutdown(scene: Scene) -> None:
    """The next daemon has nothing to go on with."""
    room = await scene.ask()
    waking = asyncio.ensure_future(scene.runner(Loop(begins_and_hangs)).wake(room))
    turn = await until(scene.running)
    await scene.live.has(ToolStarted, 2)
    turn.stop.stop("Ann")
    waking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waking
    assert await scene.state() == "stopped"


async def test_after_a_stop_a_batch_waits_for_no_commit_of_its_own(scene: Scene) -> None:
    """Its result and its end are one write: a database that hangs holds up neither."""

    async def batch(
        start: TurnStart, question: Question | None, journal: TurnJournal, running: RunningTurn
    ) -> AsyncGenerator[Event]:
        calls = (ToolCall("a", "send", {}),)
        said = Message("assistant", "", tool_calls=calls)
        await journal.begin_batch(1, said, {"a": "W2"})
        running.stop.stop("Ann")
        await journal.end_call(1, "a", "stopped", False)
        await journal.record([Entry(said), Entry(Message("tool", "stopped", tool_call_id="a"))])
        written.append(await scene.pool.fetchval("SELECT count(*) FROM messages"))
        await journal.close([Entry(Message("assistant", "[stopped by the user]"))])
        yield StreamStopped("")

    written: list[int] = []
    await scene.runner(Loop(batch)).wake(await scene.ask())
    assert written == [0]
    assert [role for role, _ in await scene.context()] == ["assistant", "tool", "assistant"]
