"""What a turn has used, and how much of its prompts the host knew already."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from navi_bot.messages import Message, RoomId
from navi_bot.ports.model import ToolSchema

ROOMS_REMEMBERED = 256
"""Rooms whose last prompt is known; a host keeps far fewer in its cache."""

Prompt = tuple[tuple[int, int], ...]
"""A prompt's parts in order: each one's hash and length in characters."""


def prompt_of(messages: Sequence[Message], tools: Sequence[ToolSchema]) -> Prompt:
    """Return the parts of a request in the order in which a template prints them."""
    parts: list[object] = [messages[0].content, *tools] if messages else [*tools]
    parts += (
        (each.role, each.content, each.thinking, each.tool_calls, each.tool_call_id, each.images)
        for each in messages[1:]
    )
    printed = (str(part) for part in parts)
    return tuple((hash(text), len(text)) for text in printed)


def shared(before: Prompt, now: Prompt) -> int:
    """Return how many characters of `now` stand unchanged at its beginning."""
    same = 0
    for old, new in zip(before, now, strict=False):
        if old != new:
            break
        same += new[1]
    return same


class Prompts:
    """The last prompt of each room, for as long as this process lives."""

    def __init__(self, rooms: int = ROOMS_REMEMBERED) -> None:
        self._last: OrderedDict[RoomId, Prompt] = OrderedDict()
        self._rooms = rooms

    def asked(self, room: RoomId, prompt: Prompt) -> int | None:
        """Note a room's prompt; return the characters shared with its previous one."""
        before = self._last.get(room)
        self._last[room] = prompt
        self._last.move_to_end(room)
        if len(self._last) > self._rooms:
            self._last.popitem(last=False)
        return None if before is None else shared(before, prompt)


@dataclass(slots=True)
class Ledger:
    """The running account of one turn. `baseline` is the session's context in tokens."""

    clock: Callable[[], float]
    baseline: int = 0
    tool_calls: int = 0
    extra_tokens: int = 0
    """Of planning and sub-agents."""
    context_tokens: int = 0
    waited: float = 0.0
    """Seconds in the queue before the model host."""
    finished: list[str] = field(default_factory=list)
    """Tools that have finished, by name."""
    _began: float = 0.0
    _shared: int = 0
    _asked: int = 0

    def __post_init__(self) -> None:
        self._began = self.clock()
        self.context_tokens = self.baseline

    @property
    def seconds(self) -> float:
        """Seconds since the turn began, to a tenth."""
        return round(self.clock() - self._began, 1)

    @property
    def worked(self) -> float:
        """Seconds of work: those in a queue are not counted."""
        return self.clock() - self._began - self.waited

    @property
    def tokens(self) -> int:
        """Tokens that this turn added."""
        return max(0, self.context_tokens - self.baseline) + self.extra_tokens

    def answered(self, prompt_tokens: int, completion_tokens: int) -> None:
        """Take the host's count of one call; the last call's stands for the context."""
        if prompt_tokens or completion_tokens:
            self.context_tokens = prompt_tokens + completion_tokens

    def asked(self, prompt: Prompt, same: int | None) -> None:
        """Count a prompt and what of it was known (None: the room's first)."""
        if same is not None:
            self._shared += same
            self._asked += sum(length for _, length in prompt)

    @property
    def prefix_share(self) -> float | None:
        """The part of this turn's prompts that the room's previous ones began with."""
        return round(self._shared / self._asked, 4) if self._asked else None
