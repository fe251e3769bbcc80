"""What commands may reach, made of the daemon's parts."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from navi_bot.agenda import Agenda
from navi_bot.agent.profiles import Profiles
from navi_bot.app.hosts import Hosts
from navi_bot.app.parts import Parts
from navi_bot.app.status import status_lines
from navi_bot.commands.table import Desk, RecallDesk
from navi_bot.messages import Head, PersonId, Role, RoomId
from navi_bot.ports.tools import Catalogue, ProfileSummary


class Choices:
    """The profiles as people choose them; implements the commands' Profiles port."""

    def __init__(self, profiles: Profiles, hosts: Hosts) -> None:
        self._profiles = profiles
        self._hosts = hosts

    def summaries(self) -> Sequence[ProfileSummary]:
        return tuple(profile.summary for profile in self._profiles.all())

    def model_of(self, profile_id: str) -> str:
        """Return the model that a profile uses here, "" for the host's default."""
        profile = self._profiles.find(profile_id) or self._profiles.default
        backend = self._hosts.backends.get(profile.llm_backend)
        default = backend.default_model if backend else ""
        return self._hosts.model or profile.model or default

    def reload(self) -> tuple[str, ...]:
        self._profiles.reload()
        return self._profiles.problems


def desk_of(parts: Parts) -> Desk:
    stores, zone = parts.stores, ZoneInfo(parts.settings.timezone)

    def catalogue() -> Catalogue:
        """Return every tool of any profile, and what is wrong with the others."""
        found = parts.profiles.all()
        names = [name for profile in found for name in profile.enabled_tools]
        summaries = [profile.summary for profile in found]
        return parts.toolbox.catalogue(names, summaries, parts.profiles.problems)

    async def notes(_person: PersonId, head: Head) -> Mapping[str, str]:
        session = await stores.sessions.current(head.room)
        return await stores.state(session.id).notes()

    return Desk(
        inbox=stores.inbox,
        turns=stores.turns,
        sessions=stores.sessions,
        running=parts.running,
        profiles=Choices(parts.profiles, parts.hosts),
        model=parts.hosts.main,
        tools=lambda: catalogue().tools(),
        problems=lambda: catalogue().problems(),
        notes=notes,
        status=lambda: status_lines(
            parts.online, parts.aftermath, stores.database, safe=parts.safe.on
        ),
        now=lambda: datetime.now(zone),
        num_ctx=parts.settings.ollama_num_ctx,
        persona=parts.persona,
        commands=lambda: parts.commands,
        recalls=RecallDesk(
            agendas_of(parts), stores.recalls, stores.receipts, stores.zones, home=zone
        ),
        calendar=parts.calendar,
        resume=lambda: parts.safe.leave("resumed"),
    )


def agendas_of(parts: Parts) -> Callable[[PersonId, RoomId, Role], Agenda]:
    """Return what makes the agenda of a person in a room."""
    stores, home = parts.stores, ZoneInfo(parts.settings.timezone)
    return lambda person, room, role: Agenda(stores.recalls, stores.zones, person, room, role, home)
