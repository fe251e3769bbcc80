"""Tools: what one is, what it is given, what it returns."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Literal, Protocol

from pydantic import BaseModel

from navi_bot.events import Event, Todo
from navi_bot.messages import Allowed, PersonId, Role, RoomId, SessionId, TurnId
from navi_bot.ports.calendar import Calendar
from navi_bot.ports.model import ToolSchema
from navi_bot.ports.recall import Recalls


class Effect(StrEnum):
    """What a call can do to the world, mildest first."""

    PURE = "R0"
    READ_OWN = "R1"
    READ_WORLD = "R2"
    SANDBOXED = "W1"
    OUTWARD = "W2"
    HOST = "W3"

    def is_within(self, allowed: Allowed) -> bool:
        """Answer whether a turn with this permission may run a tool of this effect."""
        match allowed:
            case "all":
                return True
            case "sandbox":
                return self not in (Effect.OUTWARD, Effect.HOST)
        return not self.value.startswith("W")


@dataclass(frozen=True, slots=True)
class Result:
    """What a tool gives back; `text` is for the model.

    A tool's failure is a result with ok=False. `image` is a path below the
    data directory that the model shall look at (context only). `understood`:
    the call could be made at all, whatever came of it.
    """

    text: str
    ok: bool = True
    image: str = ""
    understood: bool = True


class Stop(Protocol):
    """The turn's stop token."""

    @property
    def is_set(self) -> bool: ...

    async def wait(self) -> None: ...


class SessionState(Protocol):
    """The session's own small data, for the tools that keep it."""

    async def todos(self) -> tuple[Todo, ...]: ...
    async def replace_todos(self, items: Sequence[Todo]) -> None: ...
    async def notes(self) -> Mapping[str, str]:
        """The scratchpad: section name → text."""
        ...

    async def write_note(self, section: str, text: str) -> None:
        """Replace a section; an empty text removes it."""
        ...

    async def switch_profile(self, profile_id: str) -> None: ...


class Catalogue(Protocol):
    """What the tools may know of tools and profiles."""

    def tools(self) -> tuple["Tool", ...]:
        """Return the tools that the running turn may use."""
        ...

    def find_tool(self, name: str) -> "Tool | None": ...

    def profiles(self) -> Sequence["ProfileSummary"]: ...

    def problems(self) -> tuple[str, ...]:
        """One sentence per tool or profile that was skipped, and why."""
        ...


@dataclass(frozen=True, slots=True)
class ProfileSummary:
    id: str
    name: str
    description: str
    short_description: str
    tools: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """Everything a call may reach; nothing else is in a tool's hands."""

    turn: TurnId
    session: SessionId
    room: RoomId
    person: PersonId
    role: Role
    platform: str
    profile_id: str
    timezone: str
    workspace: Path
    state: SessionState
    catalogue: Catalogue
    stop: Stop
    emit: Callable[[Event], None]
    """Show something live (a changed checklist, a sub-agent's step)."""
    turn_data: dict[str, object] = field(default_factory=dict)
    """Shared by the calls of one turn (a profile switch happens once)."""
    headless: bool = False
    """Nobody reads along, so nobody could be asked: nothing that writes is run."""
    allowed: Allowed = "all"
    """What the device that the turn was asked from is trusted with."""
    recalls: Recalls | None = None
    """The person's reminders; None where there are none (a run beside the session)."""
    calendar: Calendar | None = None
    """The owner's, for owners alone; None where none is configured."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A loaded tool, built-in or a person's own."""

    name: str
    description: str
    arguments: type[BaseModel]
    effect: Effect
    loading: Literal["always", "skill"]
    place: Literal["daemon", "sandbox"]
    run: Callable[[BaseModel, Call], Awaitable[Result]]
    manual: str = ""
    timeout: float = 60.0
    """Seconds until the call is cancelled."""
    own: bool = False
    """From NAVI_TOOLS_DIR, not shipped."""
    needs: str = ""
    """What must be configured for it to be there ("calendar"); "": nothing."""
    parameters: Mapping[str, object] | None = None
    """The arguments' flat JSON schema; None: as pydantic makes it."""

    @property
    def schema(self) -> ToolSchema:
        """The tool as the model sees it."""
        parameters = self.parameters
        if parameters is None:
            parameters = self.arguments.model_json_schema()
        return ToolSchema(self.name, self.description, parameters)

    def told(self) -> str:
        """Return everything there is to know of it: description, manual, arguments."""
        parts = (f"{self.name}: {self.description}", self.manual, self._arguments_told())
        return "\n\n".join(part for part in parts if part)

    def _arguments_told(self) -> str:
        schema = self.schema.parameters
        properties, required = schema.get("properties"), schema.get("required", [])
        if not isinstance(properties, Mapping) or not properties:
            return "It takes no arguments."
        lines = [
            f"- {field} ({shape.get('type', 'any')}"
            f"{', required' if isinstance(required, list) and field in required else ''})"
            f"{': ' + shape['description'] if 'description' in shape else ''}"
            for field, shape in properties.items()
        ]
        return "\n".join(["Arguments:", *lines])
