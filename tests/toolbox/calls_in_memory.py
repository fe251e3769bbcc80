"""What a tool call is given, for the tools' tests; everything in memory."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from navi_bot.events import Event, Todo
from navi_bot.messages import PersonId, Role, RoomId, SessionId, TurnId
from navi_bot.ports.tools import Call, ProfileSummary
from navi_bot.running import StopToken
from navi_bot.toolbox.registry import Registry, shipped

PROFILES = (
    ProfileSummary("cook", "Cook", "Cooks.", "food", ("clock", "todo", "later")),
    ProfileSummary("guide", "Guide", "Guides.", "ways", ()),
)


class Memory:
    """A session's small data."""

    def __init__(self) -> None:
        self.items: tuple[Todo, ...] = ()
        self.pad: dict[str, str] = {}
        self.profile = "cook"
        self.writes = 0

    async def todos(self) -> tuple[Todo, ...]:
        return self.items

    async def replace_todos(self, items: Sequence[Todo]) -> None:
        self.items = tuple(items)
        self.writes += 1

    async def notes(self) -> Mapping[str, str]:
        return dict(self.pad)

    async def write_note(self, section: str, text: str) -> None:
        if text:
            self.pad[section] = text
        else:
            self.pad.pop(section, None)

    async def switch_profile(self, profile_id: str) -> None:
        self.profile = profile_id


def call_of(memory: Memory, told: list[Event] | None = None) -> Call:
    """Return a call of a turn in the profile cook; `told` gathers what it shows."""
    return Call(
        turn=TurnId(1),
        session=SessionId(1),
        room=RoomId(1),
        person=PersonId(1),
        role=Role.OWNER,
        platform="telegram",
        profile_id="cook",
        timezone="Europe/Berlin",
        workspace=Path("nowhere"),
        state=memory,
        catalogue=Registry(shipped()).catalogue(list(shipped().tools), PROFILES, ["Broken."]),
        stop=StopToken(),
        emit=(told if told is not None else []).append,
    )
