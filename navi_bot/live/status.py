"""The status line: what the turn does now, and since when.

It is absent while text flows, so that a streaming page changes by its text
alone. Its seconds move in steps that grow, because every step is an edit.
"""

from dataclasses import dataclass

from navi_bot.texts import live as texts

STEP, LATER_STEP, LATER = 5.0, 15.0, 60.0
"""Seconds between changes of the shown time: in the first minute, and after."""

ROUNDING = 1e-3
"""Seconds: a step that is due this soon is taken now, or it would be due at once again."""

BLINK = 1.0
"""Seconds: what came between and lasted shorter was not seen, so that the time goes on."""

QUIET = 10.0
"""Seconds without a further word until a flowing text gets a status line."""


@dataclass(slots=True)
class Status:
    """`words` "" means that text flows."""

    words: str
    since: float
    _before: tuple[str, float] = ("", 0.0)

    def become(self, words: str, now: float) -> None:
        """Do something else from now on; the same thing goes on counting."""
        if words and words == self.words:
            return
        came_back = words and words == self._before[0] and now - self.since < BLINK
        before, self._before = self._before, (self.words, self.since)
        self.words, self.since = words, before[1] if came_back else now

    def shown(self, now: float) -> str:
        """Return the line, "" for none."""
        elapsed = _floor(now - self.since)
        if not self.words:
            return (
                texts.STATUS_TIME(status=texts.STALLED(), seconds=elapsed)
                if (elapsed >= QUIET)
                else ""
            )
        if not elapsed:
            return self.words
        return texts.STATUS_TIME(status=self.words, seconds=elapsed)

    def changes_at(self, now: float) -> float:
        """Return when the line changes by itself next."""
        elapsed = _floor(now - self.since)
        if not self.words and elapsed < QUIET:
            return self.since + QUIET
        step = STEP if elapsed < LATER else LATER_STEP
        return self.since + elapsed + step


def _floor(elapsed: float) -> int:
    """Return the seconds that are shown for some that passed."""
    elapsed += ROUNDING
    if elapsed < LATER:
        return int(max(elapsed, 0.0) // STEP * STEP)
    return int(elapsed // LATER_STEP * LATER_STEP)
