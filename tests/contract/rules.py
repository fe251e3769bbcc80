"""The rules of the Adapter port, each written once for all platforms.

Where a platform lacks something the rule says what happens instead.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from contract.stage import Stage, page

from navi_bot.errors import (
    CredentialError,
    MessageGone,
    NaviError,
    NotSent,
    PlatformError,
    Refused,
    RoomGone,
    Throttled,
    TooLong,
)
from navi_bot.messages import Attachment, Button, Document, Left, Page, Pressed, Prose

Rule = Callable[[Stage], Awaitable[None]]

FAST = 5.0
"""Seconds for what needs no waiting."""


async def connect_tells_who_we_are(stage: Stage) -> None:
    """Account and name are known; the first poll has not been yet."""
    other = stage.person.another()
    await other.connect()
    try:
        assert (other.platform, other.account) == (stage.place.platform, stage.place.account)
        assert other.name == stage.adapter.name
        assert other.trouble == ""
        if stage.can.remote:
            assert (other.last_contact, other.last_try) == (0.0, 0.0)
    finally:
        await other.close()


async def refused_credentials_are_told_by_connect(stage: Stage) -> None:
    """One sentence for the operator."""
    impostor = stage.person.impostor()
    with pytest.raises(CredentialError) as caught:
        await impostor.connect()
    assert "\n" not in str(caught.value)
    await impostor.close()


async def nothing_is_sent_before_connect(stage: Stage) -> None:
    """It surely had no effect; a console is there from the start."""
    other = stage.person.another()
    sending = other.outbound.send(stage.place, page("early"), transaction="early")
    if stage.can.remote:
        with pytest.raises(NotSent):
            await sending
        assert await stage.seen_in_the_end("early") == []
    else:
        assert await sending


async def close_is_safe_at_any_time(stage: Stage) -> None:
    """Before connect, twice, and with calls that come after it: no foreign exception."""
    other = stage.person.another()
    await other.close()
    await other.connect()
    await other.close()
    await other.close()
    try:
        await other.outbound.send(stage.place, page("late"), transaction=stage.word("late"))
    except PlatformError:
        assert stage.can.remote


async def what_is_said_comes_in_once_and_in_order(stage: Stage) -> None:
    """With who said it, where, and when, by an aware clock; each with a key of its own."""
    asked = [stage.word(f"question {number}") for number in range(3)]
    for text in asked:
        await stage.person.says(text)
    heard = [await stage.hears(text) for text in asked]
    assert [one.text.strip() for one in stage.taken.said() if one in heard] == asked
    assert len({one.origin.key for one in heard}) == 3
    for said in heard:
        assert said.origin.address == stage.place
        assert said.origin.sent_at.utcoffset() == timedelta(0)
        assert said.origin.sender.id
        assert said.origin.message_id


async def what_is_not_stored_comes_again(stage: Stage) -> None:
    """With the same key; the trouble is told as long as it lasts."""
    stage.taken.away = True
    text = stage.word("keep me")
    await stage.person.says(text)

    async def refused() -> bool:
        offered = [one for one in stage.taken.offered if text in getattr(one, "text", "")]
        return bool(offered) and (bool(stage.adapter.trouble) or not stage.can.recovers)

    await stage.until(refused)
    assert stage.taken.said() == [one for one in stage.taken.said() if text not in one.text]
    stage.taken.away = False
    said = await stage.hears(text)
    offered = [one for one in stage.taken.offered if text in getattr(one, "text", "")]
    assert {one.origin.key for one in offered} == {said.origin.key}

    async def well() -> bool:
        return stage.adapter.trouble == ""

    await stage.until(well)


async def receiving_ends_by_cancellation_and_can_begin_anew(stage: Stage) -> None:
    """What is said in between is heard then."""
    await stage.end()
    text = stage.word("in between")
    await stage.person.says(text)
    await stage.begin()
    await stage.hears(text)


async def contact_and_tries_are_told_by_a_monotonic_clock(stage: Stage) -> None:
    """After something was heard the last contact is no older than that."""
    since = time.monotonic()
    text = stage.word("are you there")
    await stage.person.says(text)
    await stage.hears(text)
    assert since <= stage.adapter.last_contact <= time.monotonic()
    assert stage.adapter.last_try >= since
    assert stage.adapter.private_interval > 0
    assert stage.adapter.group_interval > 0


async def an_outage_is_told_in_a_sentence_and_is_over_by_itself(stage: Stage) -> None:
    """Contact stands still, tries go on."""
    text = stage.word("during the outage")
    async with stage.remote.outage():

        async def troubled() -> str:
            return stage.adapter.trouble

        trouble = await stage.until(troubled)
        contact, tried = stage.adapter.last_contact, stage.adapter.last_try
        with pytest.raises(PlatformError):
            await stage.shows(text)

        async def tries() -> bool:
            return stage.adapter.last_try > tried

        await stage.until(tries)
        assert stage.adapter.last_contact == contact
    assert trouble.endswith(".")
    assert "\n" not in trouble
    await stage.person.says(text)
    await stage.hears(text)
    assert stage.adapter.trouble == ""
    assert stage.adapter.last_contact > contact


async def a_message_grows_in_its_place_and_ends(stage: Stage) -> None:
    """Send, edit, final edit: one message, with the last content."""
    words = [stage.word(f"grown {number}") for number in range(3)]
    sent = await stage.shows(words[0], final=False)
    assert sent
    if stage.can.progress:
        await stage.sees(words[0])
    await stage.changes(sent, words[1], final=False)
    if stage.can.progress:
        await stage.sees(words[1])
    await stage.changes(sent, words[2])
    await stage.sees(words[2])
    shown = await stage.seen_in_the_end("grown")
    assert [one.text for one in shown if any(word in one.text for word in words)] == [
        one.text for one in shown if words[2] in one.text
    ]
    assert len([one for one in shown if words[2] in one.text]) == 1
    await stage.person.says(text := stage.word("next"))
    await stage.hears(text)


async def equal_content_is_success(stage: Stage) -> None:
    """An edit that changes nothing is none, whatever the platform calls it."""
    sent = await stage.shows(text := stage.word("equal"), final=False)
    await stage.changes(sent, text, final=False)
    await stage.changes(sent, text, final=False)
    await stage.changes(sent, text)
    assert len(await stage.seen_in_the_end(text)) == 1


async def a_repeated_transaction_is_one_message_where_it_is_promised(stage: Stage) -> None:
    """Elsewhere the adapter says that it is not, so that nobody repeats it blindly."""
    assert stage.out.idempotent is stage.can.once
    text = stage.word("once")
    first = await stage.shows(text, transaction=text)
    again = await stage.shows(text, transaction=text)
    assert (first == again) is stage.can.once
    assert len(await stage.seen_in_the_end(text)) == (1 if stage.can.once else 2)


async def the_largest_page_that_fits_is_taken_and_a_larger_one_refused(stage: Stage) -> None:
    """The measuring is the platform's; a console scrolls."""
    fits = stage.out.surface.fits
    words = stage.word("large")
    assert fits(page(words))
    if not stage.can.remote:
        assert fits(page("x" * 1_000_000))
        return
    least, most = 1, 200_000
    while most - least > 1:
        middle = (least + most) // 2
        least, most = (middle, most) if fits(page(words + "я" * middle)) else (least, middle)
    sent = await stage.shows(words + "я" * least, final=False)
    await stage.changes(sent, words + "ю" * least)
    assert len(await stage.seen_in_the_end("ю" * least)) == 1
    with pytest.raises(TooLong):
        await stage.shows("я" * 80_000)


