"""What the reconciler makes of failures, crashes and people, on virtual time."""

import asyncio
from collections.abc import Sequence

import pytest
from delivery.growing_source import GrowingSource
from delivery.loopback import LoopbackOutbound, Made
from delivery.memory_outbox import MemoryOutbox
from delivery.scene import Scene, failing, head, page, stream
from delivery.virtual_time import run
from faults.here import failing_at

from navi_bot.errors import (
    Ambiguous,
    CredentialError,
    MarkupRefused,
    MessageGone,
    NaviError,
    NotSent,
    RoomGone,
    RoomMoved,
)
from navi_bot.fault_points import Point
from navi_bot.messages import Page, Post
from navi_bot.ports.delivery import PageNote
from navi_bot.texts.delivery import REPEAT


@pytest.mark.parametrize("had_effect", [True, False])
@pytest.mark.parametrize("idempotent", [True, False])
def test_lost_answer_of_a_first_send(idempotent: bool, had_effect: bool) -> None:
    """Idempotent platforms show the text once; elsewhere the repeat is labelled."""

    async def main() -> None:
        scene = Scene(LoopbackOutbound(idempotent=idempotent))
        lost: float | NaviError = 1000.0 if had_effect else Ambiguous("Lost.")
        scene.outbound.script = failing(lost)
        async with scene.running() as reconciler:
            scene.show(reconciler, "note:1", "Take your pill.")
            assert await reconciler.drain(60)
        sends = [call.text for call in scene.outbound.of("send")]
        assert len(sends) == 2
        assert (REPEAT() in sends[1]) is not idempotent
        copies = 2 if had_effect and not idempotent else 1
        assert scene.outbound.visible("a") == ["Take your pill."] * copies
        assert scene.is_finished

    run(main())


@pytest.mark.parametrize("idempotent", [True, False])
def test_crash_during_a_first_send(idempotent: bool) -> None:
    """Cancelled in mid-call: after the restart it is there once, or labelled."""

    async def main() -> None:
        scene = Scene(LoopbackOutbound(idempotent=idempotent))
        scene.outbound.script = failing(1000.0)
        async with scene.running() as reconciler:
            scene.show(reconciler, "note:1", "Take your pill.")
            await asyncio.sleep(1.0)
        assert scene.outbound.visible("a") == ["Take your pill."]
        async with scene.running() as reconciler:
            await reconciler.recover()
            assert await reconciler.drain(60)
        last = scene.outbound.of("send")[-1]
        assert (REPEAT() in last.text) is not idempotent
        assert len(scene.outbound.visible("a")) == (1 if idempotent else 2)
        assert scene.is_finished

    run(main())


def test_restart_adopts_the_live_message() -> None:
    """A turn that goes on after a restart edits the message that is there."""

    async def main() -> None:
        scene = Scene()
        async with scene.running() as reconciler:
            source = scene.live(reconciler, "turn:1")
            await stream(reconciler, "turn:1", source, 3.0)
        async with scene.running() as reconciler:
            source = scene.live(reconciler, "turn:1")
            await stream(reconciler, "turn:1", source, 3.0)
            scene.finish(reconciler, "turn:1", source, "a")
            assert await reconciler.drain(10)
        assert len(scene.outbound.of("send")) == 1
        assert len(scene.outbound.visible("a")) == 1

    run(main())


def test_deleted_message_is_sent_again_once_and_then_left() -> None:
    """A person deletes the live message twice: one new message, then quiet."""

    async def main() -> None:
        scene = Scene()
        async with scene.running() as reconciler:
            source = scene.live(reconciler, "turn:1")
            for _ in range(3):
                await stream(reconciler, "turn:1", source, 4.0)
                scene.outbound.last("a").deleted = True
            scene.finish(reconciler, "turn:1", source, "a")
            assert await reconciler.drain(10)
        assert len(scene.outbound.of("send")) == 2
        assert scene.outbound.visible("a") == []
        assert scene.is_finished

    run(main())


