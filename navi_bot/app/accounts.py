"""Builds the adapters that are configured and brings them online."""

import asyncio
import sys
from collections.abc import Mapping

import structlog

from navi_bot.errors import ConfigurationError, CredentialError, PlatformError
from navi_bot.ports.platform import Adapter
from navi_bot.settings import Settings, chosen_adapters
from navi_bot.store.relay import PostgresRelay

log = structlog.get_logger()

CONNECT_WAITS = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Seconds between tries to reach a platform at start; the last one repeats."""


def telegram(settings: Settings) -> Adapter:
    from adapters.telegram.adapter import TelegramAdapter  # noqa: PLC0415 - only when configured

    token = settings.telegram_bot_token
    if token is None:
        raise ConfigurationError("TELEGRAM_BOT_TOKEN is missing; get one from @BotFather.")
    return TelegramAdapter(token.get_secret_value(), settings.telegram_api_url)


def terminal(settings: Settings, commands: Mapping[str, str], account: str = "local") -> Adapter:
    from adapters.console.terminal import TerminalAdapter  # noqa: PLC0415 - only when configured

    history = settings.data_dir / "console.history"
    return TerminalAdapter(history, commands, account=account)


def pipe() -> Adapter:
    from adapters.console.pipe import PipeAdapter  # noqa: PLC0415 - only when configured

    return PipeAdapter()


def relay(store: PostgresRelay) -> Adapter:
    from adapters.console.relay import RelayAdapter  # noqa: PLC0415 - only when configured

    return RelayAdapter(store)


def console_kind() -> str:
    """Return what standard input and output are: "terminal", "pipe" or ""."""
    if sys.stdin is None or sys.stdin.closed:
        return ""
    if sys.stdin.isatty():
        return "terminal" if sys.stdout.isatty() else "pipe"
    return "pipe"


def build(
    settings: Settings, commands: Mapping[str, str], relay_store: PostgresRelay
) -> list[Adapter]:
    """Return the adapters of this run, not connected yet."""
    names = chosen_adapters(settings)
    adapters: list[Adapter] = []
    for name in names:
        match name:
            case "telegram":
                adapters.append(telegram(settings))
            case "console":
                kind = console_kind()
                adapters.append(terminal(settings, commands) if kind == "terminal" else pipe())
            case _:
                raise ConfigurationError(
                    f"NAVI_ADAPTERS names {name}, which this version does not have yet."
                )
    if "console" not in names:
        adapters.append(relay(relay_store))
    return adapters


async def connected(adapters: list[Adapter]) -> list[Adapter]:
    """Connect every adapter; one whose credentials are refused is left out.

    A platform that cannot be reached is tried until it can. CredentialError
    when no platform is left.
    """
    online: list[Adapter] = []
    refused: list[CredentialError] = []
    for adapter in adapters:
        try:
            await _connect(adapter)
        except CredentialError as error:
            log.error("adapter_refused", platform=adapter.platform, error=str(error))
            refused.append(error)
        else:
            online.append(adapter)
    if refused and all(adapter.platform == "console" for adapter in online):
        raise ConfigurationError(*(str(error) for error in refused))
    return online


async def _connect(adapter: Adapter) -> None:
    for attempt in range(sys.maxsize):
        try:
            await adapter.connect()
        except PlatformError as error:
            wait = CONNECT_WAITS[min(attempt, len(CONNECT_WAITS) - 1)]
            log.warning(
                "adapter_not_connected",
                platform=adapter.platform,
                error=str(error),
                retry_in=wait,
            )
            await asyncio.sleep(wait)
        else:
            return
