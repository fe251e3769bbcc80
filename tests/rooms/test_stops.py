"""Promise 3: /stop always wins, for those who may, and hits what it means."""

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import asyncpg
import pytest
from rooms.stage import ANN, BOB, EVE, PLATFORM, TEAM, Stage, origin, private, said, words

from navi_bot.errors import StoreUnavailable
from navi_bot.events import Ending, StreamEnd, StreamStopped
from navi_bot.messages import (
    Address,
    Button,
    Head,
    Inbound,
    Line,
    Page,
    Post,
    Pressed,
    Role,
    Said,
    Sender,
    Withdrawn,
)
from navi_bot.ports.records import Facts, turn_key
from navi_bot.running import RunningTurn
from navi_bot.stops import LOOK
from navi_bot.store.inbox import PostgresInbox
from navi_bot.texts import commands as texts
from navi_bot.texts import rooms as room_texts

CAROL = Sender("8", "Carol")
ANONYMOUS = Sender("5", "Team", rightless=True)


@pytest.fixture
async def stage(database: asyncpg.Pool) -> Stage:
    """Ann owns the bot; Bob and Carol are members."""
    stage = Stage(database)
    await stage.let_in(ANN, Role.OWNER)
    await stage.let_in(BOB, Role.MEMBER)
    await stage.let_in(CAROL, Role.MEMBER)
    return stage


@asynccontextmanager
async def running(
    stage: Stage,
    asker: Sender,
    address: Address,
    *waiting: Said,
    ending: Ending | None = None,
) -> AsyncGenerator[RunningTurn]:
    """Have a turn run: it ends, with its account, as soon as it is stopped."""
    question = said("question", asker, address)
    await stage.hear(question, *waiting)
    room = await stage.room(address)
    turn = stage.runs(await stage.begun(room), room, address, asker)

    async def run() -> None:
        with stage.running.entered(turn):
            entered.set()
            await turn.stop.wait()
            await stage.turns.finish(turn.turn, "stopped", (), None, ())
            if ending is not None:
                turn.told.set_result(ending)

    entered = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(run())
        await entered.wait()
        yield turn
        task.cancel()


async def test_a_stop_says_what_it_stopped(stage: Stage) -> None:
    account = StreamStopped(
        "half",
        finished=("ssh_exec", "clock", "clock"),
        cancelled=("terminal", "clock"),
        lasting=("ssh_exec", "terminal"),
    )
    waiting = said("next"), said("and then")
    async with running(stage, ANN, private(ANN), *waiting, ending=account) as turn:
        await stage.hear(said("/stop"))
        assert turn.stop.by == "Ann"
    assert stage.delivery.texts()[-1].splitlines() == [
        texts.STOPPED(),
        texts.STOP_CANCELLED(names="terminal, clock"),
        texts.STOP_FINISHED(names="ssh_exec, clock (2)"),
        texts.STOP_LASTING(names="ssh_exec, terminal"),
        texts.STOP_DROPPED(count=2),
    ]
    assert await stage.questions("queued") == []


async def test_a_stop_is_shown_while_the_turn_still_dies(stage: Stage) -> None:
    """Its reply is due within a second; a tool may take five to be gone."""
    await stage.hear(said("question"))
    room = await stage.room(private(ANN))
    turn = stage.runs(await stage.begun(room), room, private(ANN), ANN)
    with stage.running.entered(turn):
        began = time.monotonic()
        await stage.hear(said("/stop"))
        assert time.monotonic() - began < 1
        assert stage.delivery.texts() == [texts.STOPPED()]
        assert not turn.ended.done()


WHO_MAY: list[tuple[str, Sender, Sender, bool]] = [
    ("the asker", BOB, BOB, True),
    ("the owner, another's", BOB, ANN, True),
    ("a member, another's", BOB, CAROL, False),
    ("a member, the owner's", ANN, BOB, False),
    ("a stranger", BOB, EVE, False),
    ("an anonymous admin with the owner's id", BOB, ANONYMOUS, False),
    ("an anonymous admin with the asker's id", ANN, ANONYMOUS, False),
]


