"""The reconciler against a strict platform in memory, on virtual time."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count, pairwise

import pytest
from delivery.growing_source import GrowingSource
from delivery.loopback import LoopbackAccount, LoopbackOutbound, Made
from delivery.memory_outbox import MemoryOutbox
from delivery.virtual_time import run

from navi_bot.delivery.deliveries import Deliveries
from navi_bot.delivery.reconciler import Reconciler
from navi_bot.errors import (
    Ambiguous,
    CredentialError,
    MarkupRefused,
    MessageGone,
    NaviError,
    NotSent,
    RoomGone,
    RoomMoved,
    Throttled,
)
from navi_bot.messages import Address, Head, Page, Post, Prose, RoomId
from navi_bot.ports.delivery import Delivery
from navi_bot.texts.delivery import REPEAT


def head(key: str, chat: str = "a", room: int | None = None) -> Head:
    address = Address("loop", "bot", chat)
    number = room if room is not None else sum(map(ord, chat))
    return Head(key, RoomId(number), address, group=chat.startswith("group"))


def page(text: str) -> Page:
    return Page((Prose(text),))


def now() -> float:
    return asyncio.get_running_loop().time()


@dataclass
class Scene:
    """A reconciler between an outbox and a platform."""

    outbound: LoopbackOutbound = field(default_factory=LoopbackOutbound)
    outbox: MemoryOutbox = field(default_factory=MemoryOutbox)
    moves: list[tuple[str, str]] = field(default_factory=list)
    capacity: int = 2000
    ids: "count[int]" = field(default_factory=count)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Reconciler]:
        loop = asyncio.get_running_loop()
        self.outbound.forget_what_is_known()
        async with Reconciler(
            LoopbackAccount(self.outbound),
            self.outbox,
            self._move,
            capacity=self.capacity,
            clock=loop.time,
            token=lambda: f"t{next(self.ids)}",
        ) as reconciler:
            port: Delivery = reconciler
            assert port is reconciler
            yield reconciler

    def show(self, reconciler: Reconciler, key: str, *texts: str, chat: str = "a") -> None:
        post = Post(head(key, chat), tuple(page(text) for text in texts))
        self.outbox.want(post)
        reconciler.show(post)

    def live(self, reconciler: Reconciler, key: str, chat: str = "a") -> GrowingSource:
        source = GrowingSource(key, 100_000, with_button=False)
        reconciler.follow(head(key, chat), source)
        return source

    def finish(self, reconciler: Reconciler, key: str, source: GrowingSource, chat: str) -> None:
        source.final = True
        reconciler.touch(key)
        post = Post(head(key, chat), source.pages(now()))
        self.outbox.want(post)
        reconciler.show(post)

    @property
    def is_finished(self) -> bool:
        return not list(self.outbox.open_posts("loop", "bot"))

    async def _move(self, address: Address, new_chat: str) -> None:
        self.moves.append((address.chat, new_chat))


def failing(*errors: NaviError | float | None) -> Callable[[Made], NaviError | float | None]:
    """Answer these to the first sends, edits and deletes, then all is well."""
    queue = list(errors)

    def answer(made: Made) -> NaviError | float | None:
        is_post = made.kind in ("send", "edit", "delete")
        return queue.pop(0) if queue and is_post else None

    return answer


async def stream(
    reconciler: Reconciler, key: str, source: GrowingSource, seconds: float, every: float = 0.02
) -> None:
    """Add a word every `every` seconds."""
    for number in range(round(seconds / every)):
        source.add(f"w{number}")
        reconciler.touch(key)
        await asyncio.sleep(every)


def test_first_text_is_sent_at_once() -> None:
    """The first token is on its way within 10 ms when the bucket is free."""

    async def main() -> None:
        scene = Scene()
        async with scene.running() as reconciler:
            source = scene.live(reconciler, "turn:1")
            await asyncio.sleep(2.0)
            source.add("Hello")
            began = now()
            reconciler.touch("turn:1")
            await asyncio.sleep(0.2)
            assert scene.outbound.calls[0].at - began <= 0.01

    run(main())


def test_two_thousand_tokens_in_ten_seconds_take_at_most_twelve_edits() -> None:
    """Edits are coalesced, none is refused, and the final text is exact."""

    async def main() -> None:
        scene = Scene()
        async with scene.running() as reconciler:
            source = scene.live(reconciler, "turn:1")
            await stream(reconciler, "turn:1", source, 10.0, every=0.005)
            scene.finish(reconciler, "turn:1", source, "a")
            began = now()
            assert await reconciler.drain(5)
            assert now() - began <= 1.1
            assert scene.outbound.visible("a")[0].endswith("w1998 w1999")
            assert len(scene.outbound.of("edit")) <= 12
            assert scene.outbound.refusals == 0
            assert scene.is_finished

    run(main())


@pytest.mark.parametrize("chat", ["private", "group"])
def test_final_goes_out_while_progress_has_spent_its_tokens(chat: str) -> None:
    """A token is kept back: the final edit does not wait for the bucket."""

    async def main() -> None:
        scene = Scene()
        async with scene.running() as reconciler:
            source = scene.live(reconciler, "turn:1", chat)
            await stream(reconciler, "turn:1", source, 20.0)
            began = now()
            source.final = True
            reconciler.touch("turn:1")
            await asyncio.sleep(1.1)
            last = scene.outbound.of("edit")[-1]
            assert last.final
            assert last.at - began <= 0.1

    run(main())


def test_reply_does_not_wait_behind_progress() -> None:
    """The word about /stop goes out at once while a message streams."""

    async def main() -> None:
        scene = Scene()
        async with scene.running() as reconciler, asyncio.TaskGroup() as tasks:
            source = scene.live(reconciler, "turn:1")
            tasks.create_task(stream(reconciler, "turn:1", source, 12.0))
            await asyncio.sleep(10.0)
            began = now()
            scene.show(reconciler, "reply:1", "Stopped.")
            await asyncio.sleep(1.0)
            assert [c.at - began <= 0.1 for c in scene.outbound.calls if c.text == "Stopped."] == [
                True
            ]

    run(main())


def test_reply_does_not_wait_for_an_edit_that_hangs() -> None:
    """An urgent call goes beside the one that the platform does not answer."""

    async def main() -> None:
        scene = Scene()
        async with scene.running() as reconciler:
            source = scene.live(reconciler, "turn:1")
            await stream(reconciler, "turn:1", source, 5.0)
            scene.outbound.script = lambda made: 1000.0 if made.kind == "edit" else None
            await stream(reconciler, "turn:1", source, 5.0)
            began = now()
            scene.show(reconciler, "reply:1", "Stopped.")
            await asyncio.sleep(0.5)
            assert scene.outbound.calls[-1].text == "Stopped."
            assert scene.outbound.calls[-1].at - began <= 0.1

    run(main())


def test_posts_of_a_room_appear_in_order() -> None:
    """The pages of settled posts come one after the other, in the order handed over."""

    async def main() -> None:
        scene = Scene()
        async with scene.running() as reconciler:
            scene.show(reconciler, "note:1", "one", "two", "three")
            scene.show(reconciler, "note:2", "four", "five")
            scene.show(reconciler, "note:3", "six")
            assert await reconciler.drain(30)
            assert scene.outbound.visible("a") == ["one", "two", "three", "four", "five", "six"]

    run(main())


def test_final_state_comes_before_the_next_posts_first() -> None:
    """A turn's last edit is made before the answer after it is sent."""

    async def main() -> None:
        scene = Scene()
        async with scene.running() as reconciler:
            source = scene.live(reconciler, "turn:1")
            await stream(reconciler, "turn:1", source, 5.0)
            scene.finish(reconciler, "turn:1", source, "a")
            scene.show(reconciler, "turn:1:answer", "The answer.")
            assert await reconciler.drain(10)
            kinds = [(call.kind, call.final) for call in scene.outbound.calls[-2:]]
            assert kinds == [("edit", True), ("send", True)]

    run(main())


