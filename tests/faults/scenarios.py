"""What people do while something fails: one coroutine each, and what must be said in the end."""

from collections.abc import Awaitable, Callable
from contextlib import suppress

from faults.lane import Lane, Room

from navi_bot.texts import rooms as rooms_texts
from navi_bot.texts import turn as turn_texts

Scenario = Callable[[Lane, Room], Awaitable[None]]


async def plain(lane: Lane, room: Room) -> None:
    """A question, a short answer."""
    lane.ask(room, "plain")


async def tools(lane: Lane, room: Room) -> None:
    """An answer with two tools, one of which has an effect."""
    lane.ask(room, "tools")


async def long(lane: Lane, room: Room) -> None:
    """An answer of three pages."""
    lane.ask(room, "long")


async def queued(lane: Lane, room: Room) -> None:
    """A second question while the first is being answered."""
    lane.ask(room, "plain")
    lane.ask(room, "plain")


async def steering(lane: Lane, room: Room) -> None:
    """A second question that is given to the running answer, between its tools."""
    asked, room.together = len(lane.ollama.chats), 2
    lane.ask(room, "tools")
    with suppress(TimeoutError):
        await lane.telegram.wait_for(lambda: len(lane.ollama.chats) > asked, timeout=5)
    lane.ask(room, "plain")


async def command(lane: Lane, room: Room) -> None:
    """A command with a reply."""
    room.once.append(f"telegram:{room.person.id}")
    lane.say(room, "/whoami")


async def press(lane: Lane, room: Room) -> None:
    """A button below a reply, with an effect on the room."""
    room.once.append("developer")
    lane.say(room, "/profile")
    shown = await lane.shows(room, "developer", rooms_texts.BROKE())
    message = lane.telegram.last(room.chat)
    if "developer" in shown and message is not None:
        lane.telegram.press(message, "profile:developer", room.person)


async def killed(lane: Lane, room: Room) -> None:
    """A kill in mid-answer, whatever else fails before or while it is taken up again."""
    lane.say(room, "/whoami")
    room.once.append(f"telegram:{room.person.id}")
    slow = lane.ask(room, "slow")
    await lane.shows(room, slow.words[3], turn_texts.BROKEN(), rooms_texts.BROKE())
    lane.kill()


async def restarted(lane: Lane, room: Room) -> None:
    """A SIGTERM in mid-answer; what does not end in its drain is given back."""
    slow = lane.ask(room, "slow")
    await lane.shows(room, slow.words[3], turn_texts.BROKEN(), rooms_texts.BROKE())
    lane.terminate()


async def reminder(lane: Lane, room: Room) -> None:
    """A reminder that falls due at once, or while the daemon is down."""
    room.once.append(f"⏰ tea {room.person.id}")
    lane.say(room, f"/remind in 2 seconds tea {room.person.id}")


SCENARIOS: dict[str, Scenario] = {
    each.__name__: each
    for each in (plain, tools, long, queued, steering, command, press, killed, restarted, reminder)
}
