"""The Telegram adapter against the strict Bot API server."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial

import pytest
from strict_telegram import TERMINATED, Broken, File, Hang, Refuse, Reset, Server, Throttle

from adapters.telegram.adapter import TelegramAdapter
from adapters.telegram.listening import Patience
from navi_bot.errors import (
    Ambiguous,
    CredentialError,
    MessageGone,
    NaviError,
    NotSent,
    PlatformError,
    Refused,
    RoomGone,
    RoomMoved,
    StoreUnavailable,
    Throttled,
    TooLong,
)
from navi_bot.messages import (
    Address,
    Attachment,
    Button,
    ChatKind,
    Document,
    Edited,
    Inbound,
    Left,
    Line,
    Moved,
    Page,
    Pressed,
    Prose,
    Returned,
    Said,
)

HELLO = Page((Prose("Hello **you**"),))
HURRIED = Patience(
    poll=0, grace=0.3, probe=0.3, short=0, backoff=(0.01, 0.1), store=0.01, early=0.01,
    conflict=(0.01, 0.05),
)  # fmt: skip


class Taken:
    """Keeps what was accepted; can refuse, as a store that is away does."""

    def __init__(self) -> None:
        self.events: list[Inbound] = []
        self.away = False
        self.refusals = 0

    async def accept(self, batch: Sequence[Inbound], cursor: str) -> None:
        if self.away:
            self.refusals += 1
            raise StoreUnavailable("The database does not answer.")
        self.events += batch


@asynccontextmanager
async def polling(
    server: Server,
    taken: Taken,
    patience: Patience | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> AsyncIterator[TelegramAdapter]:
    """Connect an adapter and let it poll."""
    adapter = TelegramAdapter(server.token, server.url, clock, patience=patience)
    await adapter.connect()
    async with asyncio.TaskGroup() as group:
        receiving = group.create_task(adapter.receive(taken.accept, ""))
        yield adapter
        receiving.cancel()
    await adapter.close()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with Server() as running:
        yield running


@pytest.fixture
async def connected(server: Server) -> AsyncIterator[TelegramAdapter]:
    adapter = TelegramAdapter(server.token, server.url)
    await adapter.connect()
    yield adapter
    await adapter.close()


def to(adapter: TelegramAdapter, chat: int, thread: str = "") -> Address:
    return Address("telegram", adapter.account, str(chat), thread)


async def test_it_knows_who_it_is(connected: TelegramAdapter, server: Server) -> None:
    assert connected.name == "navi_bot"
    assert connected.account == server.token.partition(":")[0]


async def test_a_wrong_token_is_one_sentence_without_the_token(server: Server) -> None:
    adapter = TelegramAdapter("1:wrong-token-wrong-token-wrong-token-00", server.url)
    with pytest.raises(CredentialError) as caught:
        await adapter.connect()
    assert "TELEGRAM_BOT_TOKEN" in str(caught.value)
    assert "wrong-token" not in str(caught.value)


async def test_no_server_is_a_platform_error() -> None:
    adapter = TelegramAdapter("1:abc", "http://127.0.0.1:9")
    with pytest.raises(NotSent):
        await adapter.connect()


async def test_what_people_do_becomes_events(server: Server) -> None:
    """Text, edits, presses, blocks: each is one event, in order."""
    ann = server.person(5, "Ann")
    chat = server.private_chat(ann)
    taken = Taken()
    async with polling(server, taken) as adapter:
        question = server.say(chat, ann, "hello")
        server.edit(question, "hello again")
        sent = await adapter.outbound.send(
            to(adapter, chat.id),
            Page((Line("choose"),), ((Button("Stop", "stop:1", "danger"),),)),
            transaction="t",
        )
        press = server.press(chat.messages[int(sent)], "Stop", ann)
        server.block(ann)
        server.unblock(ann)
        await server.wait_for(lambda: len(taken.events) >= 5)
        await adapter.outbound.acknowledge(taken.events[2].press, "done")  # type: ignore[union-attr]  # asserted below
        assert press.answered
    said, edited, pressed, left, returned = taken.events
    assert isinstance(said, Said)
    assert (said.text, said.origin.sender.id, said.origin.chat_kind) == (
        "hello",
        "5",
        ChatKind.PRIVATE,
    )
    assert isinstance(edited, Edited)
    assert edited.text == "hello again"
    assert edited.origin.message_id == said.origin.message_id
    assert isinstance(pressed, Pressed)
    assert (pressed.data, pressed.origin.message_id) == ("stop:1", sent)
    assert isinstance(left, Left)
    assert isinstance(returned, Returned)


async def test_nothing_is_confirmed_before_it_is_stored(server: Server) -> None:
    """Promise 2: what the store could not take is delivered again."""
    ann = server.person(5, "Ann")
    chat = server.private_chat(ann)
    taken = Taken()
    taken.away = True
    server.say(chat, ann, "keep me")
    async with polling(server, taken) as adapter:
        await server.wait_for(lambda: taken.refusals >= 1)
        assert "database" in adapter.trouble
        taken.away = False
        await server.wait_for(lambda: taken.events)
    assert [event.text for event in taken.events if isinstance(event, Said)] == ["keep me"]


async def test_a_killed_poller_loses_nothing(server: Server) -> None:
    """A second start gets what the first had received and not stored."""
    ann = server.person(5, "Ann")
    chat = server.private_chat(ann)
    for number in range(10):
        server.say(chat, ann, f"message {number}")
    first, second = Taken(), Taken()
    first.away = True
    async with polling(server, first):
        await server.wait_for(lambda: first.refusals >= 1)
    async with polling(server, second):
        await server.wait_for(lambda: len(second.events) == 10)


async def test_an_album_in_one_batch_is_one_message(server: Server) -> None:
    ann = server.person(5, "Ann")
    chat = server.private_chat(ann)
    taken = Taken()
    picture = File("a.jpg", b"\xff\xd8\xff" + b"0" * 100, "image/jpeg")
    for caption in ("two pictures", ""):
        server.say(chat, ann, caption, photo=picture, album="one")
    async with polling(server, taken):
        await server.wait_for(lambda: taken.events)
    (said,) = taken.events
    assert isinstance(said, Said)
    assert said.text == "two pictures"
    assert [attachment.kind for attachment in said.attachments] == ["image", "image"]


async def test_groups_topics_replies_and_forwards_are_told(server: Server) -> None:
    ann, eve = server.person(5, "Ann"), server.person(6, "Eve")
    forum = server.group("Team", [ann], forum=True)
    topic = server.topic(forum, "Plans", ann)
    chat = server.private_chat(ann)
    taken = Taken()
    async with polling(server, taken) as adapter:
        server.say(forum, ann, "@navi_bot what is next?", topic=topic)
        server.say(chat, ann, "look", forward_from=eve)
        sent = await adapter.outbound.send(to(adapter, chat.id), HELLO, transaction="t")
        server.say(chat, ann, "what?", reply_to=chat.messages[int(sent)])
        await server.wait_for(lambda: len(taken.events) >= 3)
    mention, forward, reply = taken.events[-3:]
    assert isinstance(mention, Said)
    assert mention.addressed
    assert mention.text == "what is next?"
    assert mention.origin.address.thread == str(topic.id)
    assert mention.origin.title == "Team"
    assert isinstance(forward, Said)
    assert forward.forwarded_from == "Eve"
    assert isinstance(reply, Said)
    assert reply.quote is not None
    assert (reply.quote.text, reply.quote.from_bot) == ("Hello you", True)


async def test_anonymous_admins_have_no_rights(server: Server) -> None:
    ann = server.person(5, "Ann")
    group = server.group("Team", [ann], supergroup=True)
    taken = Taken()
    async with polling(server, taken):
        server.say(group, ann, "/stop@navi_bot", anonymous=True)
        await server.wait_for(lambda: taken.events)
    assert taken.events[0].origin.sender.rightless


async def test_a_group_that_becomes_a_supergroup_moves(server: Server) -> None:
    ann = server.person(5, "Ann")
    group = server.group("Team", [ann])
    taken = Taken()
    async with polling(server, taken) as adapter:
        grown = server.upgrade(group)
        await server.wait_for(lambda: any(isinstance(event, Moved) for event in taken.events))
        with pytest.raises(RoomMoved) as caught:
            await adapter.outbound.send(to(adapter, group.id), HELLO, transaction="t")
    assert caught.value.new_chat == str(grown.id)
    moved = next(event for event in taken.events if isinstance(event, Moved))
    assert moved.new_chat == str(grown.id)


async def test_a_conflict_is_waited_out_and_told_after_a_while(server: Server) -> None:
    """409: a predecessor's poll may live on; nothing is dropped."""
    ann = server.person(5, "Ann")
    chat = server.private_chat(ann)
    taken = Taken()
    fault = server.fault(TERMINATED, "getUpdates", times=None)
    async with polling(server, taken, replace(HURRIED, silent=0.3)) as adapter:
        server.say(chat, ann, "still there?")
        await server.wait_for(lambda: len(server.calls("getUpdates")) >= 2)
        assert adapter.trouble == ""
        await server.wait_for(lambda: "Stop the other program" in adapter.trouble)
        server.heal(fault)
        await server.wait_for(lambda: taken.events)
        await server.wait_for(lambda: adapter.trouble == "")


