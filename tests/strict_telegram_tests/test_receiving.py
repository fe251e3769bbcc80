"""getUpdates: offsets, waiting, conflicts, kinds, webhooks."""

import asyncio
import time
from typing import Any

import pytest
from strict_telegram import TERMINATED, Chat, Hang, Person, Server
from telegram import Bot
from telegram.error import Conflict, TimedOut


def _ids(answer: Any) -> list[int]:
    return [update["update_id"] for update in answer.result]


async def test_updates_stay_until_an_offset_confirms_them(
    server: Server, chat: Chat, ann: Person, raw: Any
) -> None:
    """trust F1: nothing but a higher offset takes an update away."""
    first = server.say(chat, ann, "one").update_id
    second = server.say(chat, ann, "two").update_id
    assert first is not None
    assert _ids(await raw("getUpdates", offset=0)) == [first, second]
    assert _ids(await raw("getUpdates", offset=first)) == [first, second]
    assert _ids(await raw("getUpdates", offset=first + 1)) == [second]
    assert _ids(await raw("getUpdates", offset=0, limit=1)) == [second]


async def test_a_poll_that_dies_loses_nothing(
    server: Server, chat: Chat, ann: Person, raw: Any
) -> None:
    """An update handed out but not confirmed comes again."""
    server.fault(Hang(after=True), "getUpdates")
    update = server.say(chat, ann, "keep me").update_id
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(raw("getUpdates", offset=0), 0.05)
    assert _ids(await raw("getUpdates", offset=1)) == [update]


async def test_negative_offset_keeps_only_the_last(
    server: Server, chat: Chat, ann: Person, raw: Any
) -> None:
    """real-parts §3: -k forgets all but the last k."""
    ids = [server.say(chat, ann, str(number)).update_id for number in range(5)]
    assert _ids(await raw("getUpdates", offset=-2)) == ids[3:]
    assert _ids(await raw("getUpdates", offset=0)) == ids[3:]


async def test_offset_of_another_bot_is_not_believed(
    server: Server, chat: Chat, ann: Person, raw: Any
) -> None:
    """An offset far beyond the end confirms nothing."""
    update = server.say(chat, ann, "still here").update_id
    assert update is not None
    assert _ids(await raw("getUpdates", offset=update + 5_000)) == [update]


async def test_limit_is_pressed_into_its_bounds(
    server: Server, chat: Chat, ann: Person, raw: Any
) -> None:
    ids = [server.say(chat, ann, str(number)).update_id for number in range(130)]
    assert _ids(await raw("getUpdates", limit=1000, offset=1)) == ids[:100]
    assert _ids(await raw("getUpdates", limit=7, offset=2)) == ids[:7]
    assert _ids(await raw("getUpdates", limit=-3, offset=3)) == ids[:1]


async def test_same_offset_within_half_a_second_gives_one(
    server: Server, chat: Chat, ann: Person, raw: Any
) -> None:
    """real-parts §3: within 0.5 s the limit is 1, afterwards it is free again."""
    ids = [server.say(chat, ann, str(number)).update_id for number in range(3)]
    assert _ids(await raw("getUpdates", offset=0)) == ids
    assert _ids(await raw("getUpdates", offset=0)) == ids[:1]
    server.world.clock.advance(0.6)
    assert _ids(await raw("getUpdates", offset=0)) == ids


async def test_same_offset_within_three_seconds_has_to_wait(server: Server, raw: Any) -> None:
    """real-parts §3: a spinning client with timeout 0 is slowed to 3 s."""
    await raw("getUpdates", offset=0)
    poll = asyncio.ensure_future(raw("getUpdates", offset=0, timeout=0))
    done, _ = await asyncio.wait({poll}, timeout=0.2)
    assert not done
    server.inject("message", {"message_id": 1})
    assert _ids(await poll)


async def test_after_three_seconds_the_same_offset_answers_at_once(
    server: Server, raw: Any
) -> None:
    await raw("getUpdates", offset=0)
    server.world.clock.advance(3.1)
    started = time.monotonic()
    assert (await raw("getUpdates", offset=0)).result == []
    assert time.monotonic() - started < 0.5


