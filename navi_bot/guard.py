"""Start-up guard: `tools` and `adapters` must be ours.

They are plain top-level names, so a folder of that name in the working
directory or on PYTHONPATH could stand in their place.
"""

from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

from navi_bot.errors import ConfigurationError

_HOME = Path(__file__).resolve().parent.parent


def refuse_foreign_packages(
    names: Iterable[str] = ("adapters", "tools"), home: Path = _HOME
) -> None:
    """Raise ConfigurationError unless each package stands beside navi_bot."""
    faults = [fault for name in names if (fault := _fault(name, home))]
    if faults:
        raise ConfigurationError(*faults)


def _fault(name: str, home: Path) -> str:
    spec = find_spec(name)
    if spec is None:
        return f"navi-bot's package {name!r} is not installed; install navi-bot again."
    places = [Path(place).resolve() for place in spec.submodule_search_locations or ()]
    if places == [home / name]:
        return ""
    found = spec.origin if spec.origin else ", ".join(map(str, places))
    return (
        f"Another package named {name!r} ({found}) hides navi-bot's own; start navi-bot from "
        "another folder, or take that one off PYTHONPATH."
    )