def test_refused_markup_is_sent_plain() -> None:
    async def main() -> None:
        scene = Scene()
        scene.outbound.script = failing(MarkupRefused("Cannot parse."))
        async with scene.running() as reconciler:
            scene.show(reconciler, "note:1", "**bold")
            assert await reconciler.drain(10)
        assert [call.plain for call in scene.outbound.of("send")] == [False, True]

    run(main())


def test_room_that_is_gone_is_abandoned_and_not_tried_again() -> None:
    """One call, the store told, everything else of the room forgotten (C-14)."""

    async def main() -> None:
        scene = Scene()
        scene.outbound.script = lambda made: RoomGone("The bot was kicked.")
        async with scene.running() as reconciler:
            scene.show(reconciler, "note:1", "one", "two")
            scene.show(reconciler, "note:2", "three")
            assert await reconciler.drain(60)
            await asyncio.sleep(120)
        assert len(scene.outbound.calls) == 1
        assert scene.outbox.posts["note:2"].abandoned == "The bot was kicked."

    run(main())


def test_room_that_moved_is_followed() -> None:
    """The next call goes to the new chat, in order, and the store is told."""

    async def main() -> None:
        scene = Scene()

        def moved(made: Made) -> NaviError | None:
            return RoomMoved("It moved.", "b") if made.chat == "a" else None

        scene.outbound.script = moved
        async with scene.running() as reconciler:
            scene.show(reconciler, "note:1", "one")
            scene.show(reconciler, "note:2", "two")
            assert await reconciler.drain(30)
            scene.show(reconciler, "note:3", "three")
            assert await reconciler.drain(30)
        assert scene.outbound.visible("b") == ["one", "two", "three"]
        assert scene.moves == [("a", "b")]

    run(main())


def test_refused_credentials_are_tried_slowly() -> None:
    """No more than one call in 30 s, for the whole account."""

    async def main() -> None:
        scene = Scene()
        scene.outbound.script = lambda made: CredentialError("The token is not valid.")
        async with scene.running() as reconciler:
            for number in range(10):
                scene.show(reconciler, f"note:{number}", "text", chat=f"chat{number}")
            assert not await reconciler.drain(100)
            assert len(scene.outbound.calls) <= 20
            scene.outbound.script = lambda made: None
            assert await reconciler.drain(60)

    run(main())


def test_no_first_send_without_a_stored_intent() -> None:
    """While the store is away nothing new is sent; edits go on; then all is told."""

    async def main() -> None:
        scene = Scene()
        async with scene.running() as reconciler:
            source = scene.live(reconciler, "turn:1")
            await stream(reconciler, "turn:1", source, 3.0)
            edits = len(scene.outbound.of("edit"))
            post = Post(head("note:1"), (page("news"),))
            scene.outbox.want(post)
            scene.outbox.down = True
            reconciler.show(post)
            await stream(reconciler, "turn:1", source, 5.0)
            assert len(scene.outbound.of("send")) == 1
            assert len(scene.outbound.of("edit")) > edits
            scene.outbox.down = False
            scene.finish(reconciler, "turn:1", source, "a")
            assert await reconciler.drain(60)
        assert scene.is_finished
        assert len(scene.outbound.of("send")) == 2

    run(main())


class HangingOutbox(MemoryOutbox):
    """A store that takes every write and never says that it has."""

    async def note(self, notes: Sequence[PageNote]) -> None:
        await super().note(notes)
        await asyncio.Event().wait()


def test_a_store_that_hangs_holds_up_no_chat() -> None:
    """Final states arrive in forty chats while none of them can be written down."""

    async def main() -> None:
        scene = Scene(outbox=HangingOutbox())
        chats = [f"chat{number}" for number in range(40)]
        async with scene.running() as reconciler:
            sources = {chat: scene.live(reconciler, f"turn:{chat}", chat) for chat in chats}
            for chat, source in sources.items():
                await stream(reconciler, f"turn:{chat}", source, 0.1)
            await asyncio.sleep(10.0)
            for chat, source in sources.items():
                source.add("the end")
                source.final = True
                reconciler.touch(f"turn:{chat}")
            await asyncio.sleep(3.0)  # 25 calls a second
            ended = [chat for chat in chats if "the end" in scene.outbound.visible(chat)[0]]
            assert ended == chats

    run(main())