def test_sixty_rooms_share_the_budget_fairly() -> None:
    """Over a minute no room gets more than 1.5 times the calls of another."""

    async def main() -> None:
        scene = Scene()
        async with scene.running() as reconciler, asyncio.TaskGroup() as tasks:
            for number in range(60):
                source = scene.live(reconciler, f"turn:{number}", f"chat{number}")
                job = stream(reconciler, f"turn:{number}", source, 60.0, every=0.2)
                tasks.create_task(job)
        served = [len(scene.outbound.of("edit", f"chat{number}")) for number in range(60)]
        assert max(served) / min(served) <= 1.5
        assert scene.outbound.refusals == 0
        assert scene.outbound.most_in_flight <= 16

    run(main())


def test_a_room_under_penalty_delays_no_other() -> None:
    """30 s of penalty in one room; the others' edits keep their pace."""

    async def main() -> None:
        scene = Scene()

        def refuse(made: Made) -> NaviError | None:
            hit = made.chat == "chat0" and made.kind == "edit" and now() < 1031.0
            return Throttled("Slow down.", 30.0) if hit else None

        scene.outbound.script = refuse
        async with scene.running() as reconciler, asyncio.TaskGroup() as tasks:
            for number in range(5):
                source = scene.live(reconciler, f"turn:{number}", f"chat{number}")
                tasks.create_task(stream(reconciler, f"turn:{number}", source, 20.0))
        assert len(scene.outbound.of("edit", "chat0")) == 1
        for number in range(1, 5):
            times = [call.at for call in scene.outbound.of("edit", f"chat{number}")]
            gaps = [b - a for a, b in pairwise(times)]
            assert max(gaps) <= 1.4

    run(main())


