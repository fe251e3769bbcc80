"""What a turn works with: stores, delivery, the loop."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from navi_bot.events import Ending, Event
from navi_bot.messages import Page
from navi_bot.patience import Patience
from navi_bot.ports.delivery import Delivery, LiveSource
from navi_bot.ports.records import TurnStart
from navi_bot.ports.store import Sessions, Turns
from navi_bot.question import Question, Questions
from navi_bot.running import Running, RunningTurn
from navi_bot.shares import Shares
from navi_bot.turn_journal import TurnJournal


class Live(LiveSource, Protocol):
    """A live message as a turn drives it."""

    def feed(self, event: Event, now: float) -> None: ...

    def settled(self) -> tuple[tuple[Page, ...], tuple[Page, ...] | None]:
        """Return the final pages of the live message and of a separate answer."""
        ...


class Loop(Protocol):
    """The agent loop, bound to everything but the turn."""

    def run(
        self,
        start: TurnStart,
        question: Question | None,
        journal: TurnJournal,
        running: RunningTurn,
    ) -> AsyncGenerator[Event]:
        """Run a turn; ModelUnavailable before the first token of a call is raised."""
        ...


@dataclass(frozen=True, slots=True)
class Doors:
    """What a turn works with."""

    turns: Turns
    sessions: Sessions
    delivery: Delivery
    running: Running
    questions: Questions
    loop: Loop
    live: Callable[[TurnStart], Live]
    ended: Callable[[Ending], Awaitable[None]]
    """Told of every turn once all of it is stored; raises nothing."""
    clock: Callable[[], float]
    """Monotonic seconds."""
    shares: Shares
    patience: Patience = Patience()  # noqa: RUF009 - a frozen value
