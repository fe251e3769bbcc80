"""Settings of the chat platforms."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, SecretStr
from pydantic_settings import BaseSettings

from navi_bot.settings import values
from navi_bot.settings.parse import Seconds, parsed


class TelegramSettings(BaseSettings):
    telegram_bot_token: Annotated[SecretStr | None, parsed(values.telegram_token)] = Field(
        default=None, validation_alias="TELEGRAM_BOT_TOKEN"
    )
    telegram_api_url: Annotated[str, parsed(values.web_address)] = Field(
        default="https://api.telegram.org", validation_alias="TELEGRAM_API_URL"
    )
    telegram_calls_per_second: float = Field(
        default=25.0, ge=1, allow_inf_nan=False, validation_alias="TELEGRAM_CALLS_PER_SECOND"
    )
    """Of all chats together; Telegram takes about 30 of a bot, more only if it pays."""


class MatrixSettings(BaseSettings):
    matrix_homeserver: Annotated[str, parsed(values.web_address)] = Field(
        default="", validation_alias="MATRIX_HOMESERVER"
    )
    matrix_user_id: Annotated[str, parsed(values.mxid)] = Field(
        default="", validation_alias="MATRIX_USER_ID"
    )
    matrix_password: SecretStr | None = Field(default=None, validation_alias="MATRIX_PASSWORD")
    matrix_access_token: SecretStr | None = Field(
        default=None, validation_alias="MATRIX_ACCESS_TOKEN"
    )
    matrix_device_id: str = Field(default="", validation_alias="MATRIX_DEVICE_ID")
    matrix_call_interval: Seconds = Field(
        default=2.0, gt=0, validation_alias="MATRIX_CALL_INTERVAL"
    )
    """Between two messages or edits in one room, to begin with; homeservers set the pace."""
    matrix_unverified: Annotated[
        Literal["all", "talk", "nothing"], BeforeValidator(values.word)
    ] = Field(default="talk", validation_alias="MATRIX_UNVERIFIED")
    """What devices that the bot does not know may do."""
