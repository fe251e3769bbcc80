"""Pages on their way out, judged by a real homeserver and another person's client."""

import asyncio
import os

import pytest
from real_synapse.bot import Bot
from real_synapse.person import Person
from real_synapse.proxy import Proxy

from adapters.matrix.content import LIVE
from navi_bot.errors import (
    Ambiguous,
    MessageGone,
    NotSent,
    Refused,
    RoomGone,
    Throttled,
    TooLong,
)
from navi_bot.messages import Document, Fold, Line, Page, Prose

SEALED = pytest.mark.parametrize("encrypted", [False, True], ids=["plain", "encrypted"])


def page(text: str) -> Page:
    return Page((Prose(text),))


@SEALED
async def test_a_message_grows_by_edits_and_ends(bot: Bot, ann: Person, encrypted: bool) -> None:
    """One message, marked as live until its final edit; nobody is pinged by an edit."""
    async with bot:
        room = await bot.joins(ann, encrypted=encrypted)
        place, out = bot.place(room), bot.adapter.outbound
        message = await out.send(place, page("one"), transaction="a", final=False)
        live = await ann.sees(room, "one")
        await out.edit(place, message, page("one **two**"), transaction="b", final=False)
        growing = await ann.sees(room, "one **two**")
        await out.edit(place, message, page("one **two** three"), transaction="c", final=True)
        final = await ann.sees(room, "three")
    assert live.id == growing.id == final.id == message
    assert [LIVE in shown.content for shown in (live, growing, final)] == [True, True, False]
    assert final.history == ("one", "one **two**")
    assert final.html == "<p>one <strong>two</strong> three</p>"
    assert all(shown.content["m.mentions"] == {} for shown in (live, growing, final))
    assert final.encrypted is encrypted


@SEALED
async def test_a_send_repeated_is_one_message(
    bot: Bot, ann: Person, proxy: Proxy, encrypted: bool
) -> None:
    """The answer to the first was lost; a later process repeats the stored transaction."""
    async with bot.again(proxy.url) as wired:
        room = await wired.joins(ann, encrypted=encrypted)
        place = wired.place(room)
        proxy.loses("/send/", times=2)  # the HTTP client repeats it once by itself
        with pytest.raises(Ambiguous):
            await wired.adapter.outbound.send(place, page("once"), transaction="stored")
        again = await wired.adapter.outbound.send(place, page("once"), transaction="stored")
    async with wired.again() as later:
        third = await later.sends(place, page("once"), "stored")
        await later.shows(place, "the end")
        await ann.sees(room, "the end")
    assert again == third
    assert [one.body for one in ann.messages(room, bot.id)] == ["once", "the end"]


@SEALED
async def test_the_largest_page_that_fits_is_taken(bot: Bot, ann: Person, encrypted: bool) -> None:
    """Measured bytes, in every script; what is far beyond is refused as too long."""
    async with bot:
        room = await bot.joins(ann, encrypted=encrypted)
        place, out = bot.place(room), bot.adapter.outbound
        for word in ("latin ", "кирилиця ", "😀", "**b** <&> "):
            largest = largest_fitting(bot, word)
            message = await out.send(place, largest, transaction=word + "1", final=False)
            await out.edit(place, message, largest, transaction=word + "2", final=True)
        with pytest.raises(TooLong):
            await out.send(place, page("latin " * 12_000), transaction="too long")


def largest_fitting(bot: Bot, word: str) -> Page:
    least, most = 1, 20_000
    while most - least > 1:
        middle = (least + most) // 2
        if bot.adapter.outbound.surface.fits(page(word * middle)):
            least = middle
        else:
            most = middle
    return page(word * least)


@SEALED
async def test_files_go_out_and_come_in(bot: Bot, ann: Person, encrypted: bool) -> None:
    """A document is sealed where the room is; a person's file is opened, if it is not too large."""
    text = "line\n" * 500
    with_file = Page((Prose("The whole of it:"),), document=Document("answer.md", text))
    async with bot:
        room = await bot.joins(ann, encrypted=encrypted)
        out = bot.adapter.outbound
        await out.send(bot.place(room), with_file, transaction="f")
        shown = await ann.sees(room, "The whole of it:")
        picture = os.urandom(5000)
        await ann.sends_file(room, "cat.png", "image/png", picture, sealed=encrypted)
        said = await bot.hears("")
        attachment = said.attachments[0]
        content = await out.fetch(attachment, 10_000)
        with pytest.raises(TooLong):
            await out.fetch(attachment, 4_999)
        unsized = type(attachment)("image", attachment.ref, "cat.png", "image/png", None)
        with pytest.raises(TooLong):
            await out.fetch(unsized, 4_999)
        own = await ann.fetches(shown.content)
    assert shown.content["msgtype"] == "m.file"
    assert shown.content["filename"] == "answer.md"
    assert own == text.encode()
    assert ("file" in shown.content) is encrypted
    assert content == picture
    assert (attachment.kind, attachment.name, attachment.size) == ("image", "cat.png", 5000)


