"""How fast and how fairly things are shown, on virtual time."""

import asyncio
from itertools import pairwise

import pytest
from delivery.loopback import Made
from delivery.scene import Scene, failing, now, stream
from delivery.virtual_time import run

from navi_bot.errors import (
    NaviError,
    Throttled,
)


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
