"""Thinking that leaks into the text, between <think> tags, is taken out of it.

    before ── opening tag ──► thinking ── its closing tag ──► before
       │                                                        │
       └── anything else ──► text, for good ◄── anything else ──┘

Tags count only where an answer begins, or right after a thought: a text may
speak of tags. What could be the beginning of a tag is held back until it is
decided; `close` gives what is still held.
"""

from typing import Literal, NamedTuple

TAGS = ("think", "thinking", "thought")
_OPENING = {f"<{tag}>": f"</{tag}>" for tag in TAGS}
_MARKS = (*_OPENING, *_OPENING.values())


class Split(NamedTuple):
    """A piece of an answer, told apart."""

    text: str
    thinking: str


class ThinkingTags:
    """Tells thinking from text while an answer streams."""

    def __init__(self) -> None:
        self._state: Literal["before", "thinking", "text"] = "before"
        self._held = ""
        self._closing = ""
        self._tagged = False

    def feed(self, piece: str) -> Split:
        """Take the next piece of the text; return what can be told apart already."""
        if self._state == "text" or not piece:
            return Split(piece, "")
        self._held += piece
        thinking = ""
        while True:
            match self._state:
                case "before":
                    if not self._begun():
                        return Split("", thinking)
                case "thinking":
                    thought, over = self._thought()
                    thinking += thought
                    if not over:
                        return Split("", thinking)
                case "text":
                    return Split(self._rest(), thinking)

    def close(self) -> Split:
        """Return what is held back when the answer ends."""
        rest = self._rest()
        if self._state == "thinking":
            return Split("", rest)
        return Split(rest.lstrip() if self._tagged else rest, "")

    def _rest(self) -> str:
        rest, self._held = self._held, ""
        return rest

    def _begun(self) -> bool:
        """Decide how the text begins; False while that takes more of it."""
        begins = self._held.lstrip()
        if any(mark.startswith(begins) and mark != begins for mark in _MARKS):
            return False
        mark = next((mark for mark in _MARKS if begins.startswith(mark)), None)
        if mark is None:
            self._state = "text"
            self._held = begins if self._tagged else self._held
            return True
        # A closing tag without an opening one is what a host left of a thought.
        self._tagged = True
        self._held = begins[len(mark) :]
        if mark in _OPENING:
            self._state, self._closing = "thinking", _OPENING[mark]
        return True

    def _thought(self) -> tuple[str, bool]:
        """Return the thinking as far as it surely goes, and whether it is over."""
        before, closing, after = self._held.partition(self._closing)
        if closing:
            self._state, self._held = "before", after
            return before, True
        sure = len(before) - _partial(before, self._closing)
        self._held = before[sure:]
        return before[:sure], False


def _partial(text: str, tag: str) -> int:
    """Return how many characters at the end of a text may begin the tag."""
    for length in range(min(len(text), len(tag) - 1), 0, -1):
        if tag.startswith(text[-length:]):
            return length
    return 0
