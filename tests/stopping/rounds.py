"""One round for every state that a stop may meet: asked, reached, stopped, measured.

A round asks for all its members first and stops them close after one another,
every second one by the button where there is one.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from marked_processes import all_marks
from strict_telegram import Hang, Throttle

from stopping.crowd import Crowd, Member
from stopping.figures import Stop

BETWEEN = 0.1
"""Seconds between two stops of a round."""
WAITING = 20
"""Messages behind the running one (the most that a room keeps)."""
PENALTY = 2
"""Seconds for which Telegram wants nothing more in a chat."""
STOPPED = "Stopped."
BUTTON = "⏹ Stop"


Round = Callable[[Crowd, Sequence[Member]], Coroutine[None, None, list[Stop]]]


@dataclass(frozen=True, slots=True)
class Asked:
    """When a stop was asked for: monotonic, and wall-clock seconds."""

    at: float
    wall: float


async def stopped(scene: Crowd, members: Sequence[Member], *, press: bool) -> dict[str, Asked]:
    """Stop everybody's answer; return when, by token."""
    asked: dict[str, Asked] = {}
    for number, member in enumerate(members):
        live = scene.live(member) if press and number % 2 else None
        asked[member.token] = Asked(time.monotonic(), time.time())
        if live is not None:
            scene.telegram.press(live, BUTTON, member.person)
        else:
            scene.say(member, "/stop")
        await asyncio.sleep(BETWEEN)
    return asked


async def closed(
    scene: Crowd, members: Sequence[Member], asked: dict[str, Asked], within: float = 20.0
) -> dict[str, float]:
    """Wait until the model connections are closed; return how long that took."""
    await scene.until(scene.is_closed, members, within)
    return {
        member.token: scene.records[member.token].ended - asked[member.token].at
        for member in members
    }


async def marked(
    scene: Crowd, members: Sequence[Member], asked: dict[str, Asked]
) -> dict[str, float]:
    """Wait until the turns are marked as stopped; return how long that took."""
    ended = await scene.ended([member.token for member in members])
    return {token: max(0.0, at - asked[token].wall) for token, at in ended.items()}


async def told(
    scene: Crowd, members: Sequence[Member], asked: dict[str, Asked]
) -> dict[str, float]:
    """Wait until everybody sees that it is stopped; return how long that took."""
    found: dict[str, float] = {}

    def is_told(member: Member) -> bool:
        since = asked[member.token].at
        if (at := scene.shown(member, STOPPED, since)) is not None:
            found[member.token] = at - since
        return at is not None

    await scene.until(is_told, members)
    return found


async def speaking(scene: Crowd, members: Sequence[Member], kind: str) -> None:
    """Ask, and wait until the model is asked and, if it speaks, the answer is shown."""
    for member in members:
        scene.ask(member, kind)
    await scene.until(scene.record, members)
    if kind == "stream":
        await scene.until(scene.live, members)


def stops(state: str, asked: dict[str, Asked], **parts: dict[str, float]) -> list[Stop]:
    """Put what was measured together, by token."""
    empty: dict[str, float] = {}
    found = {name: parts.get(name, empty) for name in ("carried", "closed", "gone", "shown")}
    return [
        Stop(
            state,
            found["carried"].get(token, found["closed"].get(token, 0.0)),
            found["closed"].get(token),
            found["gone"].get(token),
            found["shown"].get(token),
        )
        for token in asked
    ]


