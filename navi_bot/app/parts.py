"""The daemon's passive parts: what there is one of, before anything runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from navi_bot.agent.profiles import Profiles
from navi_bot.app.aftermath import Aftermath
from navi_bot.app.calendar import calendar_of
from navi_bot.app.catalogue import all_commands, profiles_of, registry_of
from navi_bot.app.hosts import Hosts
from navi_bot.app.online import Online
from navi_bot.app.persona import Persona
from navi_bot.app.stores import Stores
from navi_bot.commands.table import Command
from navi_bot.models.estimate import TokenEstimator
from navi_bot.ports.agent import Toolbox
from navi_bot.ports.calendar import Calendar
from navi_bot.redaction import redact
from navi_bot.running import Running
from navi_bot.safe_mode import SafeMode
from navi_bot.settings import Settings
from navi_bot.toolbox.custody import Custody
from navi_bot.toolbox.registry import SHIPPED
from navi_bot.toolbox.runner import InstalledTools


@dataclass(frozen=True, slots=True)
class Parts:
    settings: Settings
    stores: Stores
    hosts: Hosts
    profiles: Profiles
    toolbox: Toolbox
    estimator: TokenEstimator
    aftermath: Aftermath
    online: Online
    running: Running
    safe: SafeMode
    commands: Mapping[str, Command]
    persona: Persona
    calendar: Calendar | None = None

    def hide(self, text: str) -> str:
        """Return the text without the operator's secrets."""
        return redact(text, self.settings.secrets())


async def gather(
    settings: Settings,
    stores: Stores,
    hosts: Hosts,
    custody: Custody,
    packages: Sequence[str] = SHIPPED,
    safe: SafeMode | None = None,
) -> Parts:
    """Make the parts, with the tools of these packages.

    ConfigurationError when no profile is usable.
    """
    registry = registry_of(settings, packages)
    hidden = partial(redact, secrets=settings.secrets())
    estimator = TokenEstimator(await stores.calibration.load())
    return Parts(
        settings=settings,
        stores=stores,
        hosts=hosts,
        profiles=profiles_of(settings, registry),
        toolbox=InstalledTools(registry, hidden, custody=custody),
        estimator=estimator,
        aftermath=Aftermath(estimator, stores.calibration),
        online=Online(),
        running=Running(),
        safe=safe or SafeMode(),
        commands=all_commands(),
        persona=await Persona.load(settings, stores.choices),
        calendar=calendar_of(settings),
    )
