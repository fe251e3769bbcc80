"""What all accounts share and what works in it: the agent, the turns, the commands."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from zoneinfo import ZoneInfo

from navi_bot.agent.loop import Agent
from navi_bot.app.desk import agendas_of, desk_of
from navi_bot.app.parts import Parts
from navi_bot.live import LiveMessage, LiveOptions
from navi_bot.models.guard import guarded
from navi_bot.models.repetition import RepetitionDetector
from navi_bot.ports.records import TurnStart
from navi_bot.question import Questions
from navi_bot.recall.live import QuietLive
from navi_bot.recall.loop import RecallLoop
from navi_bot.replies import Replies
from navi_bot.shares import Shares
from navi_bot.store.files import workspace
from navi_bot.turn import TurnRunner
from navi_bot.turn_doors import Doors, Live
from navi_bot.turn_run import AgentLoop

MOST_OF_ONE_PERSON = 4
"""Turns of one person that run at once: one in private, a few in groups and topics."""

NEVER = float("inf")
"""Seconds: a console does not notify, so its answers stay where they are."""


@dataclass(frozen=True, slots=True)
class Core:
    parts: Parts
    replies: Replies
    runner: TurnRunner


def assemble(parts: Parts) -> Core:
    """Put the parts to work; nothing runs yet."""
    stores, online = parts.stores, parts.online
    doors = Doors(
        turns=stores.turns,
        sessions=stores.sessions,
        delivery=online.deliveries,
        running=parts.running,
        questions=Questions(stores.files, online.fetch, parts.settings.file_limit),
        loop=RecallLoop(_loop(parts)),
        live=partial(_live, parts),
        ended=parts.aftermath.note,
        clock=time.monotonic,
        shares=Shares(MOST_OF_ONE_PERSON),
    )
    replies = Replies(desk_of(parts), stores.people, online.deliveries)
    return Core(parts, replies, TurnRunner(doors))


def _loop(parts: Parts) -> AgentLoop:
    settings, agendas = parts.settings, agendas_of(parts)
    agent = Agent(
        profiles=parts.profiles,
        toolbox=parts.toolbox,
        backends=parts.hosts.backends,
        guard=guarded,
        estimator=parts.estimator,
        repetition=RepetitionDetector,
        persona=lambda: parts.persona.text,
    )
    return AgentLoop(
        agent,
        parts.stores.state,
        partial(workspace, settings.data_dir),
        ZoneInfo(settings.timezone),
        lambda: datetime.now(UTC),
        parts.hosts.model,
        lambda start: agendas(start.asker, start.head.room, start.asker_role),
        parts.calendar,
    )


def _live(parts: Parts, start: TurnStart) -> Live:
    if start.request.called_back is not None:
        return QuietLive(start.request.called_back)
    settings, address = parts.settings, start.head.address
    options = LiveOptions(
        show_thinking=start.settings.show_thinking,
        notify_after=NEVER if address.platform == "console" else settings.notify_after,
        first_show=settings.first_show,
        redact=parts.hide,
    )
    return LiveMessage(start.id, parts.online.surface(address), time.monotonic(), options)
