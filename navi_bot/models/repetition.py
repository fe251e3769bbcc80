"""A model that repeats itself, noticed while it does. O(1) a character.

A runaway answer is exact: every character equals the one a period before it,
without end. Lists, tables and code repeat their shape, not their words, and
songs their refrain a few times, so neither comes near.

    looking ── its last 32 characters stood there before ──► following a period
       ▲                                                            │
       └───────── a character differs from the one a period before ─┘

Where equal lines are usual (code, tables, figures, encoded data) the run must
be longer than in prose.
"""

from collections import deque

GRAM = 32
"""Characters that must stand there twice before a period is followed."""
LONGEST_PERIOD = 2048
"""Characters: a passage of up to about 350 words."""
TIMES = 5
"""Equal passages after the first one; refrains come less often in a row."""
PROSE, FORMAL = 1000, 4000
"""Characters of repetition that are too many; 32 by 32 zeros take 3,100."""

_FENCES = ("```", "~~~")


class RepetitionDetector:
    """Implements the Repetition port for one answer."""

    def __init__(self) -> None:
        self._repeating = False
        self._count = 0
        self._ring = [""] * LONGEST_PERIOD
        self._last = ""
        self._seen: dict[str, int] = {}
        self._grams: deque[str] = deque()
        self._period = 0
        self._run = _Run()
        self._line = _LineKind()

    def feed(self, text: str) -> bool:
        """Take the next piece; True from the moment it repeats."""
        for character in text:
            if self._repeating:
                break
            self._add(character)
        return self._repeating

    def _add(self, character: str) -> None:
        self._line.take(character)
        self._last = self._last[-GRAM + 1 :] + character
        before = self._seen.get(self._last)
        if self._period and character == self._ring[(self._count - self._period) % LONGEST_PERIOD]:
            self._run.take(character, formal=self._line.formal)
            self._repeating = self._run.length >= max(self._run.too_long, TIMES * self._period)
        else:
            self._period = self._count - before if before is not None else 0
            self._run = _Run()
        self._remember(character)

    def _remember(self, character: str) -> None:
        self._ring[self._count % LONGEST_PERIOD] = character
        if len(self._last) == GRAM:
            self._seen[self._last] = self._count
            self._grams.append(self._last)
            if len(self._grams) > LONGEST_PERIOD:
                old = self._grams.popleft()
                if self._seen[old] <= self._count - LONGEST_PERIOD:
                    del self._seen[old]
        self._count += 1


class _Run:
    """What repeats: its length so far, and of what kind it is."""

    def __init__(self) -> None:
        self.length = 0
        self._blanks = 0
        self._letters = 0
        self._is_spaced = False

    def take(self, character: str, *, formal: bool) -> None:
        self.length += 1
        if character.isspace():
            self._blanks += 1
            self._is_spaced = True
        elif not formal and character.isalpha():
            self._letters += 1
            self._is_spaced |= not character.isascii()  # not every script writes blanks

    @property
    def too_long(self) -> int:
        is_wordy = 2 * self._letters >= self.length - self._blanks
        return PROSE if is_wordy and self._is_spaced else FORMAL


class _LineKind:
    """Whether the text is inside of a code fence or a table's row."""

    def __init__(self) -> None:
        self._begin = ""
        self._is_fenced = False

    @property
    def formal(self) -> bool:
        return self._is_fenced or self._begin.startswith("|")

    def take(self, character: str) -> None:
        if character == "\n":
            self._begin = ""
        elif len(self._begin) < len(_FENCES[0]) and not (character.isspace() and not self._begin):
            self._begin += character
            if self._begin in _FENCES:
                self._is_fenced = not self._is_fenced