@pytest.mark.parametrize(
    ("asker", "who", "may"), [case[1:] for case in WHO_MAY], ids=[case[0] for case in WHO_MAY]
)
async def test_the_asker_and_the_owner_may_stop(
    stage: Stage, asker: Sender, who: Sender, may: bool
) -> None:
    async with running(stage, asker, TEAM) as turn:
        await stage.hear(said("/stop", who, TEAM))
        assert turn.stop.is_set is may
        stage.delivery.toasts.clear()
        button = Post(
            Head(turn_key(turn.turn), turn.room, TEAM, group=True),
            (Page((Line("working"),), ((Button("Stop", f"stop:{turn.turn}"),),)),),
        )
        toast = await stage.press(button, f"stop:{turn.turn}", who)
        assert turn.stop.is_set is may
        if not may:
            assert toast in (texts.STOP_NOT_YOURS(), room_texts.NOT_ALLOWED())


async def test_a_member_drops_their_own_waiting_messages_and_nobody_elses(stage: Stage) -> None:
    waiting = said("Carol's", CAROL, TEAM), said("Bob's", BOB, TEAM)
    async with running(stage, BOB, TEAM, *waiting) as turn:
        await stage.hear(said("/stop", CAROL, TEAM))
        assert not turn.stop.is_set
    assert await stage.questions("queued") == ["Bob's"]
    said_so = (texts.STOP_NOT_YOURS(), texts.STOP_DROPPED(count=1), texts.STOP_KEPT(count=1))
    assert stage.delivery.texts() == ["\n".join(said_so)]


async def test_rooms_are_stopped_one_by_one(stage: Stage) -> None:
    async with running(stage, ANN, private(ANN)) as here, running(stage, ANN, TEAM) as there:
        await stage.hear(said("/stop"))
        assert here.stop.is_set
        assert not there.stop.is_set


NO_STOPS: list[tuple[str, Said]] = [
    ("another bot's", said("/stop@other_bot", room=TEAM)),
    ("forwarded", Said(origin(room=TEAM), "/stop", forwarded_from="Eve", addressed=True)),
    ("talk", said("stop it", room=TEAM)),
]


@pytest.mark.parametrize("inbound", [c[1] for c in NO_STOPS], ids=[c[0] for c in NO_STOPS])
async def test_what_is_not_our_stop_stops_nothing(stage: Stage, inbound: Said) -> None:
    async with running(stage, ANN, TEAM) as turn:
        await stage.hear(inbound)
        assert not turn.stop.is_set


async def test_a_stop_that_is_delivered_again_stops_no_later_turn(stage: Stage) -> None:
    stop = said("/stop")
    async with running(stage, ANN, private(ANN)):
        await stage.hear(stop)
    later = stage.runs(
        (await stage.pool.fetchval("SELECT max(id) FROM turns")) + 1,
        await stage.room(private(ANN)), private(ANN), ANN,
    )  # fmt: skip
    with stage.running.entered(later):
        await stage.hear(stop)
        assert not later.stop.is_set


async def test_the_button_of_an_older_turn_stops_nothing(stage: Stage) -> None:
    async with running(stage, ANN, private(ANN)) as turn:
        old = Post(
            Head("turn:0", turn.room, private(ANN)),
            (Page((Line("old"),), ((Button("Stop", "stop:0"),),)),),
        )
        assert await stage.press(old, "stop:0") == texts.NOTHING_TO_STOP()
        assert not turn.stop.is_set


async def test_a_button_stops_its_own_turn_and_leaves_the_queue(stage: Stage) -> None:
    async with running(stage, ANN, private(ANN), said("next")) as turn:
        shown = Post(
            Head(turn_key(turn.turn), turn.room, private(ANN)),
            (Page((Line("working"),), ((Button("Stop", f"stop:{turn.turn}"),),)),),
        )
        assert await stage.press(shown, f"stop:{turn.turn}") == texts.STOPPED()
        assert turn.stop.is_set
    assert await stage.questions("queued") == ["next"]


