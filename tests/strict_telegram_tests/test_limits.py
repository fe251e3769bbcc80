"""Floods: pure buckets with a clock of our own, then the same over the wire."""

import asyncio
import itertools
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strict_telegram import Chat, Limits, Overload, Person, Rate, Server, Slow, Window
from strict_telegram.limits import CRUEL, HARSH, MILD, OFF, SLIDING, Gate
from telegram import Bot
from telegram.error import RetryAfter


def _refusals(gate: Gate, times: list[float], chat: int = 5, *, group: bool = False) -> list[int]:
    return [gate.charge("sendmessage", chat, group, now) for now in times]


def test_three_at_once_then_one_a_second() -> None:
    """platform §1.4: 1 message a second a chat, short bursts."""
    assert _refusals(Gate(MILD), [0, 0, 0, 0]) == [0, 0, 0, 1]
    assert _refusals(Gate(MILD), [0, 0, 0, 1, 2, 3]) == [0] * 6


def test_twenty_a_minute_in_a_group() -> None:
    gate = Gate(MILD)
    spaced = [1.05 * number for number in range(40)]
    outcomes = _refusals(gate, spaced, -7, group=True)
    passed = outcomes.index(next(wait for wait in outcomes if wait))
    assert 20 <= passed <= 30
    assert sum(wait == 0 for wait in outcomes) < 34


def test_thirty_a_second_over_all_chats() -> None:
    gate = Gate(MILD)
    assert [gate.charge("sendmessage", chat, False, 0.0) for chat in range(1, 32)][-2:] == [0, 1]


def test_one_chats_penalty_leaves_others_alone() -> None:
    gate = Gate(HARSH)
    _refusals(gate, [0, 0, 0, 0])
    assert gate.charge("sendmessage", 5, False, 1.0) > 0
    assert gate.charge("sendmessage", 6, False, 1.0) == 0


@pytest.mark.parametrize(("limits", "first"), [(MILD, 1), (HARSH, 30), (CRUEL, 130)])
def test_penalties_are_as_long_as_they_say(limits: Limits, first: int) -> None:
    """platform §1.4: users met 1 s as well as 126 s."""
    gate = Gate(limits)
    assert _refusals(gate, [0, 0, 0, 0])[-1] == first
    assert gate.charge("sendmessage", 5, False, first + 0.01) == 0


def test_who_does_not_wait_waits_longer() -> None:
    gate = Gate(HARSH)
    assert _refusals(gate, [0, 0, 0, 0, 1, 2, 3]) == [0, 0, 0, 30, 60, 120, 240]
    assert gate.charge("sendmessage", 5, False, 3 + 239) > 240
    assert gate.charge("sendmessage", 5, False, 3 + 239 + 481) == 0


def test_mild_penalties_do_not_grow() -> None:
    assert _refusals(Gate(MILD), [0, 0, 0, 0, 0.2, 0.4]) == [0, 0, 0, 1, 1, 1]


@pytest.mark.parametrize(
    ("method", "limits", "counted"),
    [
        ("sendmessage", MILD, True),
        ("editmessagetext", MILD, True),
        ("senddocument", MILD, True),
        ("getupdates", MILD, False),
        ("answercallbackquery", MILD, False),
        ("sendchataction", MILD, False),
        ("sendchataction", Limits(typing=True), True),
        ("setmessagereaction", MILD, False),
        ("setmessagereaction", Limits(reactions=True), True),
        ("sendmessagedraft", Limits(drafts=True), True),
    ],
)
def test_what_is_counted(method: str, limits: Limits, counted: bool) -> None:
    assert limits.counts(method) is counted


@given(
    st.lists(st.floats(0, 3), min_size=1, max_size=60),
    st.integers(1, 5),
    st.integers(1, 10),
)
def test_no_window_passes_more_than_its_share(gaps: list[float], per: int, burst: int) -> None:
    """Invariant: in any window of w seconds at most burst + rate * w calls pass."""
    limits = Limits(chat=Rate(per, 1.0, burst), group=None, overall=None, penalty=0.0)
    gate = Gate(limits)
    times = list(itertools.accumulate(gaps))
    passed = [now for now in times if gate.charge("sendmessage", 5, False, now) == 0]
    for first, last in itertools.combinations(range(len(passed)), 2):
        window = passed[last] - passed[first]
        assert last - first + 1 <= math.floor(burst + per * window + 1e-6)


@given(st.lists(st.floats(0, 40), min_size=1, max_size=40))
def test_waiting_as_told_always_helps(gaps: list[float]) -> None:
    """Invariant: a call made after the wait that was named passes."""
    gate = Gate(HARSH)
    now = 0.0
    for gap in gaps:
        now += gap / 100
        wait = gate.charge("sendmessage", 5, False, now)
        if wait:
            now += wait
            assert gate.charge("sendmessage", 5, False, now) == 0


@given(st.lists(st.floats(0, 3), min_size=1, max_size=80), st.integers(1, 10))
def test_no_stretch_of_a_window_passes_more_than_its_count(gaps: list[float], most: int) -> None:
    """Invariant: however long the silence before was."""
    gate = Gate(Limits(chat=Window(most, 10.0), group=None, overall=None, penalty=0.0))
    times = list(itertools.accumulate(gaps))
    passed = [now for now in times if gate.charge("sendmessage", 5, False, now) == 0]
    for begin in passed:
        assert sum(begin <= now < begin + 10.0 - 1e-6 for now in passed) <= most


