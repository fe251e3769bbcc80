"""What is installed: commands, tools, profiles."""

from collections.abc import Mapping

from navi_bot.agent.persona import PERSONA
from navi_bot.agent.profiles import Profiles
from navi_bot.commands import about, operator, rooms, turns
from navi_bot.commands.table import Command, collect
from navi_bot.errors import ConfigurationError
from navi_bot.resources import profiles_folder
from navi_bot.settings import Settings
from navi_bot.toolbox.registry import Registry, own_problems, shipped


def all_commands() -> dict[str, Command]:
    return collect((about.COMMANDS, rooms.COMMANDS, turns.COMMANDS, operator.COMMANDS))


def menu(commands: Mapping[str, Command]) -> dict[str, str]:
    """Return the commands that people are shown: name → help."""
    return {name: command.help() for name, command in commands.items() if not command.hidden}


def registry_of(settings: Settings) -> Registry:
    return Registry(shipped(), own_problems(settings.tools_dir))


def profiles_of(settings: Settings, registry: Registry) -> Profiles:
    """Read the shipped profiles and the operator's; ConfigurationError when none is usable."""
    folders = [profiles_folder()]
    if settings.profiles_dir is not None:
        folders.append(settings.profiles_dir)
    return Profiles(folders, settings.profile, installed=registry.names)


def persona_of(settings: Settings) -> str:
    """Return the operator's persona, else the shipped one."""
    if settings.persona_file is None:
        return settings.persona or PERSONA
    try:
        return settings.persona_file.read_text(encoding="utf-8").strip() or PERSONA
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"NAVI_PERSONA_FILE {settings.persona_file} cannot be read; make it a UTF-8 text "
            "file that navi-bot may read."
        ) from error
