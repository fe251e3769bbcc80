"""Settings of the owner's calendar."""

from typing import Annotated

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings

from navi_bot.settings import values
from navi_bot.settings.parse import parsed


class CalendarSettings(BaseSettings):
    caldav_url: Annotated[str, parsed(values.web_address)] = Field(
        default="", validation_alias="CALDAV_URL"
    )
    caldav_user: str = Field(default="", validation_alias="CALDAV_USER")
    caldav_password: SecretStr | None = Field(default=None, validation_alias="CALDAV_PASSWORD")
