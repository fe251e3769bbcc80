"""The state of one run that its steps share."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from navi_bot.agent.accounting import Ledger
from navi_bot.agent.answer import Answer
from navi_bot.agent.desk import Desk
from navi_bot.agent.feed import Tell
from navi_bot.agent.run import Run
from navi_bot.messages import Entry, Message
from navi_bot.ports.tools import Call

SAME_CALLS = 3
"""The same call so many times in a row is a loop, not a search."""

REPAIRS = 2
"""Batches in a row without one call that can be made; the model is told why each time."""


@dataclass(slots=True)
class Work:
    """A run under way. `context` is what the model sees, without the system text."""

    run: Run
    tell: Tell
    ledger: Ledger
    profile_id: str
    """The session's profile as last read; the desk's may stand in for one that is gone."""
    context: list[Message]
    seat: Desk | None = None
    """The desk of the profile in force; None until it is set up."""
    step: int = 0
    answer: Answer | None = None
    """The answer that is coming in and not yet recorded."""
    partial: str = ""
    """The text of the newest answer, recorded or not."""
    cancelled: tuple[str, ...] = ()
    """Tools that a stop kept from finishing, by name."""
    lasting: tuple[str, ...] = ()
    """Tools that have or may have changed the world, by name."""
    turn_data: dict[str, object] = field(default_factory=dict)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    limit: float = float("inf")
    """Seconds of work after which the run ends."""
    _unusable: int = 0
    _last_call: tuple[str, str] = ("", "")
    _in_a_row: int = 0

    @property
    def desk(self) -> Desk:
        assert self.seat is not None, "the desk is set up before the first step"
        return self.seat

    async def record(self, entries: Sequence[Entry]) -> None:
        """Write entries down, and let the model see those that are for it."""
        await self.run.journal.record(entries)
        self.context += (entry.message for entry in entries if entry.in_context)

    def repeats(self, tool: str, arguments: Mapping[str, object]) -> bool:
        """Count a call; answer whether it is one too many of its kind in a row."""
        this = (tool, json.dumps(arguments, sort_keys=True, default=str))
        self._in_a_row = self._in_a_row + 1 if this == self._last_call else 1
        self._last_call = this
        return self._in_a_row >= SAME_CALLS

    @property
    def is_out_of_time(self) -> bool:
        return self.ledger.worked > self.limit

    def is_hopeless(self, understood: bool) -> bool:
        """Count a batch of which no call could be made; answer whether it is one too many."""
        self._unusable = 0 if understood else self._unusable + 1
        return self._unusable > REPAIRS

    def reach(self) -> Call:
        """Return what a tool call of this run may reach."""
        run = self.run
        return Call(
            turn=run.turn,
            session=run.session,
            room=run.room,
            person=run.person,
            role=run.role,
            platform=run.platform,
            profile_id=self.desk.profile.id,
            timezone=run.tail.timezone,
            workspace=run.workspace,
            state=run.state,
            catalogue=self.desk.catalogue,
            stop=run.stop,
            emit=self.tell,
            turn_data=self.turn_data,
            headless=run.headless,
            allowed=run.allowed,
            recalls=run.recalls,
            calendar=run.calendar,
        )
