"""Which turns run, and how a stop reaches them."""

import asyncio

import pytest

from navi_bot.events import StreamStopped
from navi_bot.messages import Address, RoomId, TurnId
from navi_bot.running import Running, RunningTurn

HERE = Address("telegram", "1", "5")
ROOM = RoomId(3)


def turn(number: int = 1, room: RoomId = ROOM, address: Address = HERE) -> RunningTurn:
    return RunningTurn(TurnId(number), room, address, asker_id="5", started=0.0)


async def test_a_turn_is_known_while_it_runs() -> None:
    running = Running()
    with running.entered(turn()) as entered:
        assert running.in_room(ROOM) is entered
        assert running.at(HERE) is entered
        assert running.all() == (entered,)
        assert running.in_room(RoomId(4)) is None
        assert running.at(Address("telegram", "1", "5", "topic")) is None
    assert running.in_room(ROOM) is None
    assert running.at(HERE) is None


async def test_whoever_waits_for_the_end_is_released_in_any_case() -> None:
    """A turn that crashes has an end too: one without an account."""
    running = Running()
    with pytest.raises(ZeroDivisionError), running.entered(turn()) as entered:
        raise ZeroDivisionError
    assert await entered.ended is None


async def test_an_end_that_was_told_stays() -> None:
    running = Running()
    with running.entered(turn()) as entered:
        entered.ended.set_result(StreamStopped("half"))
    assert await entered.ended == StreamStopped("half")


async def test_the_first_who_stops_is_named() -> None:
    entered = turn()
    assert not entered.stop.is_set
    entered.stop.stop("Ann")
    entered.stop.stop("Bob")
    assert entered.stop.by == "Ann"
    await asyncio.wait_for(entered.stop.wait(), 1)


async def test_a_stop_reaches_the_turn_it_names_and_no_other() -> None:
    running = Running()
    with running.entered(turn(7)) as entered:
        running.stop(ROOM, TurnId(6), "Ann")
        assert not entered.stop.is_set
        running.stop(ROOM, TurnId(7), "Ann")
        assert entered.stop.is_set


async def test_a_turn_on_its_way_from_the_queue_is_stopped_as_it_enters() -> None:
    """Promise 3: between being taken from the queue and running, /stop is not lost."""
    running = Running()
    running.stop(ROOM, TurnId(7), "Ann")
    with running.entered(turn(7)) as entered:
        assert entered.stop.is_set
        assert entered.stop.by == "Ann"


async def test_a_stop_that_came_too_late_harms_no_later_turn() -> None:
    running = Running()
    running.stop(ROOM, TurnId(7), "Ann")
    with running.entered(turn(8)) as entered:
        assert not entered.stop.is_set
    with running.entered(turn(7)) as entered:
        assert not entered.stop.is_set


async def test_a_stop_whose_end_was_not_stored_holds_for_who_takes_the_turn_up() -> None:
    """A database that was away until the account went offline makes no answer go on."""
    running = Running()
    with running.entered(turn(7)) as entered:
        entered.stop.stop("Ann")
    with running.entered(turn(7)) as again:
        assert again.stop.is_set
        again.ended.set_result(StreamStopped(""))
    with running.entered(turn(7)) as later:
        assert not later.stop.is_set


async def test_a_room_that_is_held_lets_no_turn_begin_until_it_is_released() -> None:
    """A stop drops what waits before any of it begins."""
    running = Running()
    await asyncio.wait_for(running.free(ROOM), 1)
    running.hold(ROOM)
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(running.free(ROOM))
        await asyncio.wait_for(running.free(RoomId(4)), 1)
        await asyncio.sleep(0.02)
        assert not waiting.done()
        running.release(ROOM)
    await asyncio.wait_for(running.free(ROOM), 1)
