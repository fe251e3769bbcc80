"""Crashes in a row: what crashes us is set aside, and where nothing is found we rest."""

import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from faults.lane import Lane, Room, database
from faults.questions import Kind as QuestionKind
from faults.sweep import with_name
from scale import scaled

from navi_bot.fault_points import Point
from navi_bot.texts import commands as command_texts
from navi_bot.texts import rooms as rooms_texts
from navi_bot.texts import safe_mode as safe_texts
from navi_bot.texts import turn as turn_texts

OWNER = 5


@asynccontextmanager
async def crashing(server: str, folder: Path, **environment: str) -> AsyncIterator[Lane]:
    """A lane whose daemon remembers its crashes."""
    name = f"faults_{folder.name.lower().translate({ord('-'): '_'})}"
    name = re.sub(r"\W", "_", name)
    async with (
        database(server, name),
        Lane(with_name(server, name), folder, environment, forgiving=False) as lane,
    ):
        yield lane


def events(lane: Lane, name: str) -> int:
    """Return how often a daemon of the lane has logged an event."""
    lines = [*lane.logs, *(lane.daemon.raw if lane.daemon else ())]
    return sum(f'"event": "{name}"' in line for line in lines)


POISONED: tuple[tuple[Point, QuestionKind], ...] = (
    ("question_prepared", "plain"),
    ("chunk_received", "plain"),
    ("tool_called", "tools"),
    ("turn_ending", "long"),
)


@pytest.mark.parametrize(("point", "kind"), POISONED[: scaled(1, None)])
async def test_a_message_that_crashes_it_three_times_is_set_aside(
    server_dsn: str, tmp_path: Path, point: Point, kind: QuestionKind
) -> None:
    """P12: its sender is told once, the next message is answered, nothing crashes any more."""
    async with crashing(server_dsn, tmp_path) as lane:
        room, other = await lane.room(), await lane.room()
        lane.faults.arm(point, 1, "kill", times=3)
        lane.ask(room, kind)
        following = lane.ask(room, "plain")
        told = turn_texts.POISON(attempts=3, turn=1)
        await lane.shows(room, told)
        elsewhere = lane.ask(other, "plain")
        await lane.shows(room, following.words[-1])
        await lane.shows(other, elsewhere.words[-1])
        assert sum(told in text for text in lane.texts(room)) == 1
        assert lane.crashes == 3
        assert events(lane, "safe_mode_entered") == 1, "three young daemons have crashed"
        assert events(lane, "safe_mode_left") == 1, "what crashed them was found"


async def test_a_command_that_crashes_it_three_times_is_set_aside(
    server_dsn: str, tmp_path: Path
) -> None:
    async with crashing(server_dsn, tmp_path) as lane:
        room = await lane.room()
        lane.faults.arm("attempt_counted", 1, "kill", times=3)
        lane.say(room, "/whoami")
        following = lane.ask(room, "plain")
        await lane.shows(room, rooms_texts.POISON(attempts=3, number=1))
        await lane.shows(room, following.words[-1])
        assert len(lane.texts(room)) == 2
        assert lane.crashes == 3


class Supervisor:
    """Hears what the daemon tells systemd."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.setblocking(False)
        self._heard: list[str] = []

    @property
    def status(self) -> str:
        """The newest status line."""
        try:
            while True:
                self._heard.append(self._socket.recv(4096).decode())
        except BlockingIOError:
            return next(
                (
                    text.partition("STATUS=")[2]
                    for text in reversed(self._heard)
                    if "STATUS" in text
                ),
                "",
            )

    def close(self) -> None:
        self._socket.close()


async def test_crashes_of_no_known_cause_lead_to_safe_mode(server_dsn: str, tmp_path: Path) -> None:
    """Messages are kept and it says so; /status and /stop work; the owner ends it."""
    supervisor = Supervisor(tmp_path / "notify")
    async with crashing(server_dsn, tmp_path, NOTIFY_SOCKET=str(tmp_path / "notify")) as lane:
        person = lane.telegram.person(OWNER, "Ann")
        owner = Room(person, lane.telegram.private_chat(person))
        room = await lane.room()
        begun = lane.ask(room, "slow")
        await lane.shows(room, begun.words[3])
        fault = lane.faults.arm("events_taken_up", 1, "kill", times=2)
        lane.kill()
        await fault.struck.wait()
        kept = lane.ask(room, "plain")
        await lane.shows(room, safe_texts.KEPT())
        asked = len(lane.ollama.chats)
        lane.ask(room, "plain")
        lane.say(owner, "/status")
        await lane.shows(owner, safe_texts.STATUS())
        lane.say(owner, "/new")
        await lane.shows(owner, safe_texts.COMMAND())
        doubtful = lane.ask(owner, "plain")
        await lane.shows(owner, safe_texts.KEPT())
        lane.say(owner, "/stop")
        await lane.shows(owner, command_texts.STOP_DROPPED(count=1))
        assert supervisor.status.startswith("safe mode")
        assert len(lane.ollama.chats) == asked, "nothing runs"
        assert sum(safe_texts.KEPT() in text for text in lane.texts(room)) == 1
        lane.say(owner, "/resume")
        await lane.shows(room, begun.words[-1])
        await lane.shows(room, kept.words[-1])
        await lane.shows(room, room.asked[-1].words[-1])
        assert not any(doubtful.words[0] in text for text in lane.texts(owner))
        assert supervisor.status.startswith("serving")
        assert lane.crashes == 3
    supervisor.close()
