"""The agent loop's surroundings for tests: real profiles and tools, a scripted host.

`Stage.play` fails when a stream was left open, a gate not left, or a call
stored without its result.
"""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from agent.scripted_host import Act, Characters, OpenGate, Parrot, ScriptedHost
from pydantic import BaseModel

from navi_bot.agent.journal import MemoryJournal
from navi_bot.agent.loop import Agent
from navi_bot.agent.profiles import Profiles
from navi_bot.agent.run import Run, Tail
from navi_bot.events import Event, StreamEnd, TextDelta, Todo
from navi_bot.messages import (
    ChatKind,
    Entry,
    Message,
    PersonId,
    Role,
    RoomId,
    SessionId,
    TurnId,
)
from navi_bot.models.guard import guarded
from navi_bot.ports.agent import Backend
from navi_bot.ports.tools import Call, Effect, Result, Tool
from navi_bot.running import StopToken
from navi_bot.toolbox.registry import Found, Registry
from navi_bot.toolbox.runner import InstalledTools

NOW = datetime(2026, 3, 1, 12, 30, 45, tzinfo=UTC)


class State:
    """A session's small data in memory."""

    def __init__(self, journal: MemoryJournal | None = None) -> None:
        self.items: tuple[Todo, ...] = ()
        self.pad: dict[str, str] = {}
        self.journal = journal

    async def todos(self) -> tuple[Todo, ...]:
        return self.items

    async def replace_todos(self, items: Sequence[Todo]) -> None:
        self.items = tuple(items)

    async def notes(self) -> Mapping[str, str]:
        return dict(self.pad)

    async def write_note(self, section: str, text: str) -> None:
        if text:
            self.pad[section] = text
        else:
            self.pad.pop(section, None)

    async def switch_profile(self, profile_id: str) -> None:
        assert self.journal is not None
        self.journal.profile = profile_id


class Diary(MemoryJournal):
    """A journal that keeps the order of everything written, and checks its rules."""

    def __init__(self, profile_id: str = "one") -> None:
        super().__init__(profile_id)
        self.lines: list[tuple[object, ...]] = []
        self.steers: list[Message] = []
        self.closed = False

    async def record(self, entries: Sequence[Entry]) -> None:
        assert not self.closed, "nothing is recorded after close"
        self.lines.append(("record", *(entry.message.role for entry in entries)))
        await super().record(entries)

    async def begin_batch(self, step: int, assistant: Message, effects: Mapping[str, str]) -> None:
        self.lines.append(("begin", step, dict(effects)))

    async def end_call(self, step: int, call_id: str, result: str, ok: bool) -> None:
        self.lines.append(("end", step, result, ok))

    async def steering(self) -> tuple[Message, ...]:
        taken = tuple(self.steers)
        self.steers.clear()
        return taken

    async def close(self, entries: Sequence[Entry]) -> None:
        assert not self.closed, "close is called at most once"
        self.closed = True
        self.lines.append(("close", *(entry.message.role for entry in entries)))
        await super().close(entries)

    @property
    def history(self) -> list[Message]:
        return [entry.message for entry in self.entries if entry.in_history]

    @property
    def context(self) -> list[Message]:
        return [entry.message for entry in self.entries if entry.in_context]


class Words(BaseModel):
    text: str = ""
    number: int = 0


def tool(
    name: str,
    run: Callable[[Words, Call], Awaitable[Result]] | None = None,
    effect: Effect = Effect.PURE,
    timeout: float = 5.0,
) -> Tool:
    """Make a tool; without `run` it answers with its own name and text."""

    async def echo(arguments: Words, call: Call) -> Result:
        return Result(f"{name}: {arguments.text}")

    return Tool(
        name=name,
        description=f"The tool {name}.",
        arguments=Words,
        effect=effect,
        loading="always",
        place="daemon",
        run=run or echo,  # type: ignore[arg-type]  # a tool's run takes its own arguments
        timeout=timeout,
    )


PROFILE = '{{"name": "{name}", "description": "For {name}.", "enabled_tools": {tools}{more}}}'


