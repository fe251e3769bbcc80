"""Settings: the environment, `.env`, and files that systemd hands over.

Each area has a module of its own. `load` is the only reader; everything else
is given a `Settings`. An attribute is the variable's name in lower case
without `NAVI_`.
"""

import os
from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from pydantic import SecretStr, ValidationError
from pydantic_settings import SettingsConfigDict, SettingsError

from navi_bot.errors import ConfigurationError
from navi_bot.settings.calendar import CalendarSettings
from navi_bot.settings.daemon import DaemonSettings
from navi_bot.settings.faults import sentences
from navi_bot.settings.models import ContextSettings, ModelSettings, SearchSettings
from navi_bot.settings.platforms import MatrixSettings, TelegramSettings

__all__ = ["Settings", "chosen_adapters", "load", "variables"]


class Settings(
    CalendarSettings,
    SearchSettings,
    ContextSettings,
    ModelSettings,
    MatrixSettings,
    TelegramSettings,
    DaemonSettings,
):
    """All of them. Tests and tools may build one by attribute names."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="ignore",
        populate_by_name=True,
        env_ignore_empty=True,
        enable_decoding=False,
        hide_input_in_errors=True,
        validate_default=False,
    )

    def secrets(self) -> tuple[str, ...]:
        """Return every secret's value, passwords inside addresses too, for redaction."""
        values = (getattr(self, name) for name in type(self).model_fields)
        return tuple(dict.fromkeys(chain.from_iterable(map(_hidden, values))))


def load(env_file: Path | None = Path(".env")) -> Settings:
    """Read the environment, then `env_file`, then files in `$CREDENTIALS_DIRECTORY`.

    Raises ConfigurationError with one sentence per fault.
    """
    credentials = os.environ.get("CREDENTIALS_DIRECTORY") or None
    # A mapping, because type checkers do not know these two of pydantic's arguments.
    sources: dict[str, Any] = {"_env_file": env_file, "_secrets_dir": credentials}
    try:
        settings = Settings(**sources)
    except ValidationError as error:
        raise ConfigurationError(*sentences(error)) from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(
            f"{env_file} or a credential file is not UTF-8 text; save it as UTF-8."
        ) from error
    except (OSError, SettingsError) as error:
        raise ConfigurationError(
            f"A file with settings cannot be read ({error}); "
            f"see to .env and to {credentials or 'the credentials folder'}."
        ) from error
    if faults := contradictions(settings):
        raise ConfigurationError(*faults)
    return settings


def variables() -> tuple[str, ...]:
    """Return the names of all environment variables that are read."""
    return tuple(str(field.validation_alias) for field in Settings.model_fields.values())


def chosen_adapters(settings: Settings) -> tuple[str, ...]:
    """Return the adapters to run: those named, else those with credentials, else the console."""
    if settings.adapters:
        return settings.adapters
    return tuple(name for name in ("telegram", "matrix") if not _missing(name, settings)) or (
        "console",
    )


def contradictions(settings: Settings) -> tuple[str, ...]:
    """Return a sentence for each pair of settings that do not go together; pure."""
    faults = [
        f"NAVI_ADAPTERS names {name}, but {missing} is empty; set it, or take {name} out."
        for name in settings.adapters
        if (missing := _missing(name, settings))
    ]
    if "matrix" not in settings.adapters and (missing := _missing("matrix", settings)):
        begun = (settings.matrix_homeserver, settings.matrix_user_id)
        if any((*begun, settings.matrix_password, settings.matrix_access_token)):
            faults.append(f"{missing} is empty; Matrix needs it, or no MATRIX_ variable at all.")
    if (settings.caldav_user or settings.caldav_password) and not settings.caldav_url:
        faults.append("CALDAV_URL is empty; a calendar needs it, or no CALDAV_ variable at all.")
    if settings.llm_output_reserve >= settings.ollama_num_ctx:
        faults.append(
            "LLM_OUTPUT_RESERVE leaves nothing of OLLAMA_NUM_CTX for the question; lower it."
        )
    if settings.persona and settings.persona_file:
        faults.append("NAVI_PERSONA and NAVI_PERSONA_FILE are both set; keep one of them.")
    return tuple(faults)


def _missing(adapter: str, settings: Settings) -> str:
    """Name the first variable that an adapter still needs, "" when it has all."""
    needs: Mapping[str, Mapping[str, object]] = {
        "console": {},
        "telegram": {"TELEGRAM_BOT_TOKEN": settings.telegram_bot_token},
        "matrix": {
            "MATRIX_HOMESERVER": settings.matrix_homeserver,
            "MATRIX_USER_ID": settings.matrix_user_id,
            "MATRIX_PASSWORD (or MATRIX_ACCESS_TOKEN)": settings.matrix_password
            or settings.matrix_access_token,
        },
    }
    return next((variable for variable, value in needs[adapter].items() if not value), "")


def _hidden(value: object) -> tuple[str, ...]:
    """Return the secrets in a setting's value: the whole of it, or an address's password."""
    whole = isinstance(value, SecretStr)
    text = value.get_secret_value() if isinstance(value, SecretStr) else value
    if not isinstance(text, str):
        return ()
    try:
        password = urlsplit(text).password or ""
    except ValueError:
        password = ""
    found = (text if whole else "", password, unquote(password))
    return tuple(filter(None, found))
