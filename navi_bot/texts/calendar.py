"""Words of the calendar."""

from navi_bot.texts import Text

HELP_AGENDA = Text("help.agenda", "your calendar, the next 7 days: /agenda, or /agenda today")
NOT_CONFIGURED = Text(
    "calendar.not_configured",
    "No calendar is configured; set CALDAV_URL, CALDAV_USER and CALDAV_PASSWORD.",
)
TITLE = Text("calendar.title", "{first} to {last} ({zone}):")
TITLE_DAY = Text("calendar.title_day", "{first} ({zone}):")
EMPTY = Text("calendar.empty", "{span} Nothing.")
USAGE = Text(
    "calendar.usage", "Send: /agenda, /agenda today, /agenda tomorrow, or a number of days."
)
MORE = Text("calendar.more", "… and {count} more lines; ask for fewer days.")
