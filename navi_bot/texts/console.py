"""Words of the console."""

from navi_bot.texts import Text

GREETING = Text(
    "console.greeting",
    "Write a question. /help lists the commands; Ctrl-C stops an answer, Ctrl-D leaves.",
)
