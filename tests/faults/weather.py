"""Faults that come and go while people use the bot, drawn by a seed.

Each has its course of some seconds and is over then, but those that wait for
something to strike: the next call, answer or point. `clear` ends all of them.
"""

import asyncio
import random
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Literal

from daemon.cable import Cable
from faults.lane import Lane
from faults.life import CUT
from faults.questions import Model, Question, questions_in
from faults.switchboard import POINTS
from strict_ollama import Answer, Body, Cut, Drop, Fail, Pause, Text
from strict_telegram import TERMINATED, Broken, Hang, Reset, Slow, Throttle

from navi_bot.fault_points import Point

Mood = Literal["refuses", "breaks off", "drops", "crawls", "stalls"]

SHORT, HANGS = 1.0, 2.0
"""Seconds for which something is away, and for which the database hangs."""
STALL = 6.0
"""Seconds for which a stalled model says nothing: twice what the daemon is told to wait."""
CRAWL = 0.3
"""Seconds between two chunks of a crawling model."""
SOME = 3
"""Calls or answers in a row that a fault strikes."""
CRASHED = "llama runner process has terminated: exit status 2"

ENDING = (
    "turns_given_back", "events_taken_up", "posts_taken_up", "batch_received", "batch_stored",
)  # fmt: skip
"""Where a fault ends the daemon, and its supervisor starts it again."""
USUAL: tuple[Point, ...] = tuple(point for point in POINTS if point not in ENDING)


class Moody(Model):
    """The model, with moods for its next answers; and questions that nobody asks any more."""

    def __init__(self) -> None:
        super().__init__()
        self.moods: deque[Mood] = deque()
        self.closed: set[Question] = set()

    def __call__(self, body: Body) -> Answer:
        """Answer what is open, as the mood is."""
        open_ = [each for each in body["messages"] if not self._is_closed(each)]
        steps = list(super().__call__({**body, "messages": open_}))
        middle = len(steps) // 2
        match self.moods.popleft() if self.moods else None:
            case "refuses":
                return [Fail(CRASHED)]
            case "breaks off":
                return [*steps[:middle], Cut()]
            case "drops":
                return [*steps[:middle], Drop()]
            case "crawls":
                return [
                    Text(step.text, delay=CRAWL) if isinstance(step, Text) else step
                    for step in steps
                ]
            case "stalls":
                return [*steps[:middle], Pause(STALL), *steps[middle:]]
        return steps

    def _is_closed(self, message: Mapping[str, object]) -> bool:
        if message["role"] != "user":
            return False
        asked = questions_in(str(message["content"]))
        return bool(asked) and self.closed.issuperset(asked)


class Weather:
    """`blow` for as long as there is to be trouble, then `clear`."""

    def __init__(self, lane: Lane, cable: Cable, model: Moody, source: random.Random) -> None:
        self.blown: Counter[str] = Counter()
        self.raised: set[Point] = set()
        """Where an exception may have been raised."""
        self.lane = lane
        self.telegram = lane.telegram
        self.cable = cable
        self.model = model
        self.source = source

    async def blow(self, every: float, *, harsh: bool) -> None:
        """Begin a fault every so many seconds; `harsh`: also such as take half a minute to mend."""
        courses = {**GENTLE, **HARSH} if harsh else GENTLE
        waiting: list[str] = []
        while True:
            if not waiting:  # each once before one comes again
                waiting = self.source.sample(sorted(courses), len(courses))
            name = waiting.pop()
            self.blown[name] += 1
            pause = asyncio.ensure_future(asyncio.sleep(every * self.source.uniform(0.5, 1.5)))
            try:
                await courses[name](self)
                await pause
            finally:
                pause.cancel()

    async def clear(self) -> None:
        """Have nothing fail any more."""
        self.telegram.heal()
        await self.telegram.accept_connections()
        self.model.moods.clear()
        self.lane.faults.disarm()