def write_profile(
    folder: Path, name: str, tools: Sequence[str], more: str = "", prompt: str = "Be {name}."
) -> None:
    (folder / name).mkdir(parents=True, exist_ok=True)
    listed = "[" + ", ".join(f'"{each}"' for each in tools) + "]"
    config = PROFILE.format(name=name, tools=listed, more=f", {more}" if more else "")
    (folder / name / "config.json").write_text(config, encoding="utf-8")
    (folder / name / "system_prompt.txt").write_text(prompt.format(name=name), encoding="utf-8")


@dataclass
class Stage:
    """An agent with everything around it, and one run at a time."""

    folder: Path
    host: ScriptedHost
    tools: Sequence[Tool] = ()
    gate: OpenGate = field(default_factory=OpenGate)
    num_ctx: int = 65536
    reserve: int = 2048
    first: float = 5.0
    gap: float = 5.0
    more: str = ""
    clock: Callable[[], float] = time.monotonic
    seconds: float = 900.0

    def __post_init__(self) -> None:
        names = [each.name for each in self.tools]
        write_profile(self.folder, "one", names, self.more)
        write_profile(self.folder, "two", [*names[:1], "absent"], self.more)
        self.estimator = Characters()
        self.stop = StopToken()
        self.diary = Diary()
        self.now = 0.0
        registry = Registry(Found({each.name: each for each in self.tools}, ()))
        self.profiles = Profiles([self.folder], default="one")
        self.agent = Agent(
            profiles=self.profiles,
            toolbox=InstalledTools(registry),
            backends={
                "ollama": Backend(
                    self.host,
                    self.gate,
                    "m",
                    num_ctx=self.num_ctx,
                    reserve=self.reserve,
                    think=True,
                    first_chunk_timeout=self.first,
                    chunk_timeout=self.gap,
                )
            },
            guard=guarded,
            estimator=self.estimator,
            repetition=Parrot,
            persona=lambda: "A persona.",
            clock=self.clock,
            seconds=self.seconds,
        )

    def run(self, question: str | Message | None = "Hello?", **changes: object) -> Run:
        asked = Message("user", question) if isinstance(question, str) else question
        given: dict[str, object] = {
            "turn": TurnId(1),
            "session": SessionId(2),
            "room": RoomId(3),
            "person": PersonId(4),
            "role": Role.OWNER,
            "platform": "telegram",
            "chat_kind": ChatKind.PRIVATE,
            "profile_id": "one",
            "context": (),
            "question": asked,
            "tail": Tail(NOW, "Europe/Berlin"),
            "journal": self.diary,
            "state": State(self.diary),
            "stop": self.stop,
            "workspace": self.folder,
            **changes,
        }
        return Run(**given)  # type: ignore[arg-type]  # names and types are those of Run

    async def play(self, run: Run | None = None) -> list[Event]:
        """Play a run to its end and check that nothing is left open."""
        events: list[Event] = []
        async with aclosing(self.agent.run_stream(run or self.run())) as stream:
            async for event in stream:
                events.append(event)
        self.settled()
        return events

    def settled(self) -> None:
        assert self.host.open == 0, "a model stream was left open"
        assert self.gate.inside == 0, "a gate was not left"
        assert_answered(self.diary.context)


def stage(folder: Path, *scripts: Sequence[Act], **given: object) -> Stage:
    """Make a stage whose host plays these scripts; `given` are fields of Stage."""
    return Stage(folder, ScriptedHost(*scripts), **given)  # type: ignore[arg-type]  # see above


def text_of(events: Sequence[Event]) -> str:
    return "".join(event.delta for event in events if isinstance(event, TextDelta))


def ending(events: Sequence[Event]) -> StreamEnd:
    assert isinstance(events[-1], StreamEnd)
    return events[-1]


def assert_answered(context: Sequence[Message]) -> None:
    """Every stored call is followed by its result, at once and in order (T-05)."""
    waiting: list[str] = []
    for message in context:
        if message.role == "tool":
            assert waiting, "a tool result without a call"
            assert message.tool_call_id == waiting.pop(0)
        else:
            assert not waiting, "calls were stored without their results"
            waiting = [call.id for call in message.tool_calls]
    assert not waiting, "calls were stored without their results"