async def test_polling_goes_on_after_faults(server: Server) -> None:
    """5xx, resets, refusals and 429 on the poll: backoff, then all is well."""
    ann = server.person(5, "Ann")
    chat = server.private_chat(ann)
    taken = Taken()
    for action in (Broken(502), Reset(), Refuse(500, "Internal Server Error"), Throttle(1)):
        server.fault(action, "getUpdates")
    async with polling(server, taken, HURRIED) as adapter:
        server.say(chat, ann, "still there?")
        await server.wait_for(lambda: taken.events, timeout=10)
        await server.wait_for(lambda: adapter.trouble == "")


async def test_a_black_holed_poll_gets_new_connections(server: Server) -> None:
    """Never alive but deaf: a poll without an answer rebuilds the connections."""
    ann = server.person(5, "Ann")
    chat = server.private_chat(ann)
    taken = Taken()
    server.fault(Hang(), "getUpdates", times=2)
    async with polling(server, taken, HURRIED):
        server.say(chat, ann, "hello?")
        await server.wait_for(lambda: taken.events, timeout=10)


def polled_more(server: Server, often: int) -> bool:
    return len(server.calls("getUpdates")) > often


async def test_polling_can_begin_again_after_it_was_cut_off(server: Server) -> None:
    """A lease that was lost and regained: the poll cut off leaves no connection stuck."""
    ann = server.person(5, "Ann")
    chat = server.private_chat(ann)
    taken = Taken()
    adapter = TelegramAdapter(server.token, server.url)
    await adapter.connect()
    for number in range(3):
        more = partial(polled_more, server, len(server.calls("getUpdates")))
        async with asyncio.TaskGroup() as group:
            receiving = group.create_task(adapter.receive(taken.accept, ""))
            await server.wait_for(more)
            receiving.cancel()
        server.say(chat, ann, f"hello {number}")
    async with asyncio.TaskGroup() as group:
        receiving = group.create_task(adapter.receive(taken.accept, ""))
        await server.wait_for(lambda: len(taken.events) >= 3, timeout=10)
        receiving.cancel()
    await adapter.close()


