"""What the profile in force gives a run: tools, system text, a model host."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from navi_bot.agent.ending import Failed
from navi_bot.agent.profiles import Profile, Profiles
from navi_bot.agent.prompt import system_text
from navi_bot.agent.run import Run
from navi_bot.events import StreamFailed
from navi_bot.messages import ChatKind
from navi_bot.ports.agent import Backend, Toolbox
from navi_bot.ports.model import ModelInfo, Think, ToolSchema
from navi_bot.ports.tools import Catalogue
from navi_bot.texts import agent as texts


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything a model call needs but the conversation. Sizes are in tokens."""

    profile: Profile
    backend: Backend
    model: str
    info: ModelInfo
    catalogue: Catalogue
    schemas: tuple[ToolSchema, ...]
    system: str
    think: Think
    num_ctx: int
    max_iterations: int


class Desks:
    """Sets up desks from the profiles, tools and hosts that the daemon has."""

    def __init__(
        self,
        profiles: Profiles,
        toolbox: Toolbox,
        backends: Mapping[str, Backend],
        persona: Callable[[], str],
    ) -> None:
        self._profiles = profiles
        self._toolbox = toolbox
        self._backends = backends
        self._persona = persona

    async def desk(self, run: Run, profile_id: str) -> Desk:
        """Set up a run's desk; a profile that is gone is replaced by the default one.

        Failed when the profile's backend is not set up; passes the model
        host's errors.
        """
        profile = self._profiles.find(profile_id) or self._profiles.default
        backend = self._backends.get(profile.llm_backend)
        if backend is None:
            reason = texts.BACKEND_MISSING(profile=profile.id, backend=profile.llm_backend)
            raise Failed(StreamFailed(reason, retryable=False))
        wanted = run.model or profile.model or backend.default_model
        info = await backend.model.describe(wanted)
        catalogue = self._catalogue(profile)
        return Desk(
            profile=profile,
            backend=backend,
            model=wanted or info.name,
            info=info,
            catalogue=catalogue,
            schemas=tuple(tool.schema for tool in catalogue.tools()) if info.tools else (),
            system=self._system(run, profile),
            think=_think(run, backend, info),
            num_ctx=min(backend.num_ctx, info.context_length or backend.num_ctx),
            max_iterations=run.max_iterations or profile.max_iterations,
        )

    def _catalogue(self, profile: Profile) -> Catalogue:
        summaries = tuple(each.summary for each in self._profiles.all())
        return self._toolbox.catalogue(profile.enabled_tools, summaries, self._profiles.problems)

    def _system(self, run: Run, profile: Profile) -> str:
        """In a group the zone differs by person, so it is told with the facts alone."""
        alone = run.chat_kind is ChatKind.PRIVATE
        zone = run.tail.timezone or "UTC" if alone else "the zone in the newest facts"
        return system_text(
            self._persona(),
            profile,
            self._profiles.all(),
            run.platform,
            run.chat_kind,
            {"tz": zone},
        )


def _think(run: Run, backend: Backend, info: ModelInfo) -> Think:
    """A model that cannot think refuses to be asked to, even not to."""
    if not info.thinking:
        return None
    return backend.think if run.think is None else run.think
