"""Words that delivery itself adds to a page."""

from navi_bot.texts import Text

REPEAT = Text("delivery.repeat", "(this may be a repeat)")
CUT = Text("delivery.cut", "… (cut here: the chat accepts no more)")
