"""A daemon on a real homeserver, killed at one point after the other while people talk to it."""

import asyncio
import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from faults.judge import judge
from faults.life import Life
from faults.questions import Kind, Question
from faults.sweep import EXCUSES
from real_synapse import Synapse
from real_synapse.person import Person

from navi_bot.fault_points import Point

WITHIN = 120.0
"""Seconds in which everything is answered, whatever failed; on a machine that has a lot to do."""
COMMANDS: tuple[Point, ...] = ("attempt_counted", "command_done", "reply_stored")
STARTS: tuple[Point, ...] = ("turns_given_back", "events_taken_up", "posts_taken_up")
"""Reached when a daemon starts on what another one left."""
STOP = "⏹"
"""The sign of a message that is not final."""
_numbers = itertools.count(1)


@dataclass(slots=True, eq=False)
class Room:
    id: str
    asked: list[Question] = field(default_factory=list)
    once: list[str] = field(default_factory=list)
    """What else must be said, once."""


@dataclass(slots=True)
class Report:
    """What came of so many kills; `missed` are points that were not reached."""

    questions: int = 0
    struck: int = 0
    missed: list[Point] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


class MatrixLane(Life):
    """`rooms` are plain and encrypted ones, in turn."""

    def __init__(self, synapse: Synapse, dsn: str, folder: Path) -> None:
        super().__init__(dsn, folder, {"NAVI_STEER": "1"})
        self._synapse = synapse
        self._bot = synapse.register(f"navi-faults{next(_numbers)}")
        self._ann = Person(synapse.url, synapse.register(f"ann-faults{next(_numbers)}"))
        self._questions = 0
        self.rooms: list[Room] = []

    async def _arrive(self, stack: AsyncExitStack) -> None:
        stack.push_async_callback(self._ann.close)
        await self._ann.looks()

    @property
    def places(self) -> Mapping[str, str]:
        return {
            "NAVI_OWNERS": f"matrix:{self._ann.id}",
            "MATRIX_HOMESERVER": self._synapse.url,
            "MATRIX_USER_ID": self._bot.user_id,
            "MATRIX_PASSWORD": self._bot.password,
            "MATRIX_CALL_INTERVAL": "0.05",
        }

    async def opens(self, *encrypted: bool) -> None:
        """Have Ann open rooms with the bot."""
        for sealed in encrypted:
            room = await self._ann.opens_room(self._bot.user_id, encrypted=sealed)
            users = self._ann.client.rooms[room].users
            await self._ann.waits(lambda users=users: not users[self._bot.user_id].invited or None)  # type: ignore[misc]  # bound at once
            self.rooms.append(Room(room))

    async def ask(self, room: Room, kind: Kind) -> Question:
        self._questions += 1
        question = Question(self._questions, kind)
        room.asked.append(question)
        await self._ann.says(room.id, question.text)
        return question

    def texts(self, room: Room) -> list[str]:
        return [one.body for one in self._ann.messages(room.id, self._bot.user_id)]

    def final(self, question: Question) -> int:
        """Return how many finished messages hold a question's last word."""
        last = question.words[-1]
        texts = (text for room in self.rooms for text in self.texts(room))
        return sum(last in text.split() and "⏱" in text for text in texts)

    async def looks_until(self, ready: Callable[[], bool], within: float = WITHIN) -> bool:
        """Look at the rooms until something is so; answer whether it is."""
        deadline = time.monotonic() + within
        while not ready():
            if time.monotonic() > deadline:
                return False
            await self._ann.looks(200)
        return True

    async def strikes(self, point: Point, first: Room, second: Room | None) -> bool:
        """Kill at a point while questions are answered; answer whether it was reached."""
        fault = self.faults.arm(point, 1, "kill")
        asked = [await self.ask(first, _kind(point))]
        await self._lead_to(point, first)
        if second is not None:
            asked.append(await self.ask(second, "plain"))
        told = [(room, once) for room in self.rooms for once in room.once]
        answered = await self.looks_until(
            lambda: (
                all(self.final(question) for question in asked)
                and all(any(once in text for text in self.texts(room)) for room, once in told)
            )
        )
        struck = fault.struck.is_set()
        self.faults.disarm()
        return struck and answered

    async def _lead_to(self, point: Point, room: Room) -> None:
        """Do what brings the daemon to a point, beside asking."""
        chats = len(self.ollama.chats)
        if point in COMMANDS:
            room.once = room.once or [f"matrix:{self._ann.id}"]
            await self._ann.says(room.id, "!whoami")
            room.once = []
        elif point == "recalls_claimed":
            room.once.append(f"⏰ tea {self._questions}")
            await self._ann.says(room.id, f"!remind in 2 seconds tea {self._questions}")
        elif point in (*STARTS, "turn_given_back"):
            await self.looks_until(lambda: len(self.ollama.chats) > chats)
            if point == "turn_given_back":
                self.terminate()
            else:
                self.kill()

    async def _is_open(self, room: Room) -> bool:
        """Whether anything is to be done yet; that the last page is shown is written down late."""
        work = await self.open_work(room.id)
        return bool(work["turns"] or work["events"])

    async def judged(self) -> list[str]:
        """Wait until nothing is open; say what a person would complain of."""
        faults: list[str] = []
        deadline = time.monotonic() + WITHIN
        while any([await self._is_open(room) for room in self.rooms]):
            if time.monotonic() > deadline:
                faults.append("still open")
                break
            await asyncio.sleep(0.1)
        await asyncio.sleep(0.5)
        await self._ann.looks()
        for room in self.rooms:
            found = judge(self.texts(room), room.asked, EXCUSES, room.once)
            faults += found.faults
            odd = {"lost": found.lost, "told": found.told, "labelled": found.repeated}
            faults += [f"{what}: {numbers}" for what, numbers in odd.items() if numbers]
            left = sum(STOP in text for text in self.texts(room))
            faults += ["a message still shows that it is at work"] * left
            for question in room.asked:
                if (count := self.final(question)) != 1:
                    faults.append(f"q{question.number} has {count} final answers")
        return faults


def _kind(point: Point) -> Kind:
    if point in ("turn_given_back", *STARTS):
        return "slow"
    if point.startswith(("page_", "intent_", "chunk_")):
        return "long"
    tools = ("batch_journalled", "tool_called", "tool_answered", "result_journalled")
    return "tools" if point in (*tools, "batch_recorded") else "plain"


async def killed_at(lane: MatrixLane, points: Sequence[Point], questions: int) -> Report:
    """Kill at each point once, over so many questions in the lane's rooms; judge what is shown."""
    report = Report()
    spare = questions - len(points)
    for number, point in enumerate(points):
        rooms = itertools.islice(itertools.cycle(lane.rooms), number, number + 2)
        first, other = rooms
        report.questions += 1 + (number < spare)
        second = other if number < spare else None
        if await lane.strikes(point, first, second):
            report.struck += 1
        else:
            report.missed.append(point)
    report.faults = await lane.judged()
    return report
