"""Order, small calls and memory of the reconciler, on virtual time."""

import asyncio

from delivery.scene import Scene, failing, head, page, stream
from delivery.virtual_time import run

from navi_bot.delivery.deliveries import Deliveries
from navi_bot.errors import (
    Throttled,
)
from navi_bot.messages import Address, Head, Post, RoomId
from navi_bot.ports.delivery import Delivery


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


def test_each_account_gets_its_own_posts() -> None:
    """The facade dispatches by address; an unknown account is no error."""

    async def main() -> None:
        scene = Scene()
        accounts = Deliveries()
        deliveries: Delivery = accounts
        async with scene.running() as reconciler:
            with accounts.serving(reconciler):
                post = Post(head("note:1"), (page("hello"),))
                scene.outbox.want(post)
                deliveries.show(post)
                other = Head("note:2", RoomId(9), Address("matrix", "bot", "x"))
                deliveries.show(Post(other, (page("hello"),)))
                deliveries.react(other.address, "m", "x")
                assert await reconciler.drain(10)
        assert len(scene.outbound.calls) == 1

    run(main())
