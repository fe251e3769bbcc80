"""A word of a long answer costs what a word of a short one does."""

import time

from adapters.telegram.markup import TelegramSurface
from bench.row import Row
from navi_bot.events import TextDelta
from navi_bot.live import LiveMessage, LiveOptions
from navi_bot.messages import TurnId

WORDS = 12_000
"""Of six characters: a dozen Telegram messages are full after 8,000."""
EVERY = 10
"""Words between two looks at the pages: an edit shows many words."""


async def measure() -> list[Row]:
    live = LiveMessage(TurnId(1), TelegramSurface(), 0.0, LiveOptions(show_thinking=True))
    spent: list[float] = []
    for number in range(WORDS):
        began = time.process_time()
        live.feed(TextDelta(f"word{number % 10} "), 2.0)
        if number % EVERY == 0:
            live.pages(2.0)
        spent.append(time.process_time() - began)
    page = 4000 // 6
    early = sum(spent[:page]) / page
    late = sum(spent[5 * page : 6 * page]) / page
    detail = f"{1e6 * early:.0f} µs a word on page 1, {1e6 * late:.0f} µs on page 6"
    return [Row("live message: word on page 6 / on page 1", late / early, "ratio", 1.5, detail)]
