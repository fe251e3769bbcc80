"""The agent: the one way from a question to an answer.

It yields events and knows nothing of messages being edited.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import replace

import structlog

from navi_bot.agent.accounting import Prompts
from navi_bot.agent.asking import Asking
from navi_bot.agent.batch import Batches
from navi_bot.agent.desk import Desks
from navi_bot.agent.feed import Tell, events_of
from navi_bot.agent.journal import MemoryJournal
from navi_bot.agent.persona import PERSONA
from navi_bot.agent.play import Play
from navi_bot.agent.profiles import Profiles
from navi_bot.agent.run import Run
from navi_bot.events import Event, StreamEnd, StreamFailed, StreamStopped, TextDelta
from navi_bot.ports.agent import Backend, Estimator, Guard, Repetition, Toolbox
from navi_bot.texts import agent as texts

log = structlog.get_logger()

TURN_SECONDS = 900.0
EPHEMERAL_ITERATIONS = 20
EPHEMERAL_SECONDS = 300.0


class Agent:
    """Runs turns, as many at once as are asked for; keeps nothing of them but prompt hashes."""

    def __init__(
        self,
        *,
        profiles: Profiles,
        toolbox: Toolbox,
        backends: Mapping[str, Backend],
        guard: Guard,
        estimator: Estimator,
        repetition: Callable[[], Repetition],
        persona: Callable[[], str] = lambda: PERSONA,
        clock: Callable[[], float] = time.monotonic,
        seconds: float = TURN_SECONDS,
    ) -> None:
        """`seconds`: of work in one run, after which it ends and can be gone on with."""
        self._desks = Desks(profiles, toolbox, backends, persona)
        self._batches = Batches(toolbox, clock)
        self._asking = Asking(guard, estimator, repetition, Prompts())
        self._apart = Asking(guard, estimator, repetition, Prompts())
        self._clock = clock
        self._seconds = seconds

    def run_stream(self, run: Run) -> AsyncGenerator[Event]:
        """Yield the events of a run; the last one is an Ending.

        Raises ModelUnavailable when the host gave no token of a call (what
        came before is recorded; the run can be made again), and the journal's
        errors. Closing the generator cancels the call or tool under way.
        """
        return events_of(lambda tell: self._play(run, tell, self._asking))

    async def run(self, run: Run) -> str:
        """Run to the end; return the text that a person would get."""
        text, _ = await self._drained(self.run_stream(run), lambda _: None)
        return text

    async def run_ephemeral(
        self,
        run: Run,
        *,
        seconds: float = EPHEMERAL_SECONDS,
        watch: Callable[[Event], None] = lambda _: None,
    ) -> tuple[str, bool]:
        """Run without a store; return the text and whether it ended by itself.

        The run's journal is not touched. After `seconds` the model call or
        tool under way is cancelled and what there is is returned.
        """
        limit = run.max_iterations or EPHEMERAL_ITERATIONS
        journal = MemoryJournal(run.profile_id)
        alone = replace(run, journal=journal, pending=None, max_iterations=limit)
        partial: list[str] = []

        def seen(event: Event) -> None:
            if isinstance(event, TextDelta):
                partial.append(event.delta)
            watch(event)

        events = events_of(lambda tell: self._play(alone, tell, self._apart))
        try:
            async with asyncio.timeout(seconds):
                return await self._drained(events, seen)
        except TimeoutError:
            log.warning("agent.subagent.timeout", turn=run.turn, seconds=seconds)
            return "".join(partial) or texts.OUT_OF_TIME(seconds=seconds), False

    async def _play(self, run: Run, tell: Tell, asking: Asking) -> None:
        parts = self._desks, asking, self._batches
        await Play(run, tell, *parts, self._clock, self._seconds).play()

    async def _drained(
        self, events: AsyncGenerator[Event], watch: Callable[[Event], None]
    ) -> tuple[str, bool]:
        text, completed = "", False
        async with aclosing(events):
            async for event in events:
                watch(event)
                match event:
                    case StreamEnd(full_content=text, limit=limit):
                        completed = not limit
                    case StreamStopped(partial=text):
                        pass
                    case StreamFailed(reason=reason, partial=partial):
                        text = partial or reason
        return text, completed
