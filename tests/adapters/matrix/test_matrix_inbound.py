"""Events translated: tables of what clients write, and anything at all."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.matrix import inbound
from adapters.matrix.inbound import Chat, Context, Me
from navi_bot.messages import ChatKind, Edited, Quote, Said

ME = Me("@navi:example.org", "Navi")
ANN, BOB = "@ann:example.org", "@bob:example.org"
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
TEAM = Chat("!team:example.org", ChatKind.GROUP, "Team", encrypted=False, names={ANN: "Ann"})

Json = dict[str, Any]


def event(content: Mapping[str, Any], **fields: Any) -> Json:
    base: Json = {
        "type": "m.room.message",
        "event_id": "$one",
        "sender": ANN,
        "origin_server_ts": round(NOW.timestamp() * 1000) - 5000,
        "content": content,
    }
    return base | fields


def text(body: str, **content: Any) -> Json:
    return event({"msgtype": "m.text", "body": body, **content})


def read(wire: Json, quote: Quote | None = None) -> Said:
    said = inbound.message(wire, TEAM, ME, Context("", quote), NOW)
    assert isinstance(said, Said)
    return said


TEXTS = [
    ("plain", text("hello there"), "hello there"),
    ("a mention with a colon", text("Navi: hello"), "hello"),
    ("a mention with a comma", text("navi, hello"), "hello"),
    ("a mention by id", text("@navi:example.org hello"), "hello"),
    ("a mention before a command", text("@navi !stop"), "!stop"),
    ("a name inside", text("ask navi: she knows"), "ask navi: she knows"),
    ("a word that begins like it", text("navigate home"), "navigate home"),
    ("an older client's reply", text("> <@bob:example.org> old\n> lines\n\nnew"), "new"),
    ("a quotation of the person's own", text("> a line\nwhat is it?"), "> a line\nwhat is it?"),
    ("an action", event({"msgtype": "m.emote", "body": "waves"}), "* waves"),
    (
        "a place",
        event({"msgtype": "m.location", "body": "x", "geo_uri": "geo:1,2"}),
        "[location: geo:1,2]",
    ),
    (
        "a file without a caption",
        event({"msgtype": "m.file", "body": "a.txt", "url": "mxc://a/b"}),
        "",
    ),
    (
        "a file with a caption",
        event({"msgtype": "m.file", "body": "look", "filename": "a.txt", "url": "mxc://a/b"}),
        "look",
    ),
]


@pytest.mark.parametrize(("wire", "said"), [c[1:] for c in TEXTS], ids=[c[0] for c in TEXTS])
def test_what_was_said_is_cleared_of_what_clients_add(wire: Json, said: str) -> None:
    assert read(wire).text == said


ADDRESSED = [
    ("small talk", text("hello"), False),
    ("listed in m.mentions", text("hello", **{"m.mentions": {"user_ids": [ME.id]}}), True),
    ("somebody else listed", text("hello", **{"m.mentions": {"user_ids": [BOB]}}), False),
    (
        "a pill",
        text("Navi", formatted_body=f'<a href="https://matrix.to/#/{ME.id}">Navi</a>'),
        True,
    ),
    ("the id in the text", text(f"what does {ME.id} say?"), True),
    ("called by name", text("Navi: hello"), True),
    ("only spoken of", text("I like Navi a lot"), False),
    ("mentions that are no list", text("hello", **{"m.mentions": {"user_ids": "all"}}), False),
]


@pytest.mark.parametrize(
    ("wire", "addressed"), [c[1:] for c in ADDRESSED], ids=[c[0] for c in ADDRESSED]
)
def test_a_message_is_for_the_bot_where_it_mentions_it(wire: Json, addressed: bool) -> None:
    assert read(wire).addressed is addressed


def test_a_reply_to_the_bot_is_for_it() -> None:
    own, others = Quote("$q", "Navi", "text", from_bot=True), Quote("$q", "Bob", "text")
    assert read(text("and then?"), own).addressed
    assert not read(text("and then?"), others).addressed


def test_an_edit_names_the_message_that_it_changes() -> None:
    relation = {"rel_type": "m.replace", "event_id": "$old"}
    new = {"msgtype": "m.text", "body": "Navi: better"}
    wire = text("* better", **{"m.new_content": new, "m.relates_to": relation})
    edited = inbound.message(wire, TEAM, ME, Context("$root"), NOW)
    assert isinstance(edited, Edited)
    assert (edited.text, edited.origin.message_id, edited.origin.key) == ("better", "$old", "$one")
    assert edited.origin.address.thread == "$root"


@pytest.mark.parametrize("kind", ["m.notice", None])
def test_what_bots_say_is_not_heard(kind: str | None) -> None:
    wire = event({"msgtype": kind, "body": "beep"})
    assert inbound.message(wire, TEAM, ME, Context(), NOW) is None
    own = text("mine") | {"sender": ME.id}
    assert inbound.message(own, TEAM, ME, Context(), NOW) is None


def test_a_reply_inside_a_thread_is_told_from_the_threads_own_link() -> None:
    """Clients link every message of a thread to the one before, for those without threads."""
    link = {"rel_type": "m.thread", "event_id": "$root", "m.in_reply_to": {"event_id": "$last"}}
    falling = text("a", **{"m.relates_to": {**link, "is_falling_back": True}})
    true = text("b", **{"m.relates_to": link})
    assert (inbound.thread_root(falling), inbound.replied(falling)) == ("$root", "")
    assert (inbound.thread_root(true), inbound.replied(true)) == ("$root", "$last")


def test_a_homeservers_clock_is_never_ahead_of_ours() -> None:
    """A forged time makes a message older at most."""
    ahead = text("x") | {"origin_server_ts": round((NOW + timedelta(days=9)).timestamp() * 1000)}
    assert read(ahead).origin.sent_at == NOW
    assert read(text("x") | {"origin_server_ts": "soon"}).origin.sent_at == NOW
    assert read(text("x")).origin.sent_at == NOW - timedelta(seconds=5)


def test_a_sealed_file_keeps_what_opens_it() -> None:
    file = {"url": "mxc://a/b", "key": {"k": "K"}, "iv": "I", "hashes": {"sha256": "H"}}
    info = {"mimetype": "image/png", "size": 7}
    wire = event({"msgtype": "m.image", "body": "cat.png", "file": file, "info": info})
    (attachment,) = read(wire).attachments
    assert json.loads(attachment.ref) == {"url": "mxc://a/b", "k": "K", "iv": "I", "hash": "H"}
    assert (attachment.kind, attachment.name, attachment.size) == ("image", "cat.png", 7)


NAMES = [
    "msgtype",
    "body",
    "formatted_body",
    "filename",
    "url",
    "file",
    "info",
    "size",
    "key",
    "hashes",
    "m.relates_to",
    "rel_type",
    "event_id",
    "m.in_reply_to",
    "m.new_content",
    "m.mentions",
    "user_ids",
    "membership",
    "predecessor",
    "replacement_room",
    "is_falling_back",
    "geo_uri",
    "redacts",
]

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=6)
    ),
    max_leaves=20,
)
kinds = st.sampled_from(
    ["m.room.message", "m.reaction", "m.room.redaction", "m.room.member", "m.room.tombstone"]
)


@given(kinds, anything, anything)
def test_no_event_breaks_the_translation(kind: str, content: Any, fields: Any) -> None:
    """Anybody may send anything; what is no message is nothing."""
    extra = fields if isinstance(fields, dict) else {}
    wire = extra | {"type": kind, "event_id": "$x", "sender": ANN, "content": content}
    inbound.message(wire, TEAM, ME, Context(inbound.thread_root(wire)), NOW)
    inbound.membership(wire, replace(TEAM, kind=ChatKind.PRIVATE), ME, NOW)
    inbound.quote_of(wire, TEAM, ME)
    found = (inbound.replaced(wire), inbound.replied(wire), inbound.redacted(wire))
    assert all(isinstance(part, str) for part in (*found, *inbound.reaction(wire)))
    assert isinstance(inbound.replacement(wire) + inbound.predecessor(wire), str)