def test_final_waits_out_the_penalty_and_no_more() -> None:
    """The final edit is the first call after the penalty."""

    async def main() -> None:
        scene = Scene()
        async with scene.running() as reconciler:
            source = scene.live(reconciler, "turn:1")
            await stream(reconciler, "turn:1", source, 5.0)
            scene.outbound.script = failing(Throttled("Slow down.", 30.0))
            await stream(reconciler, "turn:1", source, 5.0)
            refused_at = scene.outbound.calls[-1].at
            scene.finish(reconciler, "turn:1", source, "a")
            assert await reconciler.drain(60)
            assert scene.outbound.calls[-1].final
            assert 30.0 <= scene.outbound.calls[-1].at - refused_at <= 30.2
            assert reconciler.counts.throttled == 1

    run(main())


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


def test_typing_is_kept_alive_only_while_nothing_is_shown() -> None:
    """Every 4.5 s while working; an edit counts as showing; off means off."""

    async def main() -> None:
        scene = Scene()
        async with scene.running() as reconciler:
            reconciler.working(head("turn:1"), True)
            await asyncio.sleep(20.0)
            times = [call.at for call in scene.outbound.of("typing")]
            assert len(times) == 5
            source = scene.live(reconciler, "turn:1")
            await stream(reconciler, "turn:1", source, 40.0, every=4.0)
            assert len(scene.outbound.of("typing")) == 5
            reconciler.working(head("turn:1"), False)
            typed = len(scene.outbound.of("typing"))
            await asyncio.sleep(20.0)
            assert len(scene.outbound.of("typing")) == typed

    run(main())


def test_press_is_answered_while_the_room_is_under_penalty() -> None:
    """Answers to presses do not count for the chat; reactions are tried again."""

    async def main() -> None:
        scene = Scene()
        scene.outbound.script = failing(Throttled("Slow down.", 30.0))
        async with scene.running() as reconciler:
            scene.show(reconciler, "note:1", "one")
            await asyncio.sleep(1.0)
            reconciler.acknowledge(head("x").address, "press1", "Done.")
            await asyncio.sleep(0.1)
            assert [call.text for call in scene.outbound.of("acknowledge")] == ["Done."]
            reconciler.react(head("x").address, "m1", "👀")
            assert await reconciler.drain(60)
            await asyncio.sleep(5.0)
            assert [call.text for call in scene.outbound.of("react")] == ["👀"]

    run(main())


def test_memory_is_bounded_and_what_is_left_out_is_loaded_later() -> None:
    """Five times more posts than the capacity: all arrive, in order."""

    async def main() -> None:
        scene = Scene(capacity=10)
        async with scene.running() as reconciler:
            for number in range(50):
                scene.show(reconciler, f"note:{number}", f"n{number}")
            assert len(reconciler._traffic.posts) <= 10
            while not scene.is_finished:
                assert await reconciler.drain(600)
                await asyncio.sleep(1.0)
        assert scene.outbound.visible("a") == [f"n{number}" for number in range(50)]

    run(main())


def test_settled_posts_leave_memory() -> None:
    async def main() -> None:
        scene = Scene()
        async with scene.running() as reconciler:
            for number in range(100):
                scene.show(reconciler, f"note:{number}", "text", chat=f"chat{number}")
            assert await reconciler.drain(60)
            assert not reconciler._traffic.posts
            assert not reconciler._traffic.lanes

    run(main())


def test_nothing_raises_after_the_end() -> None:
    """A post that comes too late is left in the store for the next start."""

    async def main() -> None:
        scene = Scene()
        async with scene.running() as reconciler:
            pass
        scene.show(reconciler, "note:1", "late")
        reconciler.working(head("turn:1"), True)
        reconciler.touch("turn:1")
        async with scene.running() as reconciler:
            await reconciler.recover()
            assert await reconciler.drain(10)
        assert scene.outbound.visible("a") == ["late"]

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


def test_each_account_gets_its_own_posts() -> None:
    """The facade dispatches by address; an unknown account is no error."""

    async def main() -> None:
        scene = Scene()
        async with scene.running() as reconciler:
            deliveries: Delivery = Deliveries([reconciler])
            post = Post(head("note:1"), (page("hello"),))
            scene.outbox.want(post)
            deliveries.show(post)
            other = Head("note:2", RoomId(9), Address("matrix", "bot", "x"))
            deliveries.show(Post(other, (page("hello"),)))
            deliveries.react(other.address, "m", "x")
            assert await reconciler.drain(10)
        assert len(scene.outbound.calls) == 1

    run(main())
