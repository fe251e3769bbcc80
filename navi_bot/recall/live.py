"""What a turn that nobody reads along with shows: nothing until it has a result."""

from collections.abc import Sequence

from navi_bot.commands.table import Reply
from navi_bot.events import Event, StreamEnd, StreamStopped
from navi_bot.messages import Line, Page, Prose
from navi_bot.ports.records import CalledBack
from navi_bot.recall.pages import fired_buttons
from navi_bot.replies import pages_of
from navi_bot.texts import commands as command_texts
from navi_bot.texts import recall as texts


class QuietLive:
    """Implements turn_doors.Live. A turn without an answer shows nothing: it is tried again."""

    final = False

    def __init__(self, note: CalledBack) -> None:
        self._note = note
        self._pages: tuple[Page, ...] = ()

    def feed(self, event: Event, now: float) -> None:
        match event:
            case StreamEnd(full_content=answer):
                self._pages = self._told(answer) if is_news(self._note, answer) else ()
            case StreamStopped():
                self._pages = self._told(command_texts.STOPPED())

    def settled(self) -> tuple[tuple[Page, ...], tuple[Page, ...] | None]:
        return self._pages, None

    def pages(self, now: float) -> Sequence[Page]:
        return ()

    def wakes_at(self, now: float) -> float | None:
        return None

    def _told(self, answer: str) -> tuple[Page, ...]:
        note = self._note
        title = Line(texts.REMINDER(text=note.title), "bold")
        buttons = fired_buttons(note.occurrence, note.recall, recurring=note.recurs)
        return pages_of(Reply((title, Prose(answer), Line(note.due, "dim")), buttons))


def is_news(note: CalledBack, answer: str) -> bool:
    """Answer whether the result is to be pushed."""
    match note.notify:
        case "change":
            said = _plain(answer)
            unchanged = said == _plain(note.last) or said == _plain(texts.NO_CHANGE())
            return not unchanged
        case "match":
            return note.match.casefold() in answer.casefold()
    return True


def _plain(text: str) -> str:
    """Return the words alone: a full stop or a line break is no news."""
    return " ".join("".join(c if c.isalnum() else " " for c in text.casefold()).split())