async def test_a_withdrawn_question_stops_its_turn(stage: Stage) -> None:
    async with running(stage, ANN, private(ANN)) as turn:
        message = await stage.pool.fetchval("SELECT message_id FROM turns")
        await stage.hear(Withdrawn(origin(message=message)))
        assert turn.stop.is_set


async def test_a_question_on_its_way_from_the_queue_is_stopped(stage: Stage) -> None:
    """Taken from the queue, not running yet: neither queued nor running, and still stopped."""
    await stage.hear(said("question"))
    room = await stage.room(private(ANN))
    turn = stage.runs(await stage.begun(room), room, private(ANN), ANN)
    await stage.hear(said("/stop"))
    with stage.running.entered(turn):
        assert turn.stop.is_set
    assert stage.delivery.texts() == [texts.STOPPED()]


async def test_a_question_and_its_stop_in_one_batch_is_not_asked(stage: Stage) -> None:
    await stage.hear(said("question"), said("/stop"))
    assert await stage.questions("queued") == []
    assert stage.delivery.texts() == [texts.STOP_DROPPED(count=1)]


async def test_what_follows_a_stop_is_asked(stage: Stage) -> None:
    async with running(stage, ANN, private(ANN)) as turn:
        await stage.hear(said("/stop"), said("rather this"))
        assert turn.stop.is_set
    assert await stage.questions("queued") == ["rather this"]


async def test_a_stop_reaches_a_turn_that_a_restart_put_back(stage: Stage) -> None:
    """The room still shows the half answer; it is closed there, and never gone on with."""
    await stage.hear(said("question"))
    room = await stage.room(private(ANN))
    turn = await stage.begun(room)
    await stage.turns.requeue(turn, 0.0)
    await stage.hear(said("/stop"))
    assert await stage.questions("queued") == []
    (page,) = stage.delivery.posts[turn_key(turn)].pages
    assert words(page) == texts.STOPPED()
    assert not page.buttons
    stored = await stage.outbox.load(turn_key(turn))
    assert stored is not None
    assert stored.final


async def test_the_button_of_a_turn_that_a_restart_put_back_drops_it(stage: Stage) -> None:
    await stage.hear(said("question"))
    room = await stage.room(private(ANN))
    turn = await stage.begun(room)
    await stage.turns.requeue(turn, 0.0)
    shown = Post(
        Head(turn_key(turn), room, private(ANN)),
        (Page((Line("half"),), ((Button("Stop", f"stop:{turn}"),),)),),
    )
    assert await stage.press(shown, f"stop:{turn}") == texts.STOPPED()
    assert await stage.questions("queued") == []
    assert not stage.delivery.posts[turn_key(turn)].pages[0].buttons


async def test_there_may_be_nothing_to_stop(stage: Stage) -> None:
    await stage.hear(said("/stop"))
    async with running(stage, ANN, private(ANN), ending=StreamStopped("")):
        await stage.hear(said("/stop"))
    await stage.hear(said("/stop"))
    assert stage.delivery.texts() == [
        texts.NOTHING_TO_STOP(),
        f"{texts.STOPPED()}\n{texts.STOP_CANCELLED(names=texts.STOP_THE_ANSWER())}",
        texts.NOTHING_TO_STOP(),
    ]


async def test_an_answer_that_was_complete_was_not_stopped(stage: Stage) -> None:
    answered = StreamEnd("All.", 10, 100, 1.0, 0, 5)
    async with running(stage, ANN, private(ANN), ending=answered):
        await stage.hear(said("/stop"))
    assert stage.delivery.texts() == [texts.NOTHING_TO_STOP()]


class IllInbox(PostgresInbox):
    """A database that hangs, or is away, once asked."""

    def __init__(self, pool: asyncpg.Pool, fault: Exception | None) -> None:
        super().__init__(pool, "secretary")
        self.fault = fault

    async def facts(self, inbound: Inbound) -> Facts:
        if self.fault is None:
            await asyncio.Event().wait()
        raise self.fault or AssertionError


