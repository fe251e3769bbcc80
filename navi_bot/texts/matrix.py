"""Words that only Matrix needs: it has no buttons, and messages that cannot be read."""

from navi_bot.texts import Text

SIGNS = Text("matrix.signs", "React with: {signs}")