async def test_long_poll_ends_with_the_first_update(
    server: Server, chat: Chat, ann: Person, bot: Bot
) -> None:
    poll = asyncio.ensure_future(bot.get_updates(timeout=30))
    await server.wait_for(lambda: server.calls("getUpdates"))
    server.say(chat, ann, "wake up")
    assert [update.message.text for update in await poll] == ["wake up"]  # type: ignore[union-attr]  # a message update


async def test_long_poll_gathers_what_comes_together(
    server: Server, chat: Chat, ann: Person, raw: Any
) -> None:
    poll = asyncio.ensure_future(raw("getUpdates", timeout=30))
    await server.wait_for(lambda: server.calls("getUpdates"))
    ids = [server.say(chat, ann, str(number)).update_id for number in range(4)]
    assert _ids(await poll) == ids


async def test_a_poll_that_begins_to_wait_ends_the_one_that_waits(
    server: Server, chat: Chat, ann: Person, bot: Bot, raw: Any
) -> None:
    """real-parts §3: the older poll gets 409, the newer one the updates."""
    older = asyncio.ensure_future(bot.get_updates(timeout=30))
    await server.wait_for(lambda: server.calls("getUpdates"))
    newer = asyncio.ensure_future(raw("getUpdates", timeout=30, offset=1))
    with pytest.raises(Conflict, match="terminated by other getUpdates request; make sure that"):
        await older
    server.say(chat, ann, "for the newer")
    assert _ids(await newer)


async def test_a_poll_that_finds_updates_disturbs_nobody(server: Server, raw: Any) -> None:
    """Only a poll that has to wait takes the place of the waiting one."""
    older = asyncio.ensure_future(raw("getUpdates", timeout=30))
    await server.wait_for(lambda: server.calls("getUpdates"))
    assert (await raw("getUpdates", offset=1, timeout=0)).result == []
    assert not older.done()
    server.inject("message", {"message_id": 1})
    assert _ids(await older)


async def test_second_conflict_is_told_late(server: Server, raw: Any) -> None:
    """real-parts §3: a second conflict within 3 s is answered only after 3 s."""
    first = asyncio.ensure_future(raw("getUpdates", timeout=30))
    await server.wait_for(lambda: len(server.calls("getUpdates")) == 1)
    second = asyncio.ensure_future(raw("getUpdates", timeout=30, offset=1))
    assert (await first).status == 409
    third = asyncio.ensure_future(raw("getUpdates", timeout=30, offset=2))
    done, _ = await asyncio.wait({second}, timeout=0.5)
    assert not done
    answer = await asyncio.wait_for(second, 4)
    assert (answer.status, answer.body["error_code"]) == (409, 409)
    server.inject("message", {"message_id": 1})
    assert (await third).status == 200


async def test_conflict_can_be_scripted_for_a_while(
    server: Server, chat: Chat, ann: Person, bot: Bot
) -> None:
    """trust F11: after a restart 409 lasts for a while, then it is over."""
    server.fault(TERMINATED, "getUpdates", times=2)
    server.say(chat, ann, "later")
    for _ in range(2):
        with pytest.raises(Conflict):
            await bot.get_updates()
    assert len(await bot.get_updates()) == 1


async def test_webhook_and_polling_exclude_each_other(
    server: Server, chat: Chat, ann: Person, bot: Bot
) -> None:
    waiting = asyncio.ensure_future(bot.get_updates(timeout=30))
    await server.wait_for(lambda: server.calls("getUpdates"))
    await bot.set_webhook("https://example.org/hook")
    with pytest.raises(Conflict, match="terminated by setWebhook request"):
        await waiting
    server.say(chat, ann, "kept")
    info = await bot.get_webhook_info()
    assert (info.url, info.pending_update_count) == ("https://example.org/hook", 1)
    server.world.clock.advance(4)
    with pytest.raises(Conflict, match="can't use getUpdates method while webhook is active"):
        await bot.get_updates()
    await bot.delete_webhook()
    assert len(await bot.get_updates()) == 1


