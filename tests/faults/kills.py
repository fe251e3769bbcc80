"""Kills at random moments: while it starts, answers, sends, waits."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from faults.judge import Verdict
from faults.lane import Lane
from faults.scenarios import SCENARIOS
from faults.sweep import judged

PLAYED = ("plain", "tools", "long", "queued", "steering", "command", "press", "reminder")
LIFE = 2.5
"""Seconds of which a part passes before a kill: most of a short answer, or of a start."""
AGAIN = 0.4
"""How likely a second kill follows the first; a third would set the message aside."""


@dataclass(slots=True)
class Kills:
    """What came of so many kills."""

    kills: int = 0
    questions: int = 0
    lost: int = 0
    repeated: int = 0
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.kills} kills at random, {self.questions} questions: {self.lost} lost, "
            f"{self.repeated} labelled as a possible repeat, {len(self.faults)} faults"
        )

    def add(self, verdict: Verdict, name: str) -> None:
        self.lost += len(verdict.lost)
        self.repeated += len(verdict.repeated)
        self.faults += [f"{name}: q{number} is lost" for number in verdict.lost]
        self.faults += [f"{name}: {fault}" for fault in verdict.faults]


async def killed_at_random(lanes: Sequence[Lane], kills: int, seed: int) -> Kills:
    """Kill daemons so often while people use them; each room is judged when it is quiet."""
    report = Kills()
    async with asyncio.TaskGroup() as tasks:
        for number, lane in enumerate(lanes):
            source = random.Random(f"{seed}/{number}")
            tasks.create_task(_rounds(lane, source, report, kills))
    return report


async def _rounds(lane: Lane, source: random.Random, report: Kills, most: int) -> None:
    while report.kills < most:
        name = source.choice(PLAYED)
        room = await lane.room()
        playing = asyncio.ensure_future(SCENARIOS[name](lane, room))
        for _ in range(1 + (source.random() < AGAIN)):
            await asyncio.sleep(source.uniform(0, LIFE))
            lane.kill()
            report.kills += 1
            await lane.fallen()
        verdict = Verdict()
        try:
            await playing
        except TimeoutError as error:
            verdict.faults.append(f"what people waited for did not come: {error}")
        if over := lane.telegram.over_limits():
            verdict.faults.append(f"{len(over)} calls were over the platform's limits")
            lane.telegram.front.history.calls.clear()
        report.questions += len(room.asked) + len(room.once)
        report.add(await judged(lane, room, verdict), name)