async def an_edit_of_a_message_that_is_gone_is_refused_as_such(stage: Stage) -> None:
    """Where nobody can take a message away, nothing is refused."""
    sent = await stage.shows(text := stage.word("unwanted"), final=False)
    if not stage.can.removal:
        await stage.changes(sent, text)
        return
    await stage.sees(text)
    await stage.remote.removes(sent)

    async def gone() -> bool:
        try:
            await stage.changes(sent, stage.word("more"), final=False)
        except MessageGone:
            return True
        return False

    await stage.until(gone)
    assert await stage.seen_in_the_end(text) == []


async def a_place_that_is_closed_to_us_is_told_and_refused(stage: Stage) -> None:
    """Left comes in, and a send is RoomGone."""
    place = await stage.remote.shuts_out()

    async def left() -> bool:
        left = [one for one in stage.taken.events if isinstance(one, Left)]
        return any(one.origin.address.chat == place.chat for one in left)

    await stage.until(left)
    with pytest.raises(RoomGone):
        await stage.out.send(place, page("hello?"), transaction=stage.word("t"))


async def a_limit_says_at_once_how_long_to_wait(stage: Stage) -> None:
    """No call sleeps by itself; the next one goes through."""
    await stage.remote.throttles(7.0)
    text = stage.word("slowly")
    async with asyncio.timeout(FAST):
        with pytest.raises(Throttled) as caught:
            await stage.shows(text)
    assert caught.value.retry_after == pytest.approx(7.0, abs=1.0)
    await stage.shows(text)
    assert len(await stage.seen_in_the_end(text)) == 1


async def a_button_that_is_pressed_comes_in(stage: Stage) -> None:
    """With its data, its message, and who pressed; acknowledging it fails in no case."""
    words = stage.word("choose")
    stop, again = Button("⏹ Stop", "stop:1", "danger"), Button("Again", "again:1")
    content = Page((Prose(words),), ((stop, again),))
    sent = await stage.out.send(stage.place, content, transaction=stage.word("t"))
    await stage.sees(words)
    if not stage.can.buttons:
        await stage.out.acknowledge("a press", "done")
        return
    for button in (stop, again):
        await stage.remote.presses(sent, button.label)
    heard: list[Pressed] = []

    async def pressed() -> bool:
        heard[:] = [
            one
            for one in stage.taken.events
            if isinstance(one, Pressed) and one.origin.message_id == sent
        ]
        return len(heard) == 2

    await stage.until(pressed)
    assert [one.data for one in heard] == ["stop:1", "again:1"]
    assert all(one.origin.sender.id and one.origin.address == stage.place for one in heard)
    for one in heard:
        await stage.out.acknowledge(one.press, "done")


