"""Code fences of a text that is cut: which one is open at the cut."""

import re
from dataclasses import dataclass

_FENCE = re.compile(
    r"^(?P<indent>[ \t>]*)(?P<item>(?:[-*+]|\d+[.)])[ \t]+)?"
    r"(?P<mark>`{3,12}|~{3,12})(?P<info>[^\n`][^\n]{0,60})?$"
)
"""Longer marks and words are not repeated on a further page: they are no code."""


@dataclass(frozen=True, slots=True)
class Fence:
    """A fence as it was opened.

    `indent` also holds the marks of quotes around it; a list's mark counts as
    blanks, for the item goes on and is no new one.
    """

    indent: str
    mark: str
    info: str

    @property
    def opening(self) -> str:
        return f"{self.indent}{self.mark}{self.info}\n"

    @property
    def closing(self) -> str:
        return f"{self.indent}{self.mark}"

    def closes_at(self, mark: str, info: str) -> bool:
        same = mark[0] == self.mark[0] and len(mark) >= len(self.mark)
        return same and not info.strip()


def open_fence(text: str, before: Fence | None = None) -> Fence | None:
    """Return the fence that is open at the end of a text; `before`: at its beginning."""
    fence = before
    for line in text.split("\n"):
        match = _FENCE.match(line)
        if match is None:
            continue
        mark, info = match["mark"], match["info"] or ""
        if fence is not None:
            if match["item"] is None and fence.closes_at(mark, info):
                fence = None
        elif mark[0] == "~" or "`" not in info:
            indent = match["indent"] + " " * len(match["item"] or "")
            fence = Fence(indent, mark, info.rstrip())
    return fence
