"""The agent's loop for turns that nobody reads along with: without patience."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from navi_bot.errors import ModelUnavailable
from navi_bot.events import Event, StreamFailed
from navi_bot.ports.records import TurnStart
from navi_bot.question import Question
from navi_bot.running import RunningTurn
from navi_bot.turn_doors import Loop
from navi_bot.turn_journal import TurnJournal


class RecallLoop:
    """Implements turn_doors.Loop around another one.

    A recall whose model host is away ends, and is tried again later; a
    person's turn waits.
    """

    def __init__(self, loop: Loop) -> None:
        self._loop = loop

    async def run(
        self,
        start: TurnStart,
        question: Question | None,
        journal: TurnJournal,
        running: RunningTurn,
    ) -> AsyncGenerator[Event]:
        try:
            async with aclosing(self._loop.run(start, question, journal, running)) as events:
                async for event in events:
                    yield event
        except ModelUnavailable as error:
            if start.request.called_back is None:
                raise
            yield StreamFailed(str(error))
