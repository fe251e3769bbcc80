"""Messages that reached us too late: asked about in one line, answered only if wanted."""

from dataclasses import replace

import asyncpg
import pytest
from rooms.stage import ANN, BOB, TEAM, FlakyInbox, Stage, buttons, private, said

from navi_bot.errors import StoreUnavailable
from navi_bot.messages import Pressed, Quote, Role
from navi_bot.texts import commands as command_texts
from navi_bot.texts import rooms as texts

OLD = 400
"""Minutes; NAVI_STALE_AFTER is 360."""


@pytest.fixture
async def stage(database: asyncpg.Pool) -> Stage:
    stage = Stage(database)
    await stage.let_in(ANN, Role.OWNER)
    await stage.let_in(BOB, Role.MEMBER)
    return stage


def choice(stage: Stage, kind: str) -> str:
    """Return the data of the button that answers or drops."""
    (data,) = [data for data in buttons(stage.delivery.last) if data.startswith(kind)]
    return data


async def test_old_messages_are_asked_about_in_one_line(stage: Stage) -> None:
    await stage.hear(*(said(f"old {n}", minutes_old=OLD) for n in range(3)), said("new"))
    (asked,) = stage.delivery.texts()
    assert asked == texts.STALE_MANY(count=3, time="2026-11-21 05:20 UTC")
    assert await stage.questions() == ["new"]


async def test_everybody_is_asked_about_their_own_in_their_own_room(stage: Stage) -> None:
    await stage.hear(
        said("a", room=TEAM, minutes_old=OLD),
        said("b", BOB, TEAM, minutes_old=OLD),
        said("c", minutes_old=OLD),
    )
    assert len(stage.delivery.texts(TEAM)) == 2
    assert len(stage.delivery.texts(private(ANN))) == 1


async def test_yes_asks_them_all_as_one_question(stage: Stage) -> None:
    await stage.hear(
        said("one", minutes_old=OLD), said("/whoami", minutes_old=OLD), said("two", minutes_old=OLD)
    )
    asked = next(post for post in stage.delivery.posts.values() if buttons(post))
    data = next(data for data in buttons(asked) if data.startswith("fresh:"))
    assert await stage.press(asked, data) == command_texts.RETRYING()
    assert await stage.questions("queued") == ["one\n\ntwo"]
    assert not buttons(stage.delivery.posts[asked.head.key]), "there is nothing to press any more"


async def test_what_others_wrote_is_kept_apart_from_own_words(stage: Stage) -> None:
    """A forwarded text does not become the person's own because it arrived late (T19)."""
    own = said("look at this", minutes_old=OLD)
    forwarded = replace(said("do evil", minutes_old=OLD), forwarded_from="Eve")
    quoting = replace(said("and that", minutes_old=OLD), quote=Quote("1", "Eve", "words"))
    await stage.hear(own, forwarded, quoting)
    await stage.press(stage.delivery.last, choice(stage, "fresh"))
    rows = await stage.pool.fetch("SELECT request FROM turns ORDER BY id")
    requests = [row["request"] for row in rows]
    assert [(one["text"], one["forwarded_from"], bool(one["quote"])) for one in requests] == [
        ("look at this", "", False),
        ("do evil", "Eve", False),
        ("and that", "", True),
    ]


async def test_never_mind_leaves_them(stage: Stage) -> None:
    await stage.hear(said("old", minutes_old=OLD))
    asked = stage.delivery.last
    assert await stage.press(asked, choice(stage, "stale")) == command_texts.STALE_DROPPED()
    assert await stage.questions() == []
    assert not buttons(stage.delivery.posts[asked.head.key])


async def test_an_answer_counts_once(stage: Stage) -> None:
    """Two quick presses come in one batch; a third one comes later."""
    await stage.hear(said("old", minutes_old=OLD))
    asked, data = stage.delivery.last, choice(stage, "fresh")
    await stage.sent(asked, "m1")
    first, second = (
        Pressed(replace(said("").origin, message_id="m1"), data, press) for press in ("p1", "p2")
    )
    await stage.hear(first, second)
    assert await stage.questions() == ["old"]
    assert stage.delivery.toasts == {"p1": command_texts.RETRYING(), "p2": texts.PRESS_EXPIRED()}
    assert await stage.press(asked, data) == texts.PRESS_EXPIRED()
    assert await stage.questions() == ["old"]


async def test_nobody_answers_for_somebody_else(stage: Stage) -> None:
    await stage.hear(said("Bob's", BOB, TEAM, minutes_old=OLD))
    asked = stage.delivery.last
    for kind in ("fresh", "stale"):
        assert await stage.press(asked, choice(stage, kind), ANN) == texts.NOT_YOURS()
    assert await stage.questions() == []
    assert buttons(stage.delivery.last), "Bob can still choose"


async def test_a_crash_before_the_question_asks_later(stage: Stage) -> None:
    """Taken in and not asked about yet: not swallowed, and not answered unasked."""
    old = [said(f"old {n}", minutes_old=OLD) for n in range(2)]
    for one in old:
        await stage.inbox.take(one, stage.ids[ANN.id], None, "")
    await stage.restart()
    await stage.restart()
    assert stage.delivery.texts() == [texts.STALE_MANY(count=2, time="2026-11-21 05:20 UTC")]
    await stage.press(stage.delivery.last, choice(stage, "fresh"))
    assert await stage.questions("queued") == ["old 0\n\nold 1"]


async def test_a_batch_that_breaks_off_asks_about_what_it_took(stage: Stage) -> None:
    bad = said("bad")
    away = StoreUnavailable("Away.")
    stage.inbox = FlakyInbox(stage.pool, lambda one: away if one is bad else None)
    async with stage.rooms() as rooms:
        with pytest.raises(StoreUnavailable):
            await rooms.accept([said("old", minutes_old=OLD), bad], "")
    assert len(stage.delivery.texts()) == 1


@pytest.mark.parametrize("data", ["/fresh 1-9", "/stale 1-9"])
async def test_the_buttons_words_are_no_commands(stage: Stage, data: str) -> None:
    await stage.hear(said("new"), said(data))
    assert stage.delivery.texts() == [texts.UNKNOWN_COMMAND()]
    assert await stage.questions() == ["new"]


async def test_an_old_command_is_done_and_not_asked_about(stage: Stage) -> None:
    await stage.hear(said("/whoami", minutes_old=OLD))
    assert stage.delivery.texts() == ["You are telegram:5, my owner."]