def test_acknowledgement_that_could_not_be_written_is_written_later() -> None:
    """The store fails between the send and its record: no repeat, no open post."""

    async def main() -> None:
        scene = Scene()

        def fail_store(made: Made) -> None:
            scene.outbox.down = True

        scene.outbound.script = fail_store
        async with scene.running() as reconciler:
            scene.show(reconciler, "note:1", "news")
            await asyncio.sleep(5.0)
            scene.outbound.script = lambda made: None
            scene.outbox.down = False
            assert await reconciler.drain(60)
        assert len(scene.outbound.of("send")) == 1
        assert scene.is_finished

    run(main())


def test_source_that_fails_harms_no_other_room() -> None:
    """A fault in a turn's own code is logged; other rooms and the end go on."""

    class Broken(GrowingSource):
        def pages(self, now: float) -> tuple[Page, ...]:
            raise ZeroDivisionError

    async def main() -> None:
        scene = Scene()
        async with scene.running() as reconciler:
            reconciler.follow(head("turn:1"), Broken("x", 5, with_button=False))
            scene.show(reconciler, "note:1", "fine", chat="b")
            await asyncio.sleep(1.0)
            scene.show(reconciler, "turn:1", "It broke.")
            assert await reconciler.drain(10)
        assert scene.outbound.visible("a") == ["It broke."]
        assert scene.outbound.visible("b") == ["fine"]

    run(main())


@pytest.mark.parametrize("error", [NotSent("No route."), Ambiguous("Lost."), MessageGone("Gone.")])
def test_any_failure_of_the_final_edit_is_mended(error: NaviError) -> None:
    async def main() -> None:
        scene = Scene()
        async with scene.running() as reconciler:
            source = scene.live(reconciler, "turn:1")
            await stream(reconciler, "turn:1", source, 2.0)
            await asyncio.sleep(3.0)
            source.add("end")
            scene.outbound.script = failing(error)
            scene.finish(reconciler, "turn:1", source, "a")
            assert await reconciler.drain(30)
        assert scene.outbound.visible("a")[-1].endswith("end")
        assert scene.is_finished

    run(main())


@pytest.mark.parametrize(
    ("point", "sends"), [("intent_stored", 1), ("final_answered", 2), ("final_noted", 1)]
)
def test_a_call_that_breaks_is_taken_up_as_after_a_restart(point: Point, sends: int) -> None:
    """A fault of ours in mid-call: the text is there in the end, a repeat says that it is one."""

    async def main() -> None:
        scene = Scene(LoopbackOutbound(idempotent=False))
        async with scene.running() as reconciler:
            with failing_at(point, KeyError("a bug")):
                scene.show(reconciler, "note:1", "Take your pill.")
                assert await reconciler.drain(60)
        texts = [call.text for call in scene.outbound.of("send")]
        assert len(texts) == sends
        assert [REPEAT() in text for text in texts[1:]] == [True] * (sends - 1)
        assert scene.is_finished

    run(main())


def test_a_live_message_goes_on_after_a_call_that_broke() -> None:
    async def main() -> None:
        scene = Scene(LoopbackOutbound(idempotent=False))
        async with scene.running() as reconciler:
            with failing_at("page_noted", KeyError("a bug")):
                source = scene.live(reconciler, "turn:1")
                await stream(reconciler, "turn:1", source, 3.0)
            scene.finish(reconciler, "turn:1", source, "a")
            assert await reconciler.drain(60)
        (shown,) = scene.outbound.visible("a")
        assert shown.endswith("w149")
        assert scene.is_finished

    run(main())
