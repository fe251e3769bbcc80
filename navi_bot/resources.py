"""Finds the folders that come with navi-bot: shipped profiles and migrations."""

from pathlib import Path
from typing import Literal

from navi_bot.errors import ConfigurationError

_PACKAGE = Path(__file__).resolve().parent


def shipped(name: Literal["profiles", "migrations"], package: Path = _PACKAGE) -> Path:
    """Return a shipped folder: the checkout's own, else the copy inside the wheel.

    Raises ConfigurationError when neither is there.
    """
    checkout = package.parent
    # Beside an installed package, a folder of that name would be somebody else's.
    if (checkout / "pyproject.toml").is_file() and (checkout / name).is_dir():
        return checkout / name
    if (package / name).is_dir():
        return package / name
    raise ConfigurationError(
        f"navi-bot's own folder {name} is not at {package / name}; install navi-bot again."
    )


def profiles_folder() -> Path:
    return shipped("profiles")


def migrations_folder() -> Path:
    return shipped("migrations")
