"""Words of safe mode."""

from navi_bot.texts import Text

KEPT = Text(
    "safe_mode.kept",
    "I crashed three times in a row, so I rest: only /status and /stop work. Your message is kept; "
    "I answer it in ten minutes at most, or when my owner sends /resume.",
)
COMMAND = Text(
    "safe_mode.command",
    "I crashed three times in a row, so I rest: only /status and /stop work, for ten minutes at "
    "most or until my owner sends /resume.",
)
PRESS = Text(
    "safe_mode.press", "I rest after three crashes; try again in ten minutes, or after /resume."
)
STATUS = Text(
    "safe_mode.status",
    "Safe mode: I crashed three times in a row. Messages are kept; /resume ends it.",
)
RESUMED = Text("safe_mode.resumed", "I go on.")
NOT_ON = Text("safe_mode.not_on", "I am not in safe mode; there is nothing to resume.")
HELP_RESUME = Text("help.resume", "go on after crashes in a row, without waiting")
