"""Pages as events: the HTML that clients keep, the bytes, the signs of buttons."""

import json

import nio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nio.store import SqliteMemoryStore

from adapters.matrix import buttons
from adapters.matrix.content import LIMIT, MatrixSurface, edit_of, encrypted_size, message_of
from adapters.matrix.markup import prose_html
from navi_bot.messages import Address, Button, Fold, Line, Page, Prose

ROOM = "!room:example.org"
PLACE = Address("matrix", "@navi:example.org", ROOM)

HTML = [
    ("a heading", "# Title", "<h1>Title</h1>"),
    ("line breaks are kept", "a\nb", "<p>a<br>\nb</p>"),
    ("HTML is shown, not obeyed", "<b>x</b>", "<p>&lt;b&gt;x&lt;/b&gt;</p>"),
    ("a script in a link", "[x](javascript:alert(1))", "<p>[x](javascript:alert(1))</p>"),
    ("a web link", "[x](https://a.b)", '<p><a href="https://a.b">x</a></p>'),
    ("a picture is a link", "![x](https://a.b/c.png)", '<p>!<a href="https://a.b/c.png">x</a></p>'),
    (
        "a fence that is still open",
        "```python\nx = 1",
        '<pre><code class="language-python">x = 1</code></pre>',
    ),
    ("bold that is still open", "so **bo", "<p>so **bo</p>"),
    ("struck", "~~no~~", "<p><s>no</s></p>"),
    ("a lone surrogate", "a\ud800b", "<p>a\ufffdb</p>"),
]


@pytest.mark.parametrize(("markdown", "shown"), [c[1:] for c in HTML], ids=[c[0] for c in HTML])
def test_markdown_becomes_what_clients_show(markdown: str, shown: str) -> None:
    assert prose_html(markdown) == shown


def test_words_alone_need_no_html() -> None:
    """They would be sent twice."""
    content = message_of(Page((Prose("just words"),)), PLACE)
    assert content["body"] == "just words"
    assert "formatted_body" not in content


def test_a_reply_in_a_thread_stays_in_the_thread() -> None:
    inside = Address("matrix", "@navi:example.org", ROOM, "$root")
    relation = message_of(Page((Line("x"),)), inside, reply_to="$asked")["m.relates_to"]
    assert relation["rel_type"] == "m.thread"
    assert relation["event_id"] == "$root"
    assert relation["m.in_reply_to"] == {"event_id": "$asked"}
    assert not relation["is_falling_back"]


def test_an_edit_holds_the_text_once() -> None:
    """What is for clients that know no edits is short: they see every one of them."""
    edit = edit_of(Page((Prose("word " * 1000),)), "$m", final=False)
    assert len(edit["body"]) < 100
    assert edit["m.new_content"]["body"].startswith("word word")
    assert edit["m.relates_to"] == {"rel_type": "m.replace", "event_id": "$m"}


SIGNS = [
    ("its own", ["⏹ Stop"], ["⏹"]),
    ("numbers", ["Yes", "No"], ["1\ufe0f\u20e3", "2\ufe0f\u20e3"]),
    ("the same twice", ["✅ A", "✅ B"], ["✅", "1\ufe0f\u20e3"]),
]


@pytest.mark.parametrize(("labels", "signs"), [c[1:] for c in SIGNS], ids=[c[0] for c in SIGNS])
def test_every_button_has_a_sign_of_its_own(labels: list[str], signs: list[str]) -> None:
    rows = [[Button(label, f"do:{number}") for number, label in enumerate(labels)]]
    assert [sign for sign, _ in buttons.signs(rows)] == signs
    read = buttons.read_field({buttons.FIELD: buttons.field(rows)})
    assert [read[buttons.plain(sign)] for sign in signs] == [button.data for button in rows[0]]
    assert all(label in buttons.caption(rows) for label in labels)


def test_forged_buttons_are_read_without_harm() -> None:
    forgeries: tuple[object, ...] = (None, 7, [], {"a": 1}, {"a": {"b": "c"}})
    for forged in forgeries:
        assert buttons.read_field({buttons.FIELD: forged}) == {}


@pytest.fixture(scope="module")
def client() -> nio.AsyncClient:
    """A client that can encrypt, without any server."""
    config = nio.AsyncClientConfig(store=SqliteMemoryStore)
    made = nio.AsyncClient("http://nowhere", "@navi:example.org", "DEVICE", config=config)
    made.restore_login("@navi:example.org", "DEVICE", "token")
    room = nio.MatrixRoom(ROOM, "@navi:example.org", encrypted=True)
    room.members_synced = True
    made.rooms[ROOM] = room
    return made


words = st.lists(
    st.sampled_from(["word", "слово", "😀", "**b**", "<&>", "`x`", "\n\n", "|", "- a\n", "\ud800"]),
    max_size=60,
).map(" ".join)


@given(words, words, st.integers(1, 60))
def test_the_measure_is_never_less_than_the_real_event(
    client: nio.AsyncClient, prose: str, thought: str, times: int
) -> None:
    """Encrypted by the library as it is sent."""
    page = Page((Fold("💭", thought), Prose(prose * times), Line("3 s", "dim")))
    content = edit_of(page, "$" + "x" * 43, final=False)
    olm = client.olm
    assert olm is not None
    if ROOM not in olm.outbound_group_sessions:
        olm.create_outbound_group_session(ROOM)
    olm.outbound_group_sessions[ROOM].shared = True
    _, sealed = client.encrypt(ROOM, "m.room.message", dict(content))
    ciphertext = len(sealed["ciphertext"]) + len(json.dumps(sealed["m.relates_to"]))
    assert ciphertext <= encrypted_size(content) <= ciphertext * 1.02 + 300
    if MatrixSurface().fits(page):
        assert len(json.dumps(sealed)) + 3_000 < LIMIT


def test_the_events_own_field_names_stay_what_they_are() -> None:
    """Messages of earlier versions are read by them."""
    rows = [[Button("⏹ Stop", "stop:1")]]
    content = message_of(Page((Prose("x"),), (tuple(rows[0]),)), PLACE)
    assert content["org.navi-bot.buttons"] == {"⏹": "stop:1"}
