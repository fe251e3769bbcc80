"""A model that repeats itself, noticed while it does. O(1) a token."""

import re
from collections import deque

GRAM = 8
"""Words that make one piece."""
REPEATS = 12
"""Equal pieces in the tail that are too many."""
TAIL = 512
"""Pieces that the tail holds: a repeated passage of up to about 40 words is noticed."""

_WORDS = re.compile("[\u2e80-\uffdc]{1,2}|[^\\s\u2e80-\uffdc]{1,24}")
"""Words of scripts that write no blanks are taken as two characters long."""


class RepetitionDetector:
    """Implements the Repetition port for one answer."""

    def __init__(self) -> None:
        self._word = ""
        self._last: deque[str] = deque(maxlen=GRAM)
        self._tail: deque[int] = deque()
        self._counts: dict[int, int] = {}
        self._repeating = False

    def feed(self, text: str) -> bool:
        """Take the next piece; True from the moment it repeats."""
        if self._repeating or not text:
            return self._repeating
        joined = self._word + text
        words = _WORDS.findall(joined)
        # The last word may go on with the next piece.
        self._word = words.pop() if words and not joined[-1].isspace() else ""
        for word in words:
            self._add(word)
        return self._repeating

    def _add(self, word: str) -> None:
        self._last.append(word)
        if len(self._last) < GRAM:
            return
        gram = hash(tuple(self._last))
        self._tail.append(gram)
        count = self._counts[gram] = self._counts.get(gram, 0) + 1
        self._repeating = self._repeating or count >= REPEATS
        if len(self._tail) > TAIL:
            old = self._tail.popleft()
            self._counts[old] -= 1
            if not self._counts[old]:
                del self._counts[old]
