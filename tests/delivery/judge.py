"""What readers must find, judged without asking the machines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from delivery.chat_model import ChatModel
from delivery.growing_source import GrowingSource

from navi_bot.delivery.actions import Call, Delete, Outcome, Send
from navi_bot.messages import Head, Page


@dataclass
class Known:
    """What the world knows of a post."""

    head: Head
    order: int
    source: GrowingSource | None
    final_pages: tuple[Page, ...] | None = None
    has_first: bool = False
    given_up: set[int] = field(default_factory=set)
    was_cut: set[int] = field(default_factory=set)
    closed: bool = False

    def pages(self, now: float) -> tuple[Page, ...]:
        if self.final_pages is not None:
            return self.final_pages
        return self.source.pages(now) if self.source is not None else ()

    def note(self, call: Call, outcome: Outcome) -> None:
        """Remember what excuses a page from being there as it should."""
        match outcome:
            case Outcome.QUIETED:
                self.closed = True
            case Outcome.GIVEN_UP if isinstance(call, Send | Delete):
                self.given_up.add(call.number)
                self.has_first = True
            case Outcome.CUT:
                self.was_cut.add(call.number)


Posts = Mapping[str, Known]
Models = Sequence[ChatModel]
"""By room number, modulo three."""


def judge_order(posts: Posts, models: Models, known: Known, call: Call, now: float) -> None:
    """A first message waits for those before it."""
    if known.has_first or not isinstance(call, Send):
        return
    for earlier in posts.values():
        if earlier.head.room != known.head.room or earlier.order >= known.order:
            continue
        if earlier.closed or not earlier.pages(now):
            continue
        assert earlier.has_first, "a post overtook an earlier one"
        urgent = known.head.key.startswith("reply:")
        if earlier.final_pages is not None and not urgent:
            assert not missing(models, earlier), "a post overtook an earlier one's final pages"


def missing(models: Models, known: Known) -> list[int]:
    """Return the final pages that never stood in the room, without excuse."""
    messages = models[known.head.room % 3].messages.values()
    there = [(s.number, s.page) for s in messages if s.post == known.head.key]
    excused = known.given_up | known.was_cut
    pages = enumerate(known.final_pages or ())
    return [n for n, page in pages if n not in excused and (n, page) not in there]


def judge_end(posts: Posts, models: Models) -> None:
    for known in posts.values():
        if not known.closed:
            assert not missing(models, known), "a final page is missing"
            _judge_visible(models, known)


def _judge_visible(models: Models, known: Known) -> None:
    visible = models[known.head.room % 3].visible(known.head.key)
    final = list(known.final_pages or ())
    for number, page in enumerate(final):
        copies = [s for s in visible if s.number == number and s.page == page and s.editable]
        assert sum(not s.labelled for s in copies) <= 1, "a page is there twice, unlabelled"
    for shown in visible:
        ours = not shown.orphan and shown.editable and shown.number not in known.given_up
        if ours and shown.number not in known.was_cut:
            assert shown.number < len(final), "a page of an earlier run is left"
            assert shown.page == final[shown.number], "a message holds an old text"
