"""One process, for a long time: people who ask without a pause, and faults all the while.

    warm-up: people and faults ─► rest, first look ─► people and faults ─► rest, second look

Each person has a chat and plays one scenario after another in it; each is
judged by what was shown since it began.
"""

import asyncio
import json
import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from daemon.cable import Cable
from faults.judge import Verdict, doubled
from faults.lane import Lane, Room
from faults.scenarios import SCENARIOS, Scenario
from faults.sweep import judged
from faults.vitals import Rest, rest
from faults.weather import Moody, Weather

from navi_bot.texts import commands as command_texts
from navi_bot.texts import live as live_texts
from navi_bot.texts import rooms as rooms_texts

EXCUSES = (live_texts.FAILED(reason="").strip(), live_texts.STOPPED(), rooms_texts.BROKE())
"""Sentences that stand for an answer that failed, and says so, or was stopped."""
CHUNK_WAIT = 3
"""Seconds of silence of a model after which the daemon gives an answer up."""
BREATH = 0.5
"""Seconds at most between a person's rounds."""
SHOWN = 100.0
"""Seconds until a person in the middle of a scenario gives up."""
SHOWN_OF = 400
"""Characters of each message that a fault's report shows."""
KNOWN = ("Injected",)
"""What a traceback names that was raised on purpose."""
THEIRS = "coro=<Connection.close()"
"""asyncpg's own task for a connection that its pool gives up; on a lost route it fails."""
SAID = ("never retrieved", "was never awaited", "was destroyed but it is pending", "Traceback")


async def stopped(lane: Lane, room: Room) -> None:
    """A stop in the middle of an answer, or of the wait for one."""
    slow = lane.ask(room, "slow")
    await lane.shows(room, slow.words[3], *EXCUSES, within=SHOWN)
    lane.say(room, "/stop")
    replies = (command_texts.STOPPED(), command_texts.NOTHING_TO_STOP(), rooms_texts.BROKE())
    await lane.shows(room, *replies, within=SHOWN)


async def afresh(lane: Lane, room: Room) -> None:
    """A new conversation."""
    lane.say(room, "/new")
    done = command_texts.NEW_SESSION(count=0).partition(".")[0]
    await lane.shows(room, done, *EXCUSES, within=SHOWN)


PLAYED: Sequence[tuple[Scenario, int]] = (
    (SCENARIOS["plain"], 4),
    (SCENARIOS["tools"], 4),
    (SCENARIOS["queued"], 2),
    (SCENARIOS["steering"], 2),
    (SCENARIOS["long"], 1),
    (SCENARIOS["command"], 1),
    (SCENARIOS["reminder"], 1),
    (stopped, 2),
    (afresh, 1),
)
"""What people do, and how often in relation."""


@dataclass(slots=True)
class Span:
    """What people did between two looks."""

    rounds: Counter[str] = field(default_factory=Counter)
    questions: int = 0
    answered: int = 0
    told: int = 0
    labelled: int = 0
    lost: int = 0
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.rounds.total()} rounds, {self.questions} questions: {self.answered} answered, "
            f"{self.told} told why not or stopped, {self.lost} lost, "
            f"{self.labelled} labelled as a possible repeat, {len(self.faults)} faults"
        )

    def add(self, name: str, room: Room, verdict: Verdict, texts: Sequence[str]) -> None:
        shown = f"{room.chat.id} shows {[text[:SHOWN_OF] for text in texts]}"
        self.rounds[name] += 1
        self.questions += len(room.asked)
        self.answered += len(verdict.answered)
        self.told += len(verdict.told)
        self.labelled += len(verdict.repeated)
        self.lost += len(verdict.lost)
        self.faults += [f"{name}: q{number} is lost; {shown}" for number in verdict.lost]
        self.faults += [f"{name}: {fault}; {shown}" for fault in verdict.faults]