MENTIONS = [
    ("@navi_bot what?", "what?"),
    ("@Navi_Bot, what?", "what?"),
    ("@navi_bot", ""),
    ("@navi_botany what?", "@navi_botany what?"),
    ("what, @navi_bot?", "what, @navi_bot?"),
]


async def test_a_leading_mention_is_no_part_of_the_question(server: Server) -> None:
    ann = server.person(5, "Ann")
    chat = server.private_chat(ann)
    taken = Taken()
    for text, _ in MENTIONS:
        server.say(chat, ann, text)
    async with polling(server, taken):
        await server.wait_for(lambda: len(taken.events) == len(MENTIONS))
    heard = [event.text for event in taken.events if isinstance(event, Said)]
    assert heard == [text for _, text in MENTIONS]


async def test_a_revoked_token_ends_polling(server: Server) -> None:
    adapter = TelegramAdapter(server.token, server.url)
    await adapter.connect()
    server.revoke_token()
    with pytest.raises(CredentialError):
        await asyncio.wait_for(adapter.receive(Taken().accept, ""), 5)
    assert "token" in adapter.trouble
    await adapter.close()


async def test_a_page_is_sent_edited_and_deleted(
    connected: TelegramAdapter, server: Server
) -> None:
    chat = server.private_chat(server.person(5))
    where = to(connected, chat.id)
    sent = await connected.outbound.send(where, HELLO, transaction="t")
    assert server.visible_texts(chat) == ["Hello you"]
    page = Page((Prose("Hello `all`"),))
    await connected.outbound.edit(where, sent, page, transaction="t", final=True)
    await connected.outbound.edit(where, sent, page, transaction="t", final=True)
    assert server.visible_texts(chat) == ["Hello all"]
    await connected.outbound.react(where, sent, "👀")
    await connected.outbound.show_typing(where)
    assert server.typing(chat)
    await connected.outbound.delete(where, sent)
    assert server.visible_texts(chat) == []
    with pytest.raises(MessageGone):
        await connected.outbound.edit(where, sent, HELLO, transaction="t", final=True)


