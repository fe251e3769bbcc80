"""Settings of the daemon itself."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, SecretStr
from pydantic_settings import BaseSettings

from navi_bot.settings import values
from navi_bot.settings.parse import Seconds, parsed
from navi_bot.settings.values import Folder
from navi_bot.settings.zone import local_zone


def default_data_dir(environment: Mapping[str, str] = os.environ) -> Path:
    """Return systemd's state folder, else navi-bot's own in the user's data home."""
    if state := environment.get("STATE_DIRECTORY", "").partition(":")[0]:
        return Path(state)
    home = environment.get("XDG_DATA_HOME", "")
    if home.startswith("/"):  # the XDG specification ignores relative paths
        return Path(home) / "navi-bot"
    return values.absolute("~/.local/share/navi-bot")


class DaemonSettings(BaseSettings):
    data_dir: Annotated[Path, parsed(values.absolute)] = Field(
        default_factory=default_data_dir, validation_alias="NAVI_DATA_DIR"
    )
    database_url: Annotated[SecretStr | None, parsed(values.database_url)] = Field(
        default=None, validation_alias="NAVI_DATABASE_URL"
    )
    """None: the embedded PostgreSQL."""
    adapters: Annotated[tuple[str, ...], parsed(values.adapter_names)] = Field(
        default=(), validation_alias="NAVI_ADAPTERS"
    )
    owners: Annotated[tuple[tuple[str, str], ...], parsed(values.owners)] = Field(
        default=(), validation_alias="NAVI_OWNERS"
    )
    """(platform, id) pairs."""
    pairing: Annotated[Literal["off", "code"], BeforeValidator(values.word)] = Field(
        default="off", validation_alias="NAVI_PAIRING"
    )
    profile: str = Field(default="secretary", validation_alias="NAVI_PROFILE")
    model: str = Field(default="", validation_alias="NAVI_MODEL")
    timezone: Annotated[str, parsed(values.zone)] = Field(
        default_factory=local_zone, validation_alias="NAVI_TIMEZONE"
    )
    language: Annotated[str, parsed(values.language)] = Field(
        default="", validation_alias="NAVI_LANGUAGE"
    )
    persona: str = Field(default="", validation_alias="NAVI_PERSONA")
    persona_file: Annotated[Path | None, parsed(values.existing_file)] = Field(
        default=None, validation_alias="NAVI_PERSONA_FILE"
    )
    profiles_dir: Annotated[Path | None, parsed(values.existing_folder)] = Field(
        default=None, validation_alias="NAVI_PROFILES_DIR"
    )
    tools_dir: Annotated[Path | None, parsed(values.existing_folder)] = Field(
        default=None, validation_alias="NAVI_TOOLS_DIR"
    )
    folders: Annotated[tuple[Folder, ...], parsed(values.folders)] = Field(
        default=(), validation_alias="NAVI_FOLDERS"
    )
    secret_key: SecretStr | None = Field(default=None, validation_alias="NAVI_SECRET_KEY")
    stale_after: Seconds = Field(default=21600.0, ge=0, validation_alias="NAVI_STALE_AFTER")
    concurrency: int = Field(default=32, ge=1, validation_alias="NAVI_CONCURRENCY")
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], BeforeValidator(values.word)
    ] = Field(default="info", validation_alias="NAVI_LOG_LEVEL")
    log_format: Annotated[Literal["console", "json"], BeforeValidator(values.word)] = Field(
        default="console", validation_alias="NAVI_LOG_FORMAT"
    )
    notify_after: Seconds = Field(default=30.0, ge=0, validation_alias="NAVI_NOTIFY_AFTER")
    steer: bool = Field(default=False, validation_alias="NAVI_STEER")
    drain: Seconds = Field(default=5.0, ge=0, validation_alias="NAVI_DRAIN")
    file_limit: int = Field(default=10_000_000, ge=1, validation_alias="NAVI_FILE_LIMIT")
    first_show: Seconds = Field(default=1.5, ge=0, validation_alias="NAVI_FIRST_SHOW")