async def test_nothing_is_sent_while_the_encryption_is_unknown(bot: Bot, ann: Person) -> None:
    """Before the state of the rooms has come; and never to a room we are not in."""
    async with bot:
        room = await bot.joins(ann, encrypted=True)
    adapter = bot.made()
    await adapter.connect()
    try:
        with pytest.raises(NotSent, match="not known yet"):
            await adapter.outbound.send(bot.place(room), page("secret"), transaction="s")
    finally:
        await adapter.close()
    async with bot.again() as later:
        await ann.client.room_kick(room, bot.id)
        await later.until(lambda: later.taken[-1] if "kicked" in str(later.taken[-1]) else None)
        with pytest.raises(RoomGone):
            await later.shows(bot.place(room), "secret")
    await ann.rests(0.2)
    assert not [one for one in ann.messages(room, bot.id) if "secret" in one.body]


async def test_everybody_in_the_room_can_read_the_answer(
    bot: Bot, ann: Person, proxy: Proxy
) -> None:
    """Where a key cannot be shared nothing is sent; the repeat shares it."""
    async with bot.again(proxy.url) as wired:
        room = await wired.joins(ann, encrypted=True)
        proxy.fails("/sendToDevice/", 502, times=1)
        with pytest.raises(Ambiguous):
            await wired.adapter.outbound.send(wired.place(room), page("hello"), transaction="t")
        await wired.adapter.outbound.send(wired.place(room), page("hello"), transaction="t")
        shown = await ann.sees(room, "hello")
    assert shown.encrypted


async def test_reactions_typing_and_deletion(bot: Bot, ann: Person) -> None:
    async with bot:
        room = await bot.joins(ann)
        place, out = bot.place(room), bot.adapter.outbound
        question = await ann.says(room, "a question")
        await out.react(place, question, "👀")
        await ann.waits(lambda: (bot.id, question, "👀") in ann.rooms[room].reactions or None)
        await out.react(place, question, "")
        await out.show_typing(place)
        await ann.waits(lambda: bot.id in ann.rooms[room].typing or None)
        message = await bot.shows(place, "to be removed")
        await ann.sees(room, "to be removed")
        await out.delete(place, message)
        await ann.waits(lambda: not ann.messages(room, bot.id) or None)
        with pytest.raises(Refused):
            await out.delete(place, "$unknown")


async def test_a_message_that_was_taken_back_is_gone(bot: Bot, ann: Person) -> None:
    """Matrix would take the edit; nobody would see it."""
    async with bot:
        room = await bot.joins(ann)
        message = await bot.shows(bot.place(room), "unwanted", final=False)
        await ann.sees(room, "unwanted")
        await ann.redacts(room, message)
        await ann.says(room, "done")
        await bot.hears("done")
        with pytest.raises(MessageGone):
            await bot.adapter.outbound.edit(
                bot.place(room), message, page("more"), transaction="m", final=True
            )


THROTTLES = [
    ("told in the answer", {"retry_after_ms": 2500}, {}, 2.5),
    ("told in the header", {}, {"Retry-After": "7"}, 7.0),
    ("not told", {}, {}, 5.0),
]


@pytest.mark.parametrize(("body", "headers", "wait"), [c[1:] for c in THROTTLES])
async def test_patience_is_asked_for_at_once(
    bot: Bot, ann: Person, proxy: Proxy, body: dict[str, int], headers: dict[str, str], wait: float
) -> None:
    """No call sleeps by itself: whoever paces the calls is told how long."""
    async with bot.again(proxy.url) as wired:
        room = await wired.joins(ann)
        limited = {"errcode": "M_LIMIT_EXCEEDED", "error": "slow down", **body}
        proxy.fails("/send/", 429, limited, times=1, headers=headers)
        async with asyncio.timeout(2):
            with pytest.raises(Throttled) as caught:
                await wired.shows(wired.place(room), "hello")
    assert caught.value.retry_after == wait


async def test_a_page_is_shown_plain_and_folded(bot: Bot, ann: Person) -> None:
    """Thinking is folded; without formatting the words alone go out."""
    blocks = (Fold("💭 Thought", "a < b"), Prose("*answer*"), Line("3 s", "dim"))
    async with bot:
        room = await bot.joins(ann)
        place, out = bot.place(room), bot.adapter.outbound
        await out.send(place, Page(blocks), transaction="1")
        shown = await ann.sees(room, "answer")
        await out.send(place, Page(blocks), transaction="2", plain=True, silent=True)
        plain = await ann.waits(lambda: ann.messages(room, bot.id)[1:])
    folded = "<details><summary>💭 Thought</summary>a &lt; b</details>"
    assert shown.html == f"{folded}<p><em>answer</em></p><em>3 s</em>"
    assert plain[0].html == ""
    assert plain[0].content["msgtype"] == "m.notice"


async def test_an_empty_answer_of_a_broken_proxy_is_no_success(
    bot: Bot, ann: Person, proxy: Proxy
) -> None:
    """Where success says nothing, the status alone tells it from a failure."""
    async with bot.again(proxy.url) as wired:
        room = await wired.joins(ann)
        proxy.fails("/typing/", 502, times=1)
        with pytest.raises(Ambiguous):
            await wired.adapter.outbound.show_typing(wired.place(room))