async def gate(scene: Crowd, members: Sequence[Member]) -> list[Stop]:
    """One half holds the model host in silence; the other half waits for it."""
    holding, waiting = members[: len(members) // 2], members[len(members) // 2 :]
    await speaking(scene, holding, "prefill")
    for member in waiting:
        scene.ask(member, "prefill")
    await scene.until(scene.live, members)  # all have waited for 1.5 s
    asked = await stopped(scene, waiting, press=True)
    left = stops(
        "waiting at the gate",
        asked,
        carried=await marked(scene, waiting, asked),
        shown=await told(scene, waiting, asked),
    )
    assert not any(scene.record(member) for member in waiting), "the host was asked all the same"
    asked = await stopped(scene, holding, press=True)
    return left + stops(
        "silent prefill",
        asked,
        closed=await closed(scene, holding, asked),
        shown=await told(scene, holding, asked),
    )


async def stream(scene: Crowd, members: Sequence[Member]) -> list[Stop]:
    await speaking(scene, members, "stream")
    asked = await stopped(scene, members, press=True)
    return stops(
        "mid-stream",
        asked,
        closed=await closed(scene, members, asked),
        shown=await told(scene, members, asked),
    )


async def deaf(scene: Crowd, members: Sequence[Member]) -> list[Stop]:
    """A tool takes no notice of being cancelled."""
    await speaking(scene, members, "deaf")
    await scene.until(lambda member: "deaf" in _live_text(scene, member), members)
    asked = await stopped(scene, members, press=True)
    return stops(
        "deaf tool",
        asked,
        carried=await marked(scene, members, asked),
        shown=await told(scene, members, asked),
    )


async def tree(scene: Crowd, members: Sequence[Member]) -> list[Stop]:
    """A tool's processes go to sessions of their own and ignore SIGTERM."""
    await speaking(scene, members, "grow")
    await scene.until(lambda member: "grow" in _live_text(scene, member), members)
    await asyncio.sleep(1.0)  # they have all grown
    marks = all_marks()
    assert {member.token for member in members} <= marks, "a tree has not grown"
    asked = await stopped(scene, members, press=True)
    gone: dict[str, float] = {}
    while len(gone) < len(members):
        alive = all_marks()
        now = time.monotonic()
        for token in asked.keys() - alive - gone.keys():
            gone[token] = now - asked[token].at
        assert now - min(one.at for one in asked.values()) < 15, "processes are left"
        await asyncio.sleep(0.05)
    return stops(
        "process tree",
        asked,
        carried=await marked(scene, members, asked),
        gone=gone,
        shown=await told(scene, members, asked),
    )


async def penalty(scene: Crowd, members: Sequence[Member]) -> list[Stop]:
    """Telegram takes nothing more in these chats for a while."""
    await speaking(scene, members, "stream")
    faults = [
        scene.telegram.fault(Throttle(PENALTY), chat=member.chat, times=None) for member in members
    ]
    await scene.until(
        lambda member: any(call.status == 429 for call in scene.telegram.calls("*", member.chat)),
        members,
    )
    for fault in faults:
        fault.until = time.monotonic() + PENALTY
    asked = await stopped(scene, members, press=False)
    found = await closed(scene, members, asked)
    await told(scene, members, asked)
    for member in members:
        text = _first_taken(scene, member, asked[member.token].at)
        assert STOPPED in text, f"after the penalty came first: {text}"
    return stops("429 of the chat", asked, closed=found)


async def queue(scene: Crowd, members: Sequence[Member]) -> list[Stop]:
    """Twenty messages wait behind the answer; they go as well."""
    await speaking(scene, members, "prefill")
    waiting: list[str] = []
    for member in members:
        running = member.token
        for _ in range(WAITING):
            scene.ask(member, "prefill")
            waiting.append(member.token)
        member.token = running
    await scene.waiting(len(waiting))
    asked = await stopped(scene, members, press=False)
    found = await closed(scene, members, asked)
    dropped = await scene.ended(waiting)
    whole = {
        member.token: max(
            at - asked[member.token].wall
            for token, at in dropped.items()
            if token.split("-")[1] == str(member.person.id)
        )
        for member in members
    }
    carried = {token: max(found[token], seconds) for token, seconds in whole.items()}
    assert not any(token in scene.records for token in waiting), "a dropped message was asked"
    return stops("queue of 20", asked, carried=carried, closed=found)


async def edits_hang(scene: Crowd, members: Sequence[Member]) -> list[Stop]:
    """Telegram answers no edit of these chats any more."""
    await speaking(scene, members, "stream")
    faults = [
        scene.telegram.fault(Hang(), "editMessageText", chat=member.chat, times=None)
        for member in members
    ]
    await scene.until(lambda member: _hanging(scene, member), members)
    asked = await stopped(scene, members, press=False)
    found = await closed(scene, members, asked)
    replies = await told(scene, members, asked)  # messages of their own, which nothing holds up
    for fault in faults:
        scene.telegram.heal(fault)
    return stops("edits hang", asked, closed=found, shown=replies)


@asynccontextmanager
async def hanging_database(scene: Crowd) -> AsyncIterator[None]:
    scene.cable.hang()
    try:
        yield
    finally:
        scene.cable.flow()


@asynccontextmanager
async def absent_database(scene: Crowd) -> AsyncIterator[None]:
    scene.cable.cut()
    try:
        yield
    finally:
        await scene.cable.join()


async def without_database(
    scene: Crowd, members: Sequence[Member], state: str, *, cut: bool
) -> list[Stop]:
    """The database hangs or is away: a silent, a speaking and a deaf third."""
    third = len(members) // 3
    silent, loud, working = members[:third], members[third : 2 * third], members[2 * third :]
    await speaking(scene, working, "deaf")
    await scene.until(lambda member: "deaf" in _live_text(scene, member), working)
    await speaking(scene, silent, "prefill")
    await speaking(scene, loud, "stream")
    await scene.until(scene.live, members)
    async with absent_database(scene) if cut else hanging_database(scene):
        asked = await stopped(scene, members, press=True)
        found = await closed(scene, [*silent, *loud], asked)
        shown = await told(scene, members, asked)
    await scene.ended([member.token for member in members], within=40)
    carried = {token: found.get(token, shown[token]) for token in asked}
    return stops(state, asked, carried=carried, closed=found, shown=shown)


async def database_hangs(scene: Crowd, members: Sequence[Member]) -> list[Stop]:
    return await without_database(scene, members, "database hangs", cut=False)


async def database_away(scene: Crowd, members: Sequence[Member]) -> list[Stop]:
    return await without_database(scene, members, "database away", cut=True)


def _live_text(scene: Crowd, member: Member) -> str:
    live = scene.live(member)
    return "" if live is None else live.text


def _hanging(scene: Crowd, member: Member) -> bool:
    return any(
        call.outcome == "running" for call in scene.telegram.calls("editMessageText", member.chat)
    )


def _first_taken(scene: Crowd, member: Member, since: float) -> str:
    """Return the text of the first call that the platform took since a moment."""
    calls = [
        call
        for call in scene.telegram.calls("*", member.chat)
        if call.outcome == "ok" and call.text and call.started >= since
    ]
    return calls[0].text
