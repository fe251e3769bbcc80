"""Calendars on a CalDAV server, read over the caldav library.

Every look asks the server anew: find the account's calendars, then ask each
for what lies in the span. What recurs comes as its rule and is expanded here,
in a thread, because servers differ in how they do it.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from inspect import isawaitable
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import structlog
from caldav.async_davclient import AsyncDAVClient
from caldav.lib.error import AuthorizationError, DAVError, RateLimitError
from caldav.response import CalendarQueryResult

from navi_bot.calendars.expansion import appointments
from navi_bot.errors import CredentialError, OperatorError, PlatformError
from navi_bot.schedule.appointment import Appointment

log = structlog.get_logger()

TIME_LIMIT = 12.0
"""Seconds for everything that one question asks of the server."""

REQUEST_TIME = 8
"""Whole seconds for one request."""

DAY = timedelta(days=1)


class CaldavCalendar:
    """Implements the Calendar port."""

    def __init__(self, url: str, user: str, password: str, time_limit: float = TIME_LIMIT) -> None:
        self._url = url
        self._user = user
        self._password = password
        self._time_limit = time_limit

    async def names(self) -> tuple[str, ...]:
        async with self._connected() as client:
            return tuple(name for name, _ in await _calendars(client))

    async def between(
        self, start: datetime, end: datetime, zone: ZoneInfo
    ) -> tuple[Appointment, ...]:
        async with self._connected() as client:
            found: list[Appointment] = []
            for name, url in await _calendars(client):
                texts = await _texts(client, url, start, end)
                found += await asyncio.to_thread(_expanded, texts, start, end, zone, name)
        return tuple(sorted(found, key=lambda one: (one.begins(zone), one.summary)))

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[AsyncDAVClient]:
        """Lend a connection; the one place where the library's errors are translated."""
        where = urlsplit(self._url).hostname or "CALDAV_URL"
        try:
            async with asyncio.timeout(self._time_limit), self._client() as client:
                yield client
        except AuthorizationError as error:
            raise CredentialError(
                "The calendar server refused our credentials; correct CALDAV_USER and "
                "CALDAV_PASSWORD."
            ) from error
        except RateLimitError as error:
            raise PlatformError("The calendar server is busy; try again in a minute.") from error
        except (TimeoutError, OSError) as error:
            raise PlatformError(
                f"The calendar server {where} does not answer; see that it runs, or correct "
                "CALDAV_URL."
            ) from error
        except (DAVError, SyntaxError, ValueError, AssertionError) as error:  # SyntaxError: lxml's
            raise OperatorError(
                f"{where} does not answer as a calendar server does; correct CALDAV_URL."
            ) from error

    def _client(self) -> AsyncDAVClient:
        return AsyncDAVClient(
            self._url,
            username=self._user or None,
            password=self._password or None,
            timeout=REQUEST_TIME,
            enable_rfc6764=False,  # the address is the whole one: nothing is looked up in the DNS
            rate_limit_handle=False,
        )


async def _calendars(client: AsyncDAVClient) -> Sequence[tuple[str, str]]:
    """Return each calendar's name and address; OperatorError when there is none."""
    found = []
    for one in await client.get_calendars():
        name = one.get_display_name()  # what it returns depends on the client's kind
        name = await name if isawaitable(name) else name
        found.append((str(name or ""), str(one.url)))
    if not found:
        raise OperatorError(
            "There is no calendar at CALDAV_URL for this user; make one there, or correct "
            "CALDAV_URL and CALDAV_USER."
        )
    return found


async def _texts(client: AsyncDAVClient, url: str, start: datetime, end: datetime) -> list[str]:
    """Return the events that may lie in a span, as iCalendar text."""
    # Servers take floating times and days for UTC's, so they are asked for a day around.
    answer = await client.calendar_query(
        url, (start - DAY).astimezone(UTC), (end + DAY).astimezone(UTC), event=True
    )
    if not 200 <= answer.status < 300:
        raise DAVError(url, f"status {answer.status}")
    found = (one for one in answer.results or () if isinstance(one, CalendarQueryResult))
    return [one.calendar_data for one in found if one.calendar_data]


def _expanded(
    texts: Sequence[str], start: datetime, end: datetime, zone: ZoneInfo, calendar: str
) -> list[Appointment]:
    """Expand what is in one calendar; what cannot be read is left out."""
    found: list[Appointment] = []
    for text in texts:
        try:
            found += appointments(text, start, end, zone, calendar)
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            log.warning("event_unreadable", fault=type(error).__name__)
    return found
