"""Events of a turn as items, in order of happening."""

from collections.abc import Callable, Mapping, Sequence

from navi_bot.events import (
    ContextCompressed,
    Event,
    Notice,
    ProfileSwitched,
    Steered,
    TextDelta,
    ThinkingDelta,
    ToolEvent,
    ToolStarted,
    TurnThinking,
)
from navi_bot.live.items import (
    REASON,
    BlockItem,
    Item,
    TextItem,
    ThinkingItem,
    ToolItem,
    describe,
    shorten,
)
from navi_bot.messages import Line
from navi_bot.texts import live as texts

STEERED = 120
"""Characters of a message that steers, as its line repeats it."""

NOTICE = 500
"""Characters of a line of our own; it must fit on any page."""

REDACTED = 4000
"""Characters of a failed tool's result that are searched for secrets; fewer are shown."""


class Timeline:
    """`items` grow at their end; a running tool's item changes when it ends."""

    def __init__(self, redact: Callable[[str], str], *, show_thinking: bool) -> None:
        self.items: list[Item] = []
        self._redact = redact
        self._show_thinking = show_thinking
        self._tools: dict[str, ToolItem] = {}
        self._thought: ThinkingItem | None = None

    def feed(self, event: Event, now: float) -> None:
        """Take an event; those that make no item end a thinking at most."""
        if not isinstance(event, ThinkingDelta):
            self.end_thinking(now)
        match event:
            case TextDelta(delta):
                self._text().append(delta)
            case ThinkingDelta(delta) if self._show_thinking:
                self._thinking(now).append(delta)
            case ToolStarted(call_id, name, arguments, nested):
                self._started(call_id, name, arguments, nested)
            case ToolEvent():
                self._ended(event)
            case TurnThinking(thinking, True) if self._show_thinking and thinking.strip():
                self.items.append(BlockItem(Line(f"  💭 {shorten(thinking, STEERED)}", "dim")))
            case _:
                if text := _line(event):
                    self.items.append(BlockItem(Line(text)))

    def end_thinking(self, now: float) -> None:
        last = self.items[-1] if self.items else None
        if isinstance(last, ThinkingItem) and last.ended is None:
            last.ended = now

    def cancel_tools(self) -> None:
        """Close the lines of tools that will not end any more."""
        for item in self._tools.values():
            item.state = "cancelled"
        self._tools.clear()

    def final_texts(self) -> list[TextItem]:
        """Return the pieces of text after the last tool: the answer, as it was streamed."""
        found: list[TextItem] = []
        for item in reversed(self.items):
            if isinstance(item, ToolItem):
                break
            if isinstance(item, TextItem):
                found.insert(0, item)
        return found

    def drop(self, dropped: Sequence[TextItem]) -> None:
        """Take texts out, wherever they stand."""
        self.items[:] = [item for item in self.items if not any(item is one for one in dropped)]

    def _text(self) -> TextItem:
        last = self.items[-1] if self.items else None
        if isinstance(last, TextItem):
            return last
        item = TextItem()
        self.items.append(item)
        return item

    def _thinking(self, now: float) -> ThinkingItem:
        last = self.items[-1] if self.items else None
        if isinstance(last, ThinkingItem) and last.ended is None:
            return last
        self._pass_thought()
        item = self._thought = ThinkingItem(now)
        self.items.append(item)
        return item

    def _pass_thought(self) -> None:
        """Let the newest thinking be one of the past: work or a newer one follows it."""
        if self._thought is not None:
            self._thought.past = True

    def _started(
        self, call_id: str, name: str, arguments: Mapping[str, object], nested: bool
    ) -> None:
        self._pass_thought()
        item = ToolItem(call_id, describe(name, arguments, self._redact), nested)
        self._tools[call_id] = item
        self.items.append(item)

    def _ended(self, event: ToolEvent) -> None:
        if event.call_id not in self._tools:
            self._started(event.call_id, event.tool_name, event.arguments, event.is_subagent)
        item = self._tools.pop(event.call_id)
        item.state = "done" if event.success else "failed"
        item.seconds = event.seconds
        if not event.success:
            said = self._redact(event.result[:REDACTED])  # whole: a secret may have several lines
            item.reason = shorten(said.strip().partition("\n")[0], REASON)


def _line(event: Event) -> str:
    match event:
        case ProfileSwitched(_, name):
            return texts.PROFILE(name=name)
        case Steered(text):
            return texts.STEERED(text=shorten(text, STEERED))
        case Notice(text):
            return shorten(text, NOTICE)
        case ContextCompressed(before, after):
            return texts.COMPRESSED(before=before, after=after)
    return ""
