"""What a turn has done so far, as its events tell: for a turn that cannot say so itself."""

from collections.abc import Mapping

from navi_bot.agent import marks
from navi_bot.events import Event, ModelStarted, StreamStopped, TextDelta, ToolEvent, ToolStarted
from navi_bot.messages import Entry, Message


class Account:
    """Takes every event of a turn."""

    def __init__(self) -> None:
        self._text = ""
        self._running: dict[str, str] = {}
        self._finished: dict[str, str] = {}

    def feed(self, event: Event) -> None:
        match event:
            case ModelStarted():
                self._text = ""
            case TextDelta(delta):
                self._text += delta
            case ToolStarted(call_id, name):
                self._running[call_id] = name
            case ToolEvent(call_id, name):
                self._running.pop(call_id, None)
                self._finished[call_id] = name

    def stopped(self, effects: Mapping[str, str]) -> StreamStopped:
        """Return the ending of a turn that is stopped now. `effects`: call id → effect class."""
        called = {**self._finished, **self._running}
        return StreamStopped(
            self._text,
            finished=tuple(self._finished.values()),
            cancelled=tuple(self._running.values()),
            lasting=tuple(
                name for call, name in called.items() if effects.get(call, "").startswith("W")
            ),
        )

    def last_words(self) -> Entry:
        """Return what the history keeps of the answer that was cut off."""
        return Entry(Message("assistant", marks.marked(self._text, marks.STOPPED)))
