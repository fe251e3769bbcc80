"""Profiles: what the agent is in a session, one folder each.

    <name>/config.json        the fields below, without the prompt
    <name>/system_prompt.txt  the profile's part of the system text

Several directories are read in order; a later one replaces profiles of the
same name. A bad profile is named in `problems` and skipped.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from navi_bot.errors import ConfigurationError
from navi_bot.ports.tools import ProfileSummary

log = structlog.get_logger()

DEFAULT_ITERATIONS = 40


class _File(BaseModel):
    """config.json as it may be written."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1)
    description: str = Field(min_length=1)
    short_description: str = ""
    enabled_tools: list[str]
    model: str = ""
    temperature: float = Field(default=0.7, ge=0.0, le=2.0)
    max_iterations: int = Field(default=DEFAULT_ITERATIONS, ge=1, le=500)
    planning_enabled: bool = False
    llm_backend: str = "ollama"
    subagent_tools: list[str] = []
    subagent_system_prompt: str = ""
    subagent_planning_enabled: bool = False


@dataclass(frozen=True, slots=True)
class Profile:
    """One profile. `model` "" means the daemon's default model."""

    id: str
    name: str
    description: str
    system_prompt: str
    enabled_tools: tuple[str, ...] = ()
    short_description: str = ""
    model: str = ""
    temperature: float = 0.7
    max_iterations: int = DEFAULT_ITERATIONS
    planning_enabled: bool = False
    llm_backend: str = "ollama"
    subagent_tools: tuple[str, ...] = ()
    subagent_system_prompt: str = ""
    subagent_planning_enabled: bool = False

    @property
    def summary(self) -> ProfileSummary:
        return ProfileSummary(
            self.id, self.name, self.description, self.short_description, self.enabled_tools
        )


class Profiles:
    """All usable profiles, in the order of their names."""

    def __init__(
        self,
        directories: Sequence[Path],
        default: str = "secretary",
        installed: Collection[str] | None = None,
    ) -> None:
        """Read the directories, the shipped one first; ConfigurationError when
        no profile is usable. With `installed` tool names, unknown ones are problems.
        """
        self._directories = tuple(directories)
        self._default = default
        self._installed = installed
        self._profiles: dict[str, Profile] = {}
        self.problems: tuple[str, ...] = ()
        self.reload()

    def reload(self) -> None:
        """Read the directories again.

        ConfigurationError when no profile would be usable: then those known
        before stay.
        """
        profiles: dict[str, Profile] = {}
        problems: list[str] = []
        known: set[str] = set(self._installed or ())
        for number, directory in enumerate(self._directories):
            found, faults = _read_all(directory)
            profiles.update(found)
            problems += faults
            if number == 0:  # tools that ship with a later version are absent, not unknown
                known.update(name for each in found.values() for name in each.enabled_tools)
            elif self._installed is not None:
                problems += filter(None, (_strangers(known, each) for each in found.values()))
        if not profiles:
            raise ConfigurationError("No profile is usable.", *problems)
        if self._default not in profiles:
            problems.append(f"The default profile '{self._default}' is not there.")
        for problem in problems:
            log.warning("profile_skipped", problem=problem)
        self._profiles = dict(sorted(profiles.items()))
        self.problems = tuple(problems)

    def all(self) -> tuple[Profile, ...]:
        return tuple(self._profiles.values())

    def find(self, profile_id: str) -> Profile | None:
        return self._profiles.get(profile_id)

    @property
    def default(self) -> Profile:
        """The profile of new sessions, and of those whose own has gone."""
        return self._profiles.get(self._default) or next(iter(self._profiles.values()))


def _strangers(known: Collection[str], profile: Profile) -> str:
    """Return a sentence about tool names of a profile that nobody knows, "" if there are none."""
    strange = [name for name in profile.enabled_tools if name not in known]
    if not strange:
        return ""
    return f"Profile '{profile.id}' names tools that are not installed: {', '.join(strange)}."


def _read_all(directory: Path) -> tuple[dict[str, Profile], list[str]]:
    if not directory.is_dir():
        return {}, [f"The profiles folder {directory} is not there."]
    profiles: dict[str, Profile] = {}
    problems: list[str] = []
    for folder in sorted(path for path in directory.iterdir() if path.is_dir()):
        if folder.name[0] in "._":
            continue
        try:
            profiles[folder.name] = _read(folder)
        except ConfigurationError as error:
            problems.append(f"Profile '{folder.name}' was skipped: {error}")
    return profiles, problems


def _read(folder: Path) -> Profile:
    try:
        file = _File.model_validate_json((folder / "config.json").read_bytes())
        prompt = (folder / "system_prompt.txt").read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ConfigurationError(f"{error.filename} cannot be read.") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError("system_prompt.txt is not UTF-8.") from error
    except ValidationError as error:
        faults = (
            f"{'.'.join(str(part) for part in fault['loc']) or 'config.json'}: {fault['msg']}"
            for fault in error.errors(include_url=False, include_input=False)
        )
        raise ConfigurationError(f"config.json: {'; '.join(faults)}.") from error
    if not prompt:
        raise ConfigurationError("system_prompt.txt is empty.")
    fields: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in file.model_dump().items()
    }
    return Profile(id=folder.name, system_prompt=prompt, **fields)