def test_a_windows_refusal_says_when_its_oldest_call_leaves() -> None:
    gate = Gate(SLIDING)
    spaced = [2.0 * number for number in range(20)]
    assert not any(_refusals(gate, spaced, -7, group=True))
    limits = Limits(chat=None, group=Window(20, 60.0), penalty=0.0)
    gate = Gate(limits)
    assert _refusals(gate, [*spaced, 40.0, 60.0], -7, group=True)[-2:] == [20, 0]


def test_a_penalty_without_cause_begins_with_the_next_call() -> None:
    """One chat's leaves the others alone; one of all is for all, and grows when ignored."""
    gate = Gate(HARSH)
    gate.punish(5, 130.0)
    assert [gate.charge("sendmessage", chat, False, 0.0) for chat in (6, 5, 6)] == [0, 130, 0]
    gate.punish(None, 30.0)
    assert [gate.charge("sendmessage", chat, False, 5.0) for chat in (7, 8)] == [30, 60]
    assert gate.charge("getme", 7, False, 6.0) == 0


def test_off_means_off() -> None:
    assert not any(_refusals(Gate(OFF), [0.0] * 500))


async def test_flood_answer_has_body_and_header(server: Server, chat: Chat, raw: Any) -> None:
    """real-parts §3: parameters.retry_after and the Retry-After header."""
    server.set_limits("harsh")
    answers = [await raw("sendMessage", chat_id=5, text=str(number)) for number in range(4)]
    last = answers[-1]
    assert [answer.status for answer in answers] == [200, 200, 200, 429]
    assert last.description == "Too Many Requests: retry after 30"
    assert last.body["parameters"] == {"retry_after": 30}
    assert last.headers["Retry-After"] == "30"
    assert server.visible_texts(chat) == ["0", "1", "2"]
    assert [call.params["text"] for call in server.flooded()] == ["3"]


async def test_a_penalty_of_all_is_told_over_the_wire(server: Server, chat: Chat, raw: Any) -> None:
    server.punish(None, 7)
    answer = await raw("sendMessage", chat_id=5, text="x")
    assert (answer.status, answer.body["parameters"]) == (429, {"retry_after": 7})
    server.world.clock.advance(7.1)
    assert (await raw("sendMessage", chat_id=5, text="x")).status == 200


async def test_ptb_says_retry_after(server: Server, chat: Chat, bot: Bot) -> None:
    server.set_limits("cruel")
    for _ in range(3):
        await bot.send_message(5, "x")
    with pytest.raises(RetryAfter) as caught:
        await bot.send_message(5, "x")
    assert caught.value.retry_after == 130
    server.world.clock.advance(131)
    assert await bot.send_message(5, "patient")


async def test_edits_share_the_chats_bucket(server: Server, chat: Chat, bot: Bot) -> None:
    server.set_limits("mild")
    message = await bot.send_message(5, "0")
    await message.edit_text("1")
    await message.edit_text("2")
    with pytest.raises(RetryAfter):
        await message.edit_text("3")


async def test_calls_refused_for_their_content_cost_nothing(
    server: Server, chat: Chat, raw: Any
) -> None:
    """The Bot API server refuses them before the backend sees them."""
    server.set_limits("mild")
    for _ in range(10):
        assert (
            await raw("sendMessage", chat_id=5, text="*x", parse_mode="MarkdownV2")
        ).status == 400
    assert (await raw("sendMessage", chat_id=5, text="x")).status == 200


async def test_not_modified_costs_a_token(server: Server, chat: Chat, raw: Any) -> None:
    """It is the backend that compares."""
    server.set_limits("mild")
    sent = await raw("sendMessage", chat_id=5, text="x")
    ids = {"chat_id": 5, "message_id": sent.result["message_id"]}
    statuses = [(await raw("editMessageText", **ids, text="x")).status for _ in range(3)]
    assert statuses == [400, 400, 429]


async def test_what_would_be_over_is_told_with_limits_off(
    server: Server, chat: Chat, bot: Bot
) -> None:
    for number in range(5):
        await bot.send_message(5, str(number))
    assert server.flooded() == []
    assert [call.text for call in server.over_limits("mild")] == ["3", "4"]


async def test_overload_is_answered_late_with_60_seconds(
    server: Server, chat: Chat, ann: Person, bot: Bot
) -> None:
    """real-parts §3: too many unsent messages in one chat; shrunk here."""
    server.set_load(overload=Overload(unsent=2, delay=0.05))
    server.fault(Slow(before=0.4), "sendMessage", times=2)
    waiting = [asyncio.ensure_future(bot.send_message(5, "x")) for _ in range(2)]
    await server.wait_for(lambda: len(server.calls("sendMessage")) == 2)
    with pytest.raises(RetryAfter) as caught:
        await bot.send_message(5, "one too many")
    assert caught.value.retry_after == 60
    server.private_chat(server.person(6, "Bob"))
    assert await bot.send_message(6, "another chat is free")
    for task in waiting:
        assert await task
