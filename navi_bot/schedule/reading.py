"""What people and models write for a time, read as a rule; the model never reckons.

    in 20 minutes · 2h 15m · tomorrow at nine · fri 18:30 · 24 dec 8am · 2026-11-22T09:00
    every weekday at 8 · every 2 hours · every month on the 1st · daily at 7:30
    0 8 * * 1-5 · FREQ=WEEKLY;BYDAY=MO;BYHOUR=9 · now

`read` wants all of the words to be a time; `read_with_text` finds the longest
time at the beginning or the end of a sentence and gives back the rest.
"""

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from navi_bot.errors import PersonError
from navi_bot.schedule import moments, recurring
from navi_bot.schedule.rule import Immediate, Rule

MOST_WORDS = 14
"""Words that a time takes at most."""

HOW = (
    "Write a time like: in 20 minutes, tomorrow at 9:00, fri 18:30, 2026-11-22 09:00, "
    "every weekday at 8, every 2 hours, or a cron expression."
)


def read(words: str, now: datetime, zone: ZoneInfo) -> Rule:
    """Read words that are nothing but a time; PersonError says how to write one.

    `now` is aware. A time that is past is refused with what may be meant.
    """
    found = _read(words, now, zone)
    if found is None:
        raise PersonError(f"I cannot read {words[:60]!r} as a time. {HOW}")
    return found


def read_with_text(words: str, now: datetime, zone: ZoneInfo) -> tuple[Rule, str]:
    """Split a sentence into its time and what it is about; PersonError as `read`."""
    split = words.split(" ")
    past: PersonError | None = None
    for time, rest in _splits(split):
        try:
            found = _read(time, now, zone)
        except PersonError as error:
            past = past or error
            continue
        if found is not None:
            return found, _subject(rest)
    raise past or PersonError(HOW)


def _splits(words: list[str]) -> Iterator[tuple[str, str]]:
    """Yield (time, rest) for every beginning and every end, the longest first."""
    for count in range(min(len(words), MOST_WORDS), 0, -1):
        yield " ".join(words[:count]), " ".join(words[count:])
        yield " ".join(words[-count:]), " ".join(words[:-count])


def _subject(words: str) -> str:
    """Drop what only ties the words to their time."""
    plain = words.strip(" ,:-")
    for tie in ("to ", "that "):
        if plain.lower().startswith(tie):
            plain = plain[len(tie) :]
    return plain.strip()


def _read(words: str, now: datetime, zone: ZoneInfo) -> Rule | None:
    plain = " ".join(words.strip().strip("\"'`,;").split())
    if plain.lower() in ("now", "immediately", "at once"):
        return Immediate()
    return recurring.read(plain, now, zone) or moments.read(plain, now, zone)
