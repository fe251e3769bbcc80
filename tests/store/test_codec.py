"""Every value comes back from the database as it went in, or as near as PostgreSQL can hold it."""

import json
import math
import secrets
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any, get_args

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scale import scaled
from store.stage import Store

from navi_bot.messages import (
    Address,
    Block,
    Button,
    Entry,
    Head,
    Inbound,
    Message,
    Page,
    RoomSettings,
    ToolCall,
)
from navi_bot.pagehash import page_hash
from navi_bot.ports.records import CallEnd, TurnRequest
from navi_bot.store import codec

EXAMPLES = scaled(60, 2000)

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30)
"""Without what `clean` replaces."""
MOMENT = st.datetimes(timezones=st.just(UTC))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(-1e15, 1e15) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
"""Beyond 1e15 a jsonb number comes back as an integer of the same digits."""
OBJECT = st.dictionaries(TEXT, JSON, max_size=3)

for kind, strategy in ((str, TEXT), (datetime, MOMENT)):
    st.register_type_strategy(kind, strategy)
CALL = st.builds(ToolCall, arguments=OBJECT)
SMALL = st.none() | st.integers(0, 2**31 - 1)
"""Counts are four bytes wide."""
MESSAGE = st.builds(
    Message, tool_calls=st.lists(CALL, max_size=2).map(tuple), created_at=MOMENT,
    tool_call_count=SMALL, token_count=SMALL,
    elapsed_seconds=st.none() | st.floats(0, 1e6),
)  # fmt: skip


def answered(messages: list[Message]) -> list[Message]:
    """Add the result of every call, as a turn does."""
    calls = [call.id for message in messages for call in message.tool_calls]
    return messages + [
        Message("tool", "result", tool_call_id=call, created_at=datetime(2026, 1, 1, tzinfo=UTC))
        for call in calls
    ]


def as_sent(message: Message) -> Message:
    """Return what the model is sent of a message: no numbers, no clock."""
    return replace(
        message, created_at=None, elapsed_seconds=None, tool_call_count=None, token_count=None
    )


Round = tuple[st.SearchStrategy[Any], Callable[[Any], Any], Callable[[Any], Any]]
ROUNDS: dict[str, Round] = {
    **{
        kind.__name__: (st.builds(kind), codec.dump_inbound, codec.load_inbound)
        for kind in get_args(Inbound)
    },
    **{
        f"Page of {kind.__name__}": (
            st.builds(Page, blocks=st.lists(st.builds(kind), max_size=3).map(tuple)),
            codec.dump_page,
            codec.load_page,
        )
        for kind in get_args(Block)
    },
    "Page": (st.builds(Page), codec.dump_page, codec.load_page),
    "Head": (st.builds(Head, address=st.builds(Address)), codec.dump_head, codec.load_head),
    "TurnRequest": (st.builds(TurnRequest), codec.dump_request, codec.load_request),
    "Message": (MESSAGE, codec.dump_message, codec.load_message),
    "RoomSettings": (
        st.builds(RoomSettings, extra=OBJECT),
        codec.dump_settings,
        codec.load_settings,
    ),
}


def through_json(value: Any) -> Any:
    return json.loads(json.dumps(value, allow_nan=False))


@pytest.mark.parametrize("case", ROUNDS)
@settings(max_examples=EXAMPLES, deadline=None)
@given(data=st.data())
def test_a_value_comes_back_as_it_was(case: str, data: st.DataObject) -> None:
    strategy, dump, load = ROUNDS[case]
    value = data.draw(strategy)
    assert load(through_json(dump(value))) == value


@pytest.mark.parametrize("case", ROUNDS)
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_a_newer_versions_fields_are_ignored(case: str, data: st.DataObject) -> None:
    """After a step back to an older version, what it wrote can still be read."""
    strategy, dump, load = ROUNDS[case]
    value = data.draw(strategy)
    assert load(with_news(through_json(dump(value)))) == value


def with_news(value: Any) -> Any:
    """Add an unknown field to every object that is one of ours, not a person's."""
    match value:
        case dict():
            own = {"arguments", "extra"}
            inside = {name: x if name in own else with_news(x) for name, x in value.items()}
            return {**inside, "news": 1}
        case list():
            return [with_news(item) for item in value]
    return value


