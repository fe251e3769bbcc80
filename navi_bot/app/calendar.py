"""Builds the calendar that is configured; the library for it is an extra."""

from datetime import datetime
from zoneinfo import ZoneInfo

from navi_bot.errors import OperatorError
from navi_bot.ports.calendar import Calendar
from navi_bot.schedule.appointment import Appointment
from navi_bot.settings import Settings

MISSING = (
    "CALDAV_URL is set, but what reads calendars is not installed; install it with: "
    "pip install 'navi-bot[calendar]'"
)


class Uninstalled:
    """Implements the Calendar port where the extra is missing: says so."""

    async def names(self) -> tuple[str, ...]:
        raise OperatorError(MISSING)

    async def between(
        self, start: datetime, end: datetime, zone: ZoneInfo
    ) -> tuple[Appointment, ...]:
        raise OperatorError(MISSING)


def calendar_of(settings: Settings) -> Calendar | None:
    """Return the owner's calendar, None where none is configured."""
    if not settings.caldav_url:
        return None
    try:
        from navi_bot.calendars.caldav_server import (  # noqa: PLC0415 - an extra, only when configured
            CaldavCalendar,
        )
    except ModuleNotFoundError:
        return Uninstalled()
    password = settings.caldav_password
    return CaldavCalendar(
        settings.caldav_url,
        settings.caldav_user,
        password.get_secret_value() if password is not None else "",
    )