class Soak:
    """Some people, their daemon, and what fails around it."""

    def __init__(self, lane: Lane, weather: Weather, model: Moody, counts: Path, port: int) -> None:
        self.lane = lane
        self.weather = weather
        self._model = model
        self._counts = counts
        self._database = port
        self._homes: list[Room] = []

    async def settle_in(self, people: int) -> None:
        """Let people in."""
        self._homes += [await self.lane.room() for _ in range(people)]

    async def live(self, seconds: float, every: float, seed: str, *, harsh: bool) -> Span:
        """Have everybody ask, and a fault begin every so often; then let all come to rest.

        `seconds` and `every` are in seconds; `harsh` as the weather says.
        """
        span, over = Span(), asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            blowing = tasks.create_task(self.weather.blow(every, harsh=harsh))
            for number, home in enumerate(self._homes):
                source = random.Random(f"{seed}/{number}")
                tasks.create_task(self._inhabit(home, source, span, over))
            await asyncio.sleep(seconds)
            over.set()
            blowing.cancel()
            await asyncio.wait({blowing})
            await self.weather.clear()
        span.faults += await self._shown_twice()
        return span

    async def rest(self, seconds: float) -> Rest:
        """Leave the daemon alone for so long, and look at it."""
        await asyncio.sleep(seconds)
        assert self.lane.daemon is not None
        peers = {
            self._database: "database",
            self.lane.telegram.port: "Telegram",
            int(self.lane.ollama.url.rpartition(":")[2]): "Ollama",
        }
        return await rest(self.lane.daemon.pid, self._counts, peers)

    async def _inhabit(
        self, home: Room, source: random.Random, span: Span, over: asyncio.Event
    ) -> None:
        scenarios, weights = zip(*PLAYED, strict=True)
        while not over.is_set():
            scenario = source.choices(scenarios, weights)[0]
            room = Room(home.person, home.chat, since=max(home.chat.messages, default=0))
            verdict = Verdict()
            try:
                await scenario(self.lane, room)
            except TimeoutError as error:
                verdict.faults.append(f"what people waited for did not come: {error}")
            verdict = await judged(self.lane, room, verdict, EXCUSES)
            span.add(scenario.__name__, room, verdict, self.lane.texts(room))
            self._model.closed.update(room.asked)
            await asyncio.sleep(source.uniform(0, BREATH))

    async def _shown_twice(self) -> list[str]:
        """Return what is wrong with chats as a whole, and with what the tools did."""
        faults = [
            f"{word} is shown twice and nothing says so"
            for home in self._homes
            for word in sorted(doubled(self.lane.unlabelled(home), EXCUSES))
        ]
        rings = Counter(self.lane.rings())
        faults += [f"the bell rang {n} times for {who}" for who, n in rings.items() if n > 1]
        if orphans := await self.lane.orphans():
            faults.append(f"{orphans} stored tool calls have no result")
        if over := self.lane.telegram.over_limits():
            faults.append(f"{len(over)} calls were over the platform's limits")
        return faults


def unhandled(raw: Sequence[str]) -> list[str]:
    """Return the lines of a log that tell of an exception that nobody raised on purpose.

    A library's warning is its own affair: it goes on by itself.
    """
    found = []
    for line in raw:
        try:
            told = json.loads(line)
        except ValueError:
            found.append(line)
            continue
        traceback = str(told.get("exception", ""))
        is_told = told.get("level") in ("error", "critical") and bool(traceback)
        is_unknown = is_told and not any(name in traceback for name in KNOWN)
        event = str(told.get("event"))
        if is_unknown or any(words in event for words in SAID if THEIRS not in event):
            found.append(line)
    return found


@asynccontextmanager
async def soaking(dsn: str, folder: Path, seed: int) -> AsyncIterator[Soak]:
    """Run a daemon that reaches its database over a cable."""
    cable, model, counts = Cable(dsn), Moody(), folder / "counts"
    await cable.join()
    environment = {
        "NAVI_STEER": "1",
        "NAVI_DATABASE_URL": cable.dsn,
        "LLM_STREAM_CHUNK_TIMEOUT": str(CHUNK_WAIT),
        "FAULTS_COUNTS": str(counts),
    }
    lane = Lane(dsn, folder, environment, model=model)
    lane.telegram.set_limits("mild")
    async with lane:
        weather = Weather(lane, cable, model, random.Random(seed))
        yield Soak(lane, weather, model, counts, cable.port)
    cable.cut()
