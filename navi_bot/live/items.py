"""What happened in a turn, in order, and how each thing looks on a page."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from navi_bot.live.fences import Fence, open_fence
from navi_bot.messages import Block, Fold, Line, Prose
from navi_bot.texts import live as texts

ARGUMENTS = 80
"""Characters of a tool's arguments that its line shows; a value gets half of that."""

REASON = 120
"""Characters of what a failed tool said."""

THINKING_LIVE, THINKING_KEPT, THINKING_PAST = 600, 1500, 200
"""Characters of thinking shown while it runs, after, and once work followed it; the last ones.

Fifty steps with thinking would otherwise fill every page before the answer."""

TOOLS_KEPT, TOOLS_MOST = 6, 12
"""A run of more than the second number of tool lines keeps the first number; the others fold."""

FOLD_LENGTH = 1500
"""Characters of a folded run of tools."""

_MARKS = {"running": "⏳", "done": "✅", "failed": "❌", "cancelled": "⏹"}
"""One UTF-16 unit each, so that a line that changes keeps its length."""


@dataclass(slots=True)
class TextItem:
    """A piece of the model's text. `gone` is on frozen pages already.

    `fence` is open where the rest begins: it was cut inside of it.
    """

    text: str = ""
    gone: list[str] = field(default_factory=list)
    fence: Fence | None = None
    _new: list[str] = field(default_factory=list)

    def append(self, delta: str) -> None:
        self._new.append(delta)

    def settle(self) -> str:
        """Join what came since the last time; return the rest that no frozen page shows."""
        if self._new:
            self.text += "".join(self._new)
            self._new.clear()
        return self.text

    @property
    def whole(self) -> str:
        return "".join((*self.gone, self.settle()))

    def head(self, length: int) -> Prose:
        """Return the first characters of the rest as a block whose fences are closed."""
        return Prose(self._fenced(self.settle()[:length]))

    def _fenced(self, text: str) -> str:
        opening = self.fence.opening if self.fence else ""
        left = open_fence(text, self.fence)
        if left is None:
            return opening + text
        gap = "" if text.endswith("\n") or not text else "\n"
        return f"{opening}{text}{gap}{left.closing}"

    def block(self) -> Prose:
        """Return the rest; an open end stays open, for the text still comes."""
        opening = self.fence.opening if self.fence else ""
        return Prose(opening + self.settle())

    def take(self, length: int) -> None:
        """Let the first characters of the rest be gone: they are frozen."""
        head = self.settle()[:length]
        self.fence = open_fence(head, self.fence)
        self.gone.append(head)
        self.text = self.text[length:]

    def become(self, whole: str) -> bool:
        """Take another text for the whole; False if what is frozen contradicts it."""
        gone = "".join(self.gone)
        if not whole.startswith(gone):
            return False
        self.settle()
        self.text = whole[len(gone) :]
        return True

    def restore(self) -> None:
        """Have everything on open pages again."""
        self.text, self.gone, self.fence = self.whole, [], None


@dataclass(slots=True)
class ThinkingItem:
    began: float
    ended: float | None = None
    parts: list[str] = field(default_factory=list)
    length: int = 0
    past: bool = False
    """Work followed it: what it led to matters more now."""

    def append(self, delta: str) -> None:
        """Add to it, keeping no more than can ever be shown."""
        self.parts.append(delta)
        self.length += len(delta)
        if len(self.parts) > THINKING_KEPT:
            self.parts = ["".join(self.parts)[-THINKING_KEPT:]]

    def block(self) -> Fold:
        kept = THINKING_PAST if self.past else THINKING_KEPT
        most = THINKING_LIVE if self.ended is None else kept
        text = "".join(self.parts)[-most:].strip()
        if self.length > most:
            text = f"… {text}"
        if self.ended is None:
            return Fold(texts.THINKING(), text)
        return Fold(texts.THOUGHT(seconds=max(1, round(self.ended - self.began))), text)


@dataclass(slots=True)
class ToolItem:
    call_id: str
    words: str
    nested: bool = False
    state: Literal["running", "done", "failed", "cancelled"] = "running"
    seconds: float = 0.0
    reason: str = ""

    def line(self) -> str:
        words = [f"{'  ↳ ' if self.nested else ''}{_MARKS[self.state]} {self.words}"]
        if self.state in ("done", "failed"):
            words.append(f"{self.seconds:.1f} s")
        if self.reason:
            words.append(self.reason)
        return " · ".join(words)


@dataclass(slots=True)
class BlockItem:
    """A block that stays as it is."""

    block: Block


Item = TextItem | ThinkingItem | ToolItem | BlockItem


def blocks(items: Sequence[Item]) -> list[Block]:
    """Return what a stretch of items looks like; long runs of tools are folded."""
    shown: list[Block] = []
    run: list[ToolItem] = []
    for item in items:
        if isinstance(item, ToolItem):
            run.append(item)
            continue
        shown += _tools(run)
        run = []
        match item:
            case TextItem():
                shown.append(item.block())
            case ThinkingItem():
                shown.append(item.block())
            case BlockItem(block):
                shown.append(block)
    return shown + _tools(run)


def _tools(run: Sequence[ToolItem]) -> list[Block]:
    if len(run) <= TOOLS_MOST:
        return [Line(item.line()) for item in run]
    older, newest = run[:-TOOLS_KEPT], run[-TOOLS_KEPT:]
    hidden = [item for item in older if item.state != "running"]
    kept = [*(item for item in older if item.state == "running"), *newest]
    if not hidden:
        return [Line(item.line()) for item in kept]
    text = "\n".join(item.line() for item in hidden)[-FOLD_LENGTH:]
    fold = Fold(texts.TOOLS_BEFORE(count=len(hidden)), text)
    return [fold, *(Line(item.line()) for item in kept)]


def describe(name: str, arguments: Mapping[str, object], redact: Callable[[str], str]) -> str:
    """Return a tool's name with its arguments, shortened, on one line, without secrets."""
    shown = ", ".join(f"{key}={_value(value, redact)}" for key, value in arguments.items())
    return f"{name} · {shorten(shown, ARGUMENTS)}" if shown else name


def _value(value: object, redact: Callable[[str], str]) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return shorten(redact(text), ARGUMENTS // 2)


def shorten(text: str, length: int) -> str:
    """Return a text on one line of at most so many characters."""
    flat = " ".join(text[: 4 * length].split())
    return flat if len(flat) <= length else flat[: length - 1].rstrip() + "…"
