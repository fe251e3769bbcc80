"""What people do in Telegram chats, through the whole daemon."""

import asyncio
import base64

from daemon.stage import OWNER, Stage
from strict_ollama import Answer, Body, Called, Calls, Hold, Pause, Text, in_turn, say
from strict_telegram import File
from strict_telegram.acts import PHOTO

BOB = 7


def last_user(stage: Stage, nth: int = -1) -> str:
    """Return the newest message of a person that the model was given."""
    messages = stage.ollama.chats[nth].body["messages"]
    return str([m["content"] for m in messages if m["role"] == "user"][-1])


async def test_a_photo_is_looked_at(stage: Stage) -> None:
    """The picture goes to a model that can see, with its caption as the question."""
    stage.plays(say("a pixel"), capabilities=("completion", "tools", "vision"))
    async with stage.start() as daemon:
        await daemon.ready()
        stage.telegram.say(stage.chat, stage.ann, "what is this?", photo=PHOTO)
        await stage.shows("a pixel", "⏱")
    asked = [m for m in stage.ollama.chats[-1].body["messages"] if m["role"] == "user"][-1]
    assert "what is this?" in asked["content"]
    assert [base64.b64decode(image) for image in asked["images"]] == [PHOTO.content]


async def test_an_album_is_one_question(stage: Stage) -> None:
    stage.plays(say("two pixels"), capabilities=("completion", "tools", "vision"))
    async with stage.start() as daemon:
        await daemon.ready()
        stage.telegram.say(stage.chat, stage.ann, "compare", photo=PHOTO, album="a")
        stage.telegram.say(stage.chat, stage.ann, "", photo=PHOTO, album="a")
        await stage.shows("two pixels", "⏱")
        await asyncio.sleep(0.5)
    assert len(stage.ollama.chats) == 1
    asked = [m for m in stage.ollama.chats[-1].body["messages"] if m["role"] == "user"][-1]
    assert len(asked["images"]) == 2


async def test_a_document_lands_in_the_rooms_files(stage: Stage) -> None:
    """The model is told name and size; the content is on the daemon's disk."""
    stage.plays(say("noted"))
    notes = File("notes.txt", b"milk and bread", "text/plain")
    async with stage.start() as daemon:
        await daemon.ready()
        stage.telegram.say(stage.chat, stage.ann, "keep this", document=notes)
        await stage.shows("noted", "⏱")
    told = last_user(stage)
    assert "keep this" in told
    assert "[file: notes.txt, text/plain, 14 bytes]" in told
    found = list(stage.data_dir.rglob("notes.txt"))
    assert [path.read_bytes() for path in found] == [b"milk and bread"]


async def test_replies_and_forwards_are_marked_as_such(stage: Stage) -> None:
    """What somebody else wrote is data for the model, not the person's own words."""
    stage.plays(in_turn(say("first"), say("second"), say("third")))
    async with stage.start() as daemon:
        await daemon.ready()
        mine = stage.ask("remember the blue door")
        await stage.shows("first", "⏱")
        stage.telegram.say(stage.chat, stage.ann, "what did I mean?", reply_to=mine)
        await stage.shows("second", "⏱")
        assert "remember the blue door" in last_user(stage)
        assert "what did I mean?" in last_user(stage)
        stage.telegram.say(stage.chat, stage.ann, "look at this", forward_from="Mallory")
        await stage.shows("third", "⏱")
    assert "Mallory" in last_user(stage)


async def test_an_edited_message_replaces_the_one_that_waits(stage: Stage) -> None:
    hold = asyncio.Event()
    stage.plays(in_turn([Text("busy "), Hold(hold), Text("done")], say("answered")))
    async with stage.start() as daemon:
        await daemon.ready()
        stage.ask("first")
        await stage.shows("busy")
        waiting = stage.ask("teh second")
        await stage.telegram.wait_for(lambda: stage.telegram.calls("setMessageReaction"))
        stage.telegram.edit(waiting, "the second")
        await asyncio.sleep(0.5)
        hold.set()
        await stage.shows("answered", "⏱")
    assert "the second" in last_user(stage)
    assert "teh" not in last_user(stage)


async def test_a_message_can_steer_the_running_turn(stage: Stage) -> None:
    """With NAVI_STEER it joins at the next step instead of waiting."""
    hold = asyncio.Event()
    work: Answer = [Calls((Called("clock", {}),))]

    def script(body: Body) -> Answer:
        asked = [m["content"] for m in body["messages"] if m["role"] == "user"]
        if any(m["role"] == "tool" for m in body["messages"]):
            return say(f"heard {len(asked)} of you")
        return [Text("let me look "), Hold(hold), *work]

    stage.plays(script)
    async with stage.start(NAVI_STEER="true") as daemon:
        await daemon.ready()
        stage.ask("look")
        await stage.shows("let me look")
        stage.ask("in Tokyo, I mean")
        await asyncio.sleep(0.7)
        hold.set()
        final = await stage.shows("heard 2 of you", "⏱")
    assert "↪ Taken in: in Tokyo, I mean" in final
    assert len(stage.texts()) == 1


