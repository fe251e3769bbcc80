"""The owner's calendars, to be read and never written."""

from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from navi_bot.schedule.appointment import Appointment


class Calendar(Protocol):
    """What is in all calendars of the configured account.

    Raises OperatorError, CredentialError or PlatformError, in a sentence with the mend.
    """

    async def names(self) -> tuple[str, ...]:
        """Return what the calendars are called."""
        ...

    async def between(
        self, start: datetime, end: datetime, zone: ZoneInfo
    ) -> tuple[Appointment, ...]:
        """Return what lies within a span of aware times, each time of what recurs, in order.

        Times without a zone, and whole days, are those of `zone`.
        """
        ...
