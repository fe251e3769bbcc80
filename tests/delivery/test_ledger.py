"""What delivery writes, when, and together with what; on virtual time."""

import asyncio
from collections.abc import Sequence

from delivery.loopback import LoopbackOutbound, Made
from delivery.memory_outbox import MemoryOutbox
from delivery.scene import Scene, head, page, stream
from delivery.virtual_time import run

from navi_bot.delivery.actions import Gone, Send, Sent, Shown, Unsent
from navi_bot.delivery.ledger import LATEST, Ledger
from navi_bot.delivery.reconciler import Reconciler
from navi_bot.errors import NotSent, RoomGone
from navi_bot.messages import Head, Page, Post
from navi_bot.ports.delivery import PageNote, StoredPost
from navi_bot.texts.delivery import REPEAT


class Written(MemoryOutbox):
    """Keeps the names of what was asked, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    async def load(self, key: str) -> StoredPost | None:
        self.asked.append("load")
        return await super().load(key)

    async def begin(self, head: Head, number: int, transaction: str, page: Page) -> None:
        self.asked.append("begin")
        await super().begin(head, number, transaction, page)

    async def note(self, notes: Sequence[PageNote]) -> None:
        self.asked.append("note " + " ".join(f"{note.key}.{note.number}" for note in notes))
        await super().note(notes)


def ledger(outbox: MemoryOutbox) -> Ledger:
    return Ledger(outbox, lambda key: None)


async def answered(scene: Scene, reconciler: Reconciler, key: str, chat: str) -> None:
    """Have a turn claimed, stream for a while, and end."""
    scene.outbox.claim(head(key, chat), f"of {key}")
    source = scene.live(reconciler, key, chat, begun=f"of {key}")
    await stream(reconciler, key, source, 3.0)
    scene.finish(reconciler, key, source, chat)
    await asyncio.sleep(3.0)


def test_a_turn_is_noted_once_and_takes_what_waits_along() -> None:
    """Not loaded, not begun: only that its message is there is written at once."""

    async def main() -> None:
        scene = Scene(outbox=(outbox := Written()))
        async with scene.running() as reconciler:
            for number in range(3):
                await answered(scene, reconciler, f"turn:{number}", "a")
            assert outbox.asked == [
                "note turn:0.0",
                "note turn:0.0 turn:1.0",
                "note turn:1.0 turn:2.0",
            ]
            await asyncio.sleep(LATEST)
            assert outbox.asked[3:] == ["note turn:2.0"], "nothing came for it to go with"
            assert scene.is_finished

    run(main())


def test_leaving_writes_what_waits() -> None:
    async def main() -> None:
        scene = Scene(outbox=(outbox := Written()))
        async with scene.running() as reconciler:
            await answered(scene, reconciler, "turn:1", "a")
            assert not scene.is_finished
            assert await reconciler.drain(10)
        assert scene.is_finished
        assert len(outbox.asked) == 2

    run(main())


def test_a_crash_before_the_last_note_repeats_nothing_that_is_seen() -> None:
    """The next run edits the message once more, to what it holds."""

    async def main() -> None:
        scene = Scene()
        async with scene.running() as reconciler:
            await answered(scene, reconciler, "turn:1", "a")
        shown = scene.outbound.visible("a")
        async with scene.running() as reconciler:
            await reconciler.recover()
            assert await reconciler.drain(10)
        assert scene.outbound.visible("a") == shown
        assert len(scene.outbound.of("send")) == 1
        assert scene.is_finished

    run(main())


def test_a_crash_after_the_claim_is_one_that_may_have_sent() -> None:
    """The intent was stored with the claim; nobody can know whether it was carried out."""

    async def main() -> None:
        scene = Scene(outbound=LoopbackOutbound(idempotent=False))
        scene.outbox.claim(head("turn:1"), "first")
        async with scene.running() as reconciler:
            source = scene.live(reconciler, "turn:1")
            await stream(reconciler, "turn:1", source, 0.5)
        assert REPEAT() in scene.outbound.of("send")[0].text

    run(main())


def test_a_claim_that_was_left_in_time_has_sent_nothing() -> None:
    """Told to end before the first show, the daemon takes the intent back."""

    async def main() -> None:
        scene = Scene(outbound=LoopbackOutbound(idempotent=False))
        scene.outbox.claim(head("turn:1"), "first")
        async with scene.running() as reconciler:
            scene.live(reconciler, "turn:1", begun="first")
            assert await reconciler.drain(1)
        async with scene.running() as reconciler:
            source = scene.live(reconciler, "turn:1")
            await stream(reconciler, "turn:1", source, 0.5)
        assert REPEAT() not in scene.outbound.of("send")[-1].text

    run(main())


def test_a_send_that_surely_failed_is_begun_again() -> None:
    """With an intent of its own, stored before it; no label."""

    async def main() -> None:
        outbound = LoopbackOutbound(idempotent=False)
        scene = Scene(outbound, outbox := Written())
        errors = [NotSent("No route.")]
        scene.outbound.script = lambda made: errors.pop() if errors else None
        async with scene.running() as reconciler:
            await answered(scene, reconciler, "turn:1", "a")
        assert outbox.asked == ["note turn:1.0", "begin", "note turn:1.0"]
        assert REPEAT() not in scene.outbound.of("send")[-1].text

    run(main())


def test_what_the_platform_will_never_take_is_noted_at_once() -> None:
    """Others wait to hear of it: a reminder goes elsewhere."""

    async def main() -> None:
        outbox = Written()
        book = ledger(outbox)
        outbox.want(Post(head("note:1"), (page("news"),)))
        book.owe_records("note:1", (Shown(0, "hash", refused=True),))
        assert book.owes("note:1")
        assert await book.settle("note:1")
        assert outbox.asked == ["note note:1.0"]

    run(main())


def test_what_is_shown_waits_and_holds_nobody() -> None:
    async def main() -> None:
        book = ledger(outbox := Written())
        book.owe_records("note:1", (Shown(0, "hash"),))
        assert not book.owes("note:1")
        assert await book.settle("note:1")
        assert outbox.asked == []

    run(main())


def test_what_is_known_of_a_page_is_one_note_and_the_last_word_counts() -> None:
    async def main() -> None:
        outbox = Written()
        book = ledger(outbox)
        outbox.want(Post(head("note:1"), (page("news"),)))
        book.owe_records("note:1", (Sent(0, "m1", "", page("news")), Gone(0)))
        book.owe_records("note:1", (Sent(0, "m2", "", page("news")), Shown(0, "last")))
        assert await book.settle("note:1")
        stored = await outbox.load("note:1")
        assert stored is not None
        assert stored.pages[0].message_id == "m2"
        assert stored.pages[0].acknowledged_hash == "last"
        assert outbox.asked == ["note note:1.0", "load"]

    run(main())


def test_an_intent_is_not_denied_by_an_older_note() -> None:
    """That an earlier try had no effect is past once the next one is begun."""

    async def main() -> None:
        outbox = Written()
        book = ledger(outbox)
        send = Send(0, page("x"), page("x"), "h", "t2", plain=False, final=False, with_reply=False)
        await outbox.begin(head("turn:1"), 0, "t1", page("x"))
        outbox.down = True
        book.owe_records("turn:1", (Unsent(0),))
        assert not await book.settle("turn:1")
        outbox.down = False
        await book.begin(head("turn:1"), send)
        assert await book.flush()
        stored = outbox.posts["turn:1"].pages[0]
        assert (stored.uncertain, stored.transaction) == (True, "t2")

    run(main())


def test_a_post_that_is_loaded_again_is_what_was_noted() -> None:
    """What waits is written before it is read."""

    async def main() -> None:
        outbox = Written()
        book = ledger(outbox)
        outbox.want(Post(head("note:1"), (page("news"),)))
        book.owe_records("note:1", (Shown(0, "hash"),))
        stored = await book.load("note:1")
        assert stored is not None
        assert stored.pages[0].acknowledged_hash == "hash"
        assert outbox.asked == ["note note:1.0", "load"]

    run(main())


def test_a_room_that_is_gone_takes_no_note_with_it() -> None:
    async def main() -> None:
        scene = Scene()

        def gone(made: Made) -> RoomGone | None:
            return RoomGone("Kicked.") if made.chat == "a" else None

        scene.outbound.script = gone
        async with scene.running() as reconciler:
            scene.show(reconciler, "note:1", "one", chat="a")
            scene.show(reconciler, "note:2", "two", chat="b")
            assert await reconciler.drain(10)
        assert scene.is_finished
        assert scene.outbound.visible("b") == ["two"]

    run(main())