async def drop_connections(weather: Weather) -> None:
    await weather.lane.pool.fetch(CUT)


async def cut_database(weather: Weather) -> None:
    weather.cable.cut()
    try:
        await asyncio.sleep(SHORT)
    finally:
        await weather.cable.join()


async def hang_database(weather: Weather) -> None:
    await _hang(weather, forget=False)


async def lose_route(weather: Weather) -> None:
    await _hang(weather, forget=True)


async def _hang(weather: Weather, *, forget: bool) -> None:
    weather.cable.hang()
    try:
        await asyncio.sleep(HANGS)
    finally:
        weather.cable.flow(forget=forget)


async def throttle_chat(weather: Weather) -> None:
    chat = weather.source.choice(list(weather.telegram.world.chats.values()))
    weather.telegram.punish(chat, weather.source.choice((1, 3)))


async def throttle_account(weather: Weather) -> None:
    weather.telegram.punish(None, 2)


async def throttle_calls(weather: Weather) -> None:
    weather.telegram.fault(Throttle(1), times=SOME, seconds=HANGS)


async def break_calls(weather: Weather) -> None:
    after = weather.source.random() < 0.5
    weather.telegram.fault(Broken(502, after=after), times=SOME, seconds=HANGS)


async def reset_calls(weather: Weather) -> None:
    weather.telegram.fault(Reset(), times=SOME, seconds=HANGS)


async def lose_replies(weather: Weather) -> None:
    weather.telegram.fault(Reset(after=True), times=SOME, seconds=HANGS)


async def slow_edits(weather: Weather) -> None:
    weather.telegram.fault(Slow(after=SHORT * 2), "edit*", times=SOME, seconds=HANGS)


async def hang_edit(weather: Weather) -> None:
    after = weather.source.random() < 0.5
    weather.telegram.fault(Hang(after=after), "edit*", seconds=HANGS)


async def cut_polls(weather: Weather) -> None:
    weather.telegram.fault(Reset(), "getUpdates", times=None, seconds=HANGS)


async def hang_poll(weather: Weather) -> None:
    weather.telegram.fault(Hang(), "getUpdates", seconds=HANGS)


async def conflict(weather: Weather) -> None:
    weather.telegram.fault(TERMINATED, "getUpdates", seconds=HANGS)


async def refuse_connections(weather: Weather) -> None:
    await weather.telegram.refuse_connections()
    try:
        await asyncio.sleep(SHORT)
    finally:
        await weather.telegram.accept_connections()


async def stop_ollama(weather: Weather) -> None:
    await weather.lane.ollama.stop()
    try:
        await asyncio.sleep(SHORT)
    finally:
        await weather.lane.ollama.start()


async def refuse_questions(weather: Weather) -> None:
    weather.model.moods.extend(["refuses"] * SOME)


async def break_off(weather: Weather) -> None:
    weather.model.moods.append("breaks off")


async def drop_answer(weather: Weather) -> None:
    weather.model.moods.append("drops")


async def crawl(weather: Weather) -> None:
    weather.model.moods.append("crawls")


async def stall(weather: Weather) -> None:
    weather.model.moods.append("stalls")


async def raise_somewhere(weather: Weather) -> None:
    point = weather.source.choice(USUAL)
    weather.raised.add(point)
    weather.lane.faults.arm(point, 1, "raise")


Course = Callable[[Weather], Awaitable[None]]

GENTLE: dict[str, Course] = {
    each.__name__: each
    for each in (
        drop_connections,
        cut_database,
        hang_database,
        throttle_chat,
        throttle_account,
        throttle_calls,
        break_calls,
        reset_calls,
        lose_replies,
        slow_edits,
        cut_polls,
        conflict,
        refuse_connections,
        stop_ollama,
        refuse_questions,
        break_off,
        drop_answer,
        crawl,
        stall,
        raise_somewhere,
    )
}
HARSH: dict[str, Course] = {each.__name__: each for each in (lose_route, hang_edit, hang_poll)}