async def a_file_comes_in_as_it_was_and_no_larger_than_allowed(stage: Stage) -> None:
    """Refused where there are none."""
    if not stage.can.files:
        with pytest.raises(Refused):
            await stage.out.fetch(Attachment("file", "ref", "a.txt"), 10)
        return
    content = bytes(range(256)) * 8
    name = f"{stage.word('file').split()[1]}txt"
    await stage.remote.gives(name, content)

    async def come() -> Attachment | None:
        files = (file for one in stage.taken.said() for file in one.attachments)
        return next((file for file in files if file.name == name), None)

    file = await stage.until(come)
    assert file is not None
    assert file.size == len(content)
    assert await stage.out.fetch(file, len(content)) == content
    for claimed in (file, replace(file, size=None)):
        with pytest.raises(TooLong):
            await stage.out.fetch(claimed, len(content) - 1)


async def a_document_goes_out_whole(stage: Stage) -> None:
    """A console shows the words of its page alone."""
    words, text = stage.word("the whole"), "line\n" * 2000
    name = f"{stage.word('answer').split()[1]}md"
    content = Page((Prose(words),), document=Document(name, text))
    await stage.out.send(stage.place, content, transaction=stage.word("t"))
    await stage.sees(words)
    if stage.can.files:
        assert await stage.remote.receives(name) == text.encode()


async def typing_and_reactions_are_shown_where_there_are_any(stage: Stage) -> None:
    """A later reaction takes the place of the one before, "" takes it away."""
    sent = await stage.shows(stage.word("look"))
    for emoji in ("👀", "👍", ""):
        await stage.out.react(stage.place, sent, emoji)
        if stage.can.signs:
            wanted = [emoji] if emoji else []

            async def reacted(wanted: list[str] = wanted) -> bool:
                return list(await stage.remote.sees_reactions(sent)) == wanted

            await stage.until(reacted)
    await stage.out.show_typing(stage.place)
    if stage.can.signs:
        await stage.until(stage.remote.sees_typing)


async def a_message_is_taken_away_where_that_is_possible(stage: Stage) -> None:
    """A terminal cannot take back what was printed; no message of that name is a refusal."""
    sent = await stage.shows(text := stage.word("brief"))
    await stage.sees(text)
    await stage.out.delete(stage.place, sent)
    assert len(await stage.seen_in_the_end(text)) == (0 if stage.can.removal else 1)
    if stage.can.removal:
        with pytest.raises(NaviError):
            await stage.out.delete(stage.place, sent + "0")


async def a_reply_hangs_on_what_it_answers(stage: Stage) -> None:
    """Elsewhere it is shown all the same."""
    await stage.person.says(text := stage.word("question"))
    said = await stage.hears(text)
    await stage.shows(answer := stage.word("answer"), reply_to=said.origin.message_id)
    seen = await stage.sees(answer)
    assert seen.reply_to == (said.origin.message_id if stage.can.replies else "")


async def plain_and_silent_pages_show_their_words(stage: Stage) -> None:
    """Without any formatting the words are all there."""
    words = stage.word("**bold**")
    await stage.out.send(
        stage.place, page(words), transaction=stage.word("t"), plain=True, silent=True
    )
    await stage.sees(words)


async def pages_are_measured_without_a_connection(stage: Stage) -> None:
    """Whoever cuts pages needs no server: a new adapter's surface says the same."""
    fits, other = stage.out.surface.fits, stage.person.another().outbound.surface.fits
    for size in (10, 3_000, 4_500, 12_000, 40_000):
        assert fits(page("я" * size)) == other(page("я" * size))


EVERYWHERE: tuple[Rule, ...] = (
    connect_tells_who_we_are,
    nothing_is_sent_before_connect,
    close_is_safe_at_any_time,
    what_is_said_comes_in_once_and_in_order,
    what_is_not_stored_comes_again,
    receiving_ends_by_cancellation_and_can_begin_anew,
    contact_and_tries_are_told_by_a_monotonic_clock,
    a_message_grows_in_its_place_and_ends,
    equal_content_is_success,
    a_repeated_transaction_is_one_message_where_it_is_promised,
    the_largest_page_that_fits_is_taken_and_a_larger_one_refused,
    an_edit_of_a_message_that_is_gone_is_refused_as_such,
    a_button_that_is_pressed_comes_in,
    a_file_comes_in_as_it_was_and_no_larger_than_allowed,
    a_document_goes_out_whole,
    typing_and_reactions_are_shown_where_there_are_any,
    a_message_is_taken_away_where_that_is_possible,
    a_reply_hangs_on_what_it_answers,
    plain_and_silent_pages_show_their_words,
    pages_are_measured_without_a_connection,
)
REMOTE: tuple[Rule, ...] = (
    refused_credentials_are_told_by_connect,
    an_outage_is_told_in_a_sentence_and_is_over_by_itself,
    a_place_that_is_closed_to_us_is_told_and_refused,
    a_limit_says_at_once_how_long_to_wait,
)
"""Where there is a server that can refuse, limit, close a place, or be away."""