async def test_dropping_pending_updates_drops_them(
    server: Server, chat: Chat, ann: Person, bot: Bot
) -> None:
    """trust F11: it loses people's messages, which a checker must be able to see."""
    server.say(chat, ann, "lost")
    await bot.delete_webhook(drop_pending_updates=True)
    assert await bot.get_updates() == ()


async def test_set_webhook_at_most_once_a_second(raw: Any) -> None:
    assert (await raw("setWebhook", url="https://example.org/a")).status == 200
    answer = await raw("setWebhook", url="https://example.org/b")
    assert (answer.status, answer.body["parameters"]) == (429, {"retry_after": 1})
    assert answer.headers["Retry-After"] == "1"


async def test_webhook_needs_https(raw: Any) -> None:
    answer = await raw("setWebhook", url="http://example.org/a")
    assert answer.description.startswith("Bad Request: bad webhook")


async def test_allowed_updates_are_kept_between_calls(
    server: Server, chat: Chat, ann: Person, raw: Any
) -> None:
    await raw("getUpdates", allowed_updates=["callback_query"])
    assert server.say(chat, ann, "not wanted").update_id is None
    await raw("getUpdates", offset=1)
    assert server.say(chat, ann, "still not").update_id is None
    await raw("getUpdates", offset=2, allowed_updates=[])
    assert server.say(chat, ann, "default again").update_id is not None


async def test_reactions_come_only_when_asked_for(
    server: Server, chat: Chat, ann: Person, bot: Bot
) -> None:
    """platform §1.5: message_reaction needs explicit allowed_updates."""
    message = await bot.send_message(5, "like me")
    shown = server.messages(chat)[0]
    server.react(shown, "👍", ann)
    assert await bot.get_updates() == ()
    await bot.get_updates(offset=1, allowed_updates=["message", "message_reaction"])
    server.react(shown, "🔥", ann)
    (update,) = await bot.get_updates(offset=2)
    change = update.message_reaction
    assert change is not None
    assert change.message_id == message.message_id
    assert change.user is not None
    assert change.user.id == 5


async def test_updates_are_forgotten_after_a_day(
    server: Server, chat: Chat, ann: Person, raw: Any
) -> None:
    server.say(chat, ann, "yesterday")
    server.world.clock.advance(86_300)
    update = server.say(chat, ann, "today").update_id
    assert len((await raw("getUpdates", offset=0)).result) == 2
    server.world.clock.advance(200)
    assert _ids(await raw("getUpdates", offset=0)) == [update]


async def test_unknown_kinds_are_delivered(server: Server, bot: Bot) -> None:
    """platform §1: PTB shows them in api_kwargs."""
    server.inject("brand_new_thing", {"draft_id": 3})
    (update,) = await bot.get_updates()
    assert update.api_kwargs["brand_new_thing"] == {"draft_id": 3}


async def test_black_holed_poll_never_answers(server: Server, bot: Bot) -> None:
    """trust F11: alive but deaf is the failure to be seen."""
    server.fault(Hang(), "getUpdates", times=None)
    with pytest.raises(TimedOut):
        await bot.get_updates(timeout=0, read_timeout=0.1)


async def test_update_ids_rise_by_one_over_all_kinds(
    server: Server, chat: Chat, ann: Person, bot: Bot
) -> None:
    message = server.say(chat, ann, "a")
    server.edit(message, "b")
    server.block(ann)
    server.unblock(ann)
    updates = await bot.get_updates()
    first = updates[0].update_id
    assert [update.update_id for update in updates] == [first, first + 1, first + 2, first + 3]
    assert updates[1].edited_message is not None
    assert updates[1].edited_message.text == "b"
    assert updates[2].my_chat_member is not None
    assert updates[2].my_chat_member.new_chat_member.status == "kicked"
