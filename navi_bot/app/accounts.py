"""Builds the adapters that are configured; none is connected yet."""

import os
import stat
import sys
from collections.abc import AsyncIterator, Mapping

from pydantic import SecretStr

from navi_bot.delivery.governor import OVERALL_RATE
from navi_bot.errors import ConfigurationError
from navi_bot.ports.platform import Adapter
from navi_bot.settings import Settings, chosen_adapters
from navi_bot.store.relay import PostgresRelay

RELAY = ("console", "relay")
"""Platform and account of terminals in other processes."""


def telegram(settings: Settings, commands: Mapping[str, str] | None = None) -> Adapter:
    from adapters.telegram.adapter import TelegramAdapter  # noqa: PLC0415 - only when configured

    token = settings.telegram_bot_token
    if token is None:
        raise ConfigurationError("TELEGRAM_BOT_TOKEN is missing; get one from @BotFather.")
    return TelegramAdapter(
        token.get_secret_value(), settings.telegram_api_url, commands=commands or {}
    )


def calls_per_second(settings: Settings, platform: str) -> float:
    """Return how many calls a platform takes of one account, all chats together."""
    return settings.telegram_calls_per_second if platform == "telegram" else OVERALL_RATE


def matrix(settings: Settings) -> Adapter:
    from adapters.matrix.adapter import MatrixAdapter  # noqa: PLC0415 - only when configured
    from adapters.matrix.login import Credentials  # noqa: PLC0415 - only when configured

    return MatrixAdapter(
        Credentials(**_matrix_account(settings)),
        settings.data_dir,
        owners=[name for platform, name in settings.owners if platform == "matrix"],
        secret_key=_shown(settings.secret_key),
        interval=settings.matrix_call_interval,
        unverified=settings.matrix_unverified,
    )


def matrix_login(
    settings: Settings, *, new_device: bool, replace_identity: bool
) -> AsyncIterator[str]:
    """Log in and sign the device; yield a line for each step that is done."""
    from adapters.matrix.login import Credentials  # noqa: PLC0415 - only when configured
    from adapters.matrix.setup import log_in  # noqa: PLC0415 - only when configured

    if not settings.matrix_homeserver:
        raise ConfigurationError("MATRIX_HOMESERVER is empty; Matrix is not configured.")
    return log_in(
        Credentials(**_matrix_account(settings)),
        settings.data_dir,
        _shown(settings.secret_key),
        new_device=new_device,
        replace_identity=replace_identity,
    )


def _matrix_account(settings: Settings) -> dict[str, str]:
    return {
        "homeserver": settings.matrix_homeserver,
        "user_id": settings.matrix_user_id,
        "password": _shown(settings.matrix_password),
        "access_token": _shown(settings.matrix_access_token),
        "device_id": settings.matrix_device_id,
    }


def _shown(secret: SecretStr | None) -> str:
    return secret.get_secret_value() if secret is not None else ""


def terminal(settings: Settings, commands: Mapping[str, str]) -> Adapter:
    from adapters.console.terminal import TerminalAdapter  # noqa: PLC0415 - only when configured

    history = settings.data_dir / "console.history"
    return TerminalAdapter(history, commands)


def pipe() -> Adapter:
    from adapters.console.pipe import PipeAdapter  # noqa: PLC0415 - only when configured

    return PipeAdapter()


def relay(store: PostgresRelay) -> Adapter:
    from adapters.console.relay import RelayAdapter  # noqa: PLC0415 - only when configured

    return RelayAdapter(store)


async def attached(settings: Settings, commands: Mapping[str, str], store: PostgresRelay) -> None:
    """Serve this terminal from the daemon in another process, until it is left."""
    from adapters.console.relay import attach  # noqa: PLC0415 - only when configured
    from adapters.console.terminal import TerminalAdapter  # noqa: PLC0415 - only when configured

    history = settings.data_dir / "console.history"
    await attach(store, TerminalAdapter(history, commands, account=RELAY[1]))


def console_kind() -> str:
    """Return what standard input is: "terminal", "pipe" (or a file), or ""."""
    try:
        mode = os.fstat(sys.stdin.fileno()).st_mode
    except (AttributeError, OSError, ValueError):  # closed, or there is none
        return ""
    if sys.stdin.isatty():
        return "terminal" if sys.stdout.isatty() else "pipe"
    readable = stat.S_ISFIFO(mode) or stat.S_ISREG(mode) or stat.S_ISSOCK(mode)
    return "pipe" if readable else ""


def build(settings: Settings, commands: Mapping[str, str]) -> list[Adapter]:
    """Return the adapters of this run, not connected yet; `commands`: name → help.

    ConfigurationError when there is nobody to talk to.
    """
    adapters: list[Adapter] = []
    for name in chosen_adapters(settings):
        match name:
            case "telegram":
                adapters.append(telegram(settings, commands))
            case "matrix":
                adapters.append(matrix(settings))
            case "console":
                adapters.append(console(settings, commands))
            case _:
                raise ConfigurationError(
                    f"NAVI_ADAPTERS names {name}, which this version does not have yet."
                )
    return adapters


def console(settings: Settings, commands: Mapping[str, str]) -> Adapter:
    """Return the console that standard input and output make."""
    match console_kind():
        case "terminal":
            return terminal(settings, commands)
        case "pipe":
            return pipe()
    raise ConfigurationError(
        "There is nobody to talk to: no chat platform is configured, and standard input is "
        "neither a terminal nor a pipe. Set TELEGRAM_BOT_TOKEN or MATRIX_HOMESERVER, or run this "
        "in a terminal."
    )
