"""Makes the agent's run out of a claimed turn."""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from datetime import datetime
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

from navi_bot.agent.run import Run, Tail
from navi_bot.events import Event
from navi_bot.messages import ChatKind, RoomId, SessionId
from navi_bot.ports.calendar import Calendar
from navi_bot.ports.model import Urgency
from navi_bot.ports.recall import Recalls
from navi_bot.ports.records import TurnStart
from navi_bot.ports.tools import SessionState
from navi_bot.question import Question, as_message
from navi_bot.running import RunningTurn
from navi_bot.turn_journal import TurnJournal


class Agent(Protocol):
    def run_stream(self, run: Run) -> AsyncGenerator[Event]: ...


class AgentLoop:
    """Binds the agent to sessions, zones and workspaces; implements turn.Loop."""

    def __init__(
        self,
        agent: Agent,
        state: Callable[[SessionId], SessionState],
        workspace: Callable[[RoomId], Path],
        zone: ZoneInfo,
        now: Callable[[], datetime],
        model: str = "",
        recalls: Callable[[TurnStart], Recalls] | None = None,
        calendar: Calendar | None = None,
    ) -> None:
        """`model` overrides the profiles' models; a room's choice goes before it."""
        self._model = model or None
        self._recalls = recalls
        self._calendar = calendar
        self._agent = agent
        self._state = state
        self._workspace = workspace
        self._zone = zone
        self._now = now

    async def run(
        self,
        start: TurnStart,
        question: Question | None,
        journal: TurnJournal,
        running: RunningTurn,
    ) -> AsyncGenerator[Event]:
        """Run a turn; what the agent raises passes."""
        now = self._now()
        run = Run(
            turn=start.id,
            session=start.session.id,
            room=start.head.room,
            person=start.asker,
            role=start.asker_role,
            platform=start.head.address.platform,
            chat_kind=start.chat_kind,
            profile_id=start.session.profile_id,
            context=start.context,
            question=as_message(question, question.text, now) if question else None,
            tail=self._tail(start, now),
            journal=journal,
            state=self._state(start.session.id),
            stop=running.stop,
            workspace=self._workspace(start.head.room),
            context_tokens=start.session.context_tokens,
            pending=start.pending,
            continues=start.request.kind == "continue" and not start.resumed,
            model=start.settings.model or self._model,
            think=start.settings.think,
            urgency=Urgency.RECALL if start.request.called_back else Urgency.PERSON,
            headless=start.request.called_back is not None,
            allowed=start.request.allowed,
            recalls=self._recalls(start) if self._recalls else None,
            calendar=self._calendar,
        )
        async with aclosing(self._agent.run_stream(run)) as events:
            async for event in events:
                yield event

    def _tail(self, start: TurnStart, now: datetime) -> Tail:
        """Gather what changes from turn to turn."""
        zone = ZoneInfo(start.timezone) if start.timezone else self._zone
        group = start.chat_kind is ChatKind.GROUP
        return Tail(
            now=now.astimezone(zone),
            timezone=zone.key,
            sender=start.asker_name if group else "",
            room_title=start.room_title if group else "",
            todos=start.todos,
            notes=start.notes,
            quote=start.request.quote,
            forwarded_from=start.request.forwarded_from,
        )