ILL: Sequence[tuple[str, Exception | None]] = [
    ("hangs", None),
    ("is away", StoreUnavailable("The database does not answer now.")),
]


@pytest.mark.parametrize("fault", [case[1] for case in ILL], ids=[case[0] for case in ILL])
@pytest.mark.parametrize(
    ("who", "may"), [(BOB, True), (ANN, True), (CAROL, False)], ids=["asker", "owner", "member"]
)
async def test_a_stop_needs_no_database(
    stage: Stage, fault: Exception | None, who: Sender, may: bool
) -> None:
    """Within a second, for the asker and the owners whom the settings name."""
    stage.owners = frozenset({(PLATFORM, ANN.id)})
    async with running(stage, BOB, TEAM) as turn:
        whole, stage.inbox = stage.inbox, IllInbox(stage.pool, fault)
        with pytest.raises((StoreUnavailable, TimeoutError)):
            async with asyncio.timeout(0.5):
                await stage.hear(said("/stop", who, TEAM))
        assert turn.stop.is_set is may
        stage.inbox = whole


async def test_many_stops_take_the_time_of_one(stage: Stage) -> None:
    """Each asks a database that hangs who may stop; they do not wait for each other."""
    async with AsyncExitStack() as stack:
        rooms = [private(ANN), TEAM, private(BOB), private(CAROL)]
        askers = [ANN, ANN, BOB, CAROL]
        turns = [
            await stack.enter_async_context(running(stage, asker, address))
            for asker, address in zip(askers, rooms, strict=True)
        ]
        whole, stage.inbox = stage.inbox, IllInbox(stage.pool, None)
        stops = [
            said("/stop", asker, address) for asker, address in zip(askers, rooms, strict=True)
        ]
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(2 * LOOK):
                await stage.hear(*stops)
        assert [turn.stop.is_set for turn in turns] == [True] * 4
        assert time.monotonic() - began < 4 * LOOK
        stage.inbox = whole


async def test_a_stop_is_heeded_before_it_is_taken_in(stage: Stage) -> None:
    """It stands behind a message that the database does not take; its reply tells of it later."""
    stop = said("/stop")
    async with stage.rooms() as rooms:
        async with running(stage, ANN, private(ANN), ending=StreamStopped("half")) as turn:
            await rooms.heed((said("another question"), stop))
            assert turn.stop.is_set
            await asyncio.wait_for(turn.ended, 1)
        await rooms.accept((stop,), "")
    assert stage.delivery.texts()[-1].startswith(texts.STOPPED())


async def test_heeding_stops_nothing_that_may_not_be_stopped(stage: Stage) -> None:
    async with stage.rooms() as rooms, running(stage, BOB, TEAM) as turn:
        await rooms.heed((said("/stop", CAROL, TEAM), said("stop it", BOB, TEAM)))
        assert not turn.stop.is_set


async def test_a_press_that_hangs_is_no_reason_either(stage: Stage) -> None:
    async with running(stage, BOB, TEAM) as turn:
        stage.inbox = IllInbox(stage.pool, StoreUnavailable("Away."))
        pressed = Pressed(origin(BOB, TEAM, message="1"), f"stop:{turn.turn}", "p1")
        with pytest.raises(StoreUnavailable):
            await stage.hear(pressed)
        assert turn.stop.is_set


async def test_nothing_that_waits_begins_between_the_stop_and_its_command(stage: Stage) -> None:
    """The turn ends at once; the next one is dropped before it could be claimed."""
    waiting = said("next")
    async with running(stage, ANN, private(ANN), waiting) as turn, stage.rooms() as rooms:
        stop = said("/stop")
        await rooms.heed((stop,))
        assert turn.stop.is_set
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(stage.running.free(turn.room), 0.05)
        await rooms.accept((stop,), "")
        await asyncio.wait_for(stage.running.free(turn.room), 1)
    assert await stage.questions("queued") == []