def test_an_older_versions_fields_take_their_defaults() -> None:
    assert codec.load_request({"text": "hi"}) == TurnRequest("hi")
    assert codec.load_message({"role": "user", "content": "hi"}) == Message("user", "hi")
    assert codec.load_settings({}) == RoomSettings()
    assert codec.load_page({"blocks": []}) == Page(())


def test_no_kind_of_event_or_block_is_forgotten() -> None:
    """A new kind that the codec does not know would be lost in a crash."""
    for kind in (*get_args(Inbound), *get_args(Block)):
        assert any(kind.__name__ in case for case in ROUNDS)
        assert fields(kind)


@given(st.text(st.characters(categories=("Cs", "Cc", "Ll")), max_size=20))
def test_a_cleaned_text_has_its_length_and_stays_clean(text: str) -> None:
    """Nothing is dropped: two different ids could become one."""
    clean = codec.clean(text)
    assert len(clean) == len(text)
    assert codec.clean(clean) == clean
    clean.encode("utf-8")
    assert "\0" not in clean


HOSTILE = {
    "not a number": (math.nan, None),
    "infinite": (-math.inf, None),
    "NUL": ("a\0b", "a\ufffdb"),
    "half a letter": ("\ud83d", "\ufffd"),
    "huge": (10**400, 10**400),
    "tiny": (5e-324, 5e-324),
    "NUL in a name": ({"a\0": 1}, {"a\ufffd": 1}),
}


@pytest.mark.parametrize("case", HOSTILE)
async def test_a_models_arguments_never_break_the_journal(store: Store, case: str) -> None:
    """Whatever its JSON held; what cannot be kept is marked or null."""
    sent, kept = HOSTILE[case]
    start = await store.started()
    assistant = Message("assistant", "", tool_calls=(ToolCall("c", "clock", {"x": sent}),))
    await store.turns.begin_batch(start.id, 1, assistant, {"c": "R0"})
    await store.turns.end_calls(start.id, [CallEnd(1, "c", "\0", True)])
    await store.turns.requeue(start.id, 0.0)
    again = await store.turns.claim(start.head.room)
    assert again is not None
    assert again.pending is not None
    assert again.pending.calls[0].call.arguments == {"x": kept}
    result = Entry(Message("tool", "x", tool_call_id="c"))
    await store.turns.record(start.id, (Entry(assistant), result))
    first, _ = await store.sessions.history(start.session.id, 10)
    assert first.tool_calls == (again.pending.calls[0].call,)


@settings(
    max_examples=EXAMPLES // 3, deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(value=MESSAGE.map(codec.dump_message) | st.builds(Page).map(codec.dump_page) | OBJECT)
async def test_postgresql_gives_back_what_json_holds(
    database: asyncpg.Pool, value: dict[str, Any]
) -> None:
    assert await database.fetchval("SELECT $1::jsonb", codec.cleaned(value)) == value


@settings(
    max_examples=EXAMPLES // 3, deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(told=st.lists(MESSAGE, max_size=4).map(answered), data=st.data())
async def test_entries_come_back_in_order_from_both_lists(
    store: Store, told: list[Message], data: st.DataObject
) -> None:
    """The history gives the whole message; the context what the model is sent of it."""
    lists = st.sampled_from([(True, True), (True, False), (False, True)])
    entries = [Entry(message, *data.draw(lists)) for message in told]
    accepted = await store.ask(chat=secrets.token_hex())
    assert accepted.turn is not None
    await store.turns.record(accepted.turn, entries)
    start = await store.turns.claim(accepted.room)
    assert start is not None
    history = await store.sessions.history(start.session.id, 100)
    assert list(history) == [each.message for each in entries if each.in_history]
    seen = [as_sent(each.message) for each in entries if each.in_context]
    assert [as_sent(message) for message in start.context] == seen


def test_equal_pages_have_equal_hashes_after_a_round() -> None:
    page = Page((), ((Button("a", "b"),),))
    assert page_hash(codec.load_page(through_json(codec.dump_page(page)))) == page_hash(page)