async def test_a_group_is_answered_when_it_speaks_to_the_bot(stage: Stage) -> None:
    """A mention, a reply, a command; the sender's name is told, nothing else is heard."""
    stage.plays(in_turn(say("one"), say("two")))
    group = stage.telegram.group("Team", [stage.ann, stage.telegram.person(BOB, "Bob")])
    async with stage.start() as daemon:
        await daemon.ready()
        stage.telegram.say(group, stage.ann, "we talk among ourselves")
        stage.telegram.say(group, stage.ann, "@navi_bot what is up?")
        await stage.telegram.wait_for(lambda: "one" in str(stage.telegram.visible_texts(group)))
        await daemon.event("turn_ended")
        shown = stage.telegram.last(group)
        stage.telegram.say(group, stage.ann, "and now?", reply_to=shown)
        await stage.telegram.wait_for(lambda: "two" in str(stage.telegram.visible_texts(group)))
        await daemon.event("turn_ended", nth=2)
    assert len(stage.ollama.chats) == 2
    assert "Ann" in last_user(stage, 0)
    assert "among ourselves" not in str(stage.ollama.chats[-1].body["messages"])


async def test_topics_are_rooms_of_their_own(stage: Stage) -> None:
    """Each has its own conversation, and the answer goes into the topic."""
    stage.plays(in_turn(say("red it is"), say("no idea")))
    forum = stage.telegram.group("Forum", [stage.ann], supergroup=True, forum=True)
    red, blue = stage.telegram.topic(forum, "Red"), stage.telegram.topic(forum, "Blue")
    async with stage.start() as daemon:
        await daemon.ready()
        stage.telegram.say(forum, stage.ann, "@navi_bot my colour is red", topic=red)
        await daemon.event("turn_ended")
        stage.telegram.say(forum, stage.ann, "@navi_bot what is my colour?", topic=blue)
        await daemon.event("turn_ended", nth=2)
        await stage.telegram.wait_for(lambda: "no idea" in str(stage.telegram.visible_texts(forum)))
    assert "red" not in str(stage.ollama.chats[-1].body["messages"][1:])
    topics = [message.topic for message in stage.telegram.messages(forum) if message.outgoing]
    assert topics == [red, blue]


async def test_a_deleted_live_message_is_sent_once_more_and_then_left(stage: Stage) -> None:
    """Twice deleted, the person wants quiet; the turn ends all the same."""
    stage.plays([*(Text(f"w{n} ", delay=0.1) for n in range(60))])
    async with stage.start() as daemon:
        await daemon.ready()
        stage.ask("tell me")
        await stage.shows("w2")
        first = stage.telegram.last(stage.chat)
        assert first is not None
        stage.telegram.delete(first)
        again = await stage.telegram.wait_for(lambda: stage.telegram.last(stage.chat))
        assert again is not None
        assert again is not first
        stage.telegram.delete(again)
        ended = await daemon.event("turn_ended", within=30)
        await asyncio.sleep(1.5)
    assert ended["outcome"] == "done"
    assert stage.texts() == []


async def test_a_bot_that_is_blocked_pauses_the_room_and_returns(stage: Stage) -> None:
    stage.plays(in_turn([Pause(0.5), Text("unheard")], say("welcome back")))
    async with stage.start() as daemon:
        await daemon.ready()
        stage.ask("hello")
        await stage.telegram.wait_for(lambda: stage.ollama.chats)
        stage.telegram.block(stage.ann)
        await daemon.event("turn_ended", within=20)
        stage.telegram.unblock(stage.ann)
        stage.ask("are you there?")
        await stage.shows("welcome back", "⏱")


async def test_two_people_and_a_group_never_see_each_other(stage: Stage) -> None:
    """V-32: three rooms, three conversations; no command tells of another."""
    stage.plays(in_turn(say("noted"), say("hello Bob"), say("hello group")))
    stage.environment["NAVI_OWNERS"] = f"telegram:{OWNER},telegram:{BOB}"
    bob = stage.telegram.person(BOB, "Bob")
    private = stage.telegram.private_chat(bob)
    group = stage.telegram.group("Team", [stage.ann, bob])
    async with stage.start() as daemon:
        await daemon.ready()
        stage.ask("my secret is XYZZY")
        await daemon.event("turn_ended")
        stage.telegram.say(private, bob, "what do you know?")
        await daemon.event("turn_ended", nth=2)
        stage.telegram.say(group, bob, "@navi_bot and here?")
        await daemon.event("turn_ended", nth=3)
        for chat in (private, group):
            for command in ("/status", "/notes", "/usage"):
                stage.telegram.say(chat, bob, f"{command}@navi_bot")
        await asyncio.sleep(6)
    for call in stage.ollama.chats[1:]:
        assert "XYZZY" not in str(call.body)
    for chat in (private, group):
        assert "XYZZY" not in str(stage.telegram.visible_texts(chat))
        assert len(stage.telegram.visible_texts(chat)) >= 2
