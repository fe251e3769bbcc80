"""What is installed: commands, tools, profiles."""

from collections.abc import Mapping, Sequence

from navi_bot.agent.profiles import Profiles
from navi_bot.commands import about, calendar, operator, recalls, rooms, turns
from navi_bot.commands.table import Command, collect
from navi_bot.resources import profiles_folder
from navi_bot.settings import Settings
from navi_bot.toolbox.registry import SHIPPED, Registry, own_problems, shipped


def all_commands() -> dict[str, Command]:
    areas = (about, rooms, turns, recalls, calendar, operator)
    return collect(area.COMMANDS for area in areas)


def menu(commands: Mapping[str, Command]) -> dict[str, str]:
    """Return the commands that people are shown: name → help."""
    return {name: command.help() for name, command in commands.items() if not command.hidden}


def registry_of(settings: Settings, packages: Sequence[str] = SHIPPED) -> Registry:
    equipment = ("calendar",) if settings.caldav_url else ()
    return Registry(shipped(*packages), own_problems(settings.tools_dir), equipment)


def profiles_of(settings: Settings, registry: Registry) -> Profiles:
    """Read the shipped profiles and the operator's; ConfigurationError when none is usable."""
    folders = [profiles_folder()]
    if settings.profiles_dir is not None:
        folders.append(settings.profiles_dir)
    return Profiles(folders, settings.profile, installed=registry.names)