async def test_a_document_is_sent_as_a_file(connected: TelegramAdapter, server: Server) -> None:
    chat = server.private_chat(server.person(5))
    page = Page((Line("answer.md"),), document=Document("answer.md", "# All of it"))
    await connected.outbound.send(to(connected, chat.id), page, transaction="t")
    (call,) = server.calls("sendDocument")
    assert call.outcome == "ok"


async def test_a_closed_topic_falls_back_to_the_chat(
    connected: TelegramAdapter, server: Server
) -> None:
    ann = server.person(5)
    forum = server.group("Team", [ann], forum=True)
    topic = server.topic(forum, "Plans", ann)
    server.set_topic(topic, deleted=True)
    where = to(connected, forum.id, str(topic.id))
    await connected.outbound.send(where, HELLO, transaction="t")
    assert server.visible_texts(forum) == ["Hello you"]


FAULTS = [
    ("429", Throttle(7), Throttled),
    ("reset before the effect", Reset(), Ambiguous),
    ("reset after the effect", Reset(after=True), Ambiguous),
    ("a proxy's 502", Broken(502), Ambiguous),
    ("blocked", Refuse(403, "Forbidden: bot was blocked by the user"), RoomGone),
    ("kicked", Refuse(403, "Forbidden: bot was kicked from the group chat"), RoomGone),
    ("no such chat", Refuse(400, "Bad Request: chat not found"), RoomGone),
    ("too long", Refuse(400, "Bad Request: message is too long"), TooLong),
    ("something new", Refuse(400, "Bad Request: WHATEVER_INVALID"), Refused),
]


@pytest.mark.parametrize(
    ("fault", "kind"), [case[1:] for case in FAULTS], ids=[c[0] for c in FAULTS]
)
async def test_failures_say_whether_there_was_an_effect(
    connected: TelegramAdapter, server: Server, fault: Refuse, kind: type[NaviError]
) -> None:
    chat = server.private_chat(server.person(5))
    server.fault(fault, "sendMessage")
    with pytest.raises(kind) as caught:
        await connected.outbound.send(to(connected, chat.id), HELLO, transaction="t")
    if isinstance(caught.value, Throttled):
        assert caught.value.retry_after == 7


async def test_a_refused_connection_had_no_effect(
    connected: TelegramAdapter, server: Server
) -> None:
    chat = server.private_chat(server.person(5))
    await server.refuse_connections()
    with pytest.raises((NotSent, Ambiguous)):
        await connected.outbound.send(to(connected, chat.id), HELLO, transaction="t")
    with pytest.raises(NotSent):
        await connected.outbound.send(to(connected, chat.id), HELLO, transaction="t")


async def test_a_connect_that_is_refused_leaves_nothing_open(server: Server) -> None:
    """It is tried again for as long as it takes."""
    adapter = TelegramAdapter(server.token, server.url)
    server.fault(Broken(502), "getMe", times=3)
    before = sockets()
    for _ in range(3):
        with pytest.raises(PlatformError):
            await adapter.connect()
    await asyncio.sleep(0.05)  # the server's ends close a moment later
    assert sockets() == before
    await adapter.connect()
    assert (adapter.account, adapter.name) == (str(server.world.bot.id), "navi_bot")
    await adapter.close()


def sockets() -> int:
    """Count this process's open sockets."""
    links = (f"/proc/self/fd/{name}" for name in os.listdir("/proc/self/fd"))
    return sum(os.path.lexists(link) and os.readlink(link).startswith("socket:") for link in links)


async def test_a_file_is_fetched_and_its_size_checked_first(
    connected: TelegramAdapter, server: Server
) -> None:
    ann = server.person(5)
    chat = server.private_chat(ann)
    taken = Taken()
    content = b"x" * 2000
    async with polling(server, taken):
        server.say(chat, ann, "read", document=File("a.txt", content, "text/plain"))
        await server.wait_for(lambda: taken.events)
    (said,) = taken.events
    assert isinstance(said, Said)
    (attachment,) = said.attachments
    assert (attachment.name, attachment.size) == ("a.txt", 2000)
    assert await connected.outbound.fetch(attachment, 2000) == content
    calls = len(server.calls("getFile"))
    with pytest.raises(TooLong):
        await connected.outbound.fetch(attachment, 1999)
    assert len(server.calls("getFile")) == calls
    unknown = Attachment("file", attachment.ref, "a.txt", size=None)
    with pytest.raises(TooLong):
        await connected.outbound.fetch(unknown, 1999)


async def test_the_menu_of_commands_is_published(
    connected: TelegramAdapter, server: Server
) -> None:
    await connected.publish_commands({"stop": "stop the answer"})
    (call,) = server.calls("setMyCommands")
    assert "stop the answer" in call.params["commands"]
