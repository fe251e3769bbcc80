"""Every call that was made, for checkers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from strict_telegram.arguments import number
from strict_telegram.limits import Gate, Limits


@dataclass(slots=True, eq=False)
class Call:
    """One call. Times are the server clock's monotonic seconds.

    `outcome` is "running", "ok", "refused" (an error body), "dropped" (no
    answer: a reset or a hang). `applied`: it had its effect. `flooded`: the
    limits refused it, no script did. `fault` names the fault that hit it.
    """

    number: int
    method: str
    """Lower case."""
    params: Mapping[str, str]
    started: float
    ended: float | None = None
    status: int = 0
    description: str = ""
    outcome: str = "running"
    applied: bool = False
    flooded: bool = False
    fault: str = ""
    result: Any = None

    @property
    def chat(self) -> int | None:
        """The chat that it names, if it names one by number."""
        named = self.params.get("chat_id", "")
        return number(named) or None

    @property
    def text(self) -> str:
        """The text or caption that it carries, before parsing."""
        return self.params.get("text", self.params.get("caption", ""))


@dataclass(slots=True)
class History:
    """Calls in the order in which they came in."""

    calls: list[Call] = field(default_factory=list)

    def of(self, method: str = "*", chat: int | None = None) -> list[Call]:
        """Return the calls of a method pattern (any case) and a chat."""
        pattern = method.lower()
        return [
            call
            for call in self.calls
            if fnmatchcase(call.method, pattern) and (chat is None or call.chat == chat)
        ]

    def flooded(self) -> list[Call]:
        """Return the calls that the limits refused."""
        return [call for call in self.calls if call.flooded]

    def over(self, limits: Limits) -> list[Call]:
        """Return the calls that limits would have refused, replayed in order."""
        gate = Gate(limits)
        return [call for call in self._counted(limits) if self._refused(gate, call)]

    def _counted(self, limits: Limits) -> Iterator[Call]:
        return (call for call in self.calls if call.chat and limits.counts(call.method))

    @staticmethod
    def _refused(gate: Gate, call: Call) -> bool:
        chat = call.chat or 0
        return bool(gate.charge(call.method, chat, chat < 0, call.started))
