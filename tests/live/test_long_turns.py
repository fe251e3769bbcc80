"""Turns of many steps: the log stays readable and never takes the answer's place."""

import pytest
from live.paper import Paper, end, lines, prose, words

from navi_bot.events import (
    Event,
    Notice,
    StreamEnd,
    StreamStopped,
    TextDelta,
    ThinkingDelta,
    ThinkingEnd,
    ToolEvent,
    ToolStarted,
    Waiting,
)
from navi_bot.live import LiveMessage, LiveOptions
from navi_bot.live.pager import MOST_PAGES
from navi_bot.messages import Fold, TurnId

TELEGRAM = 4096
NEVER = 1e9


def message(room: int, notify_after: float = NEVER) -> LiveMessage:
    return LiveMessage(TurnId(7), Paper(room), 0.0, LiveOptions(True, notify_after=notify_after))


def played(live: LiveMessage, *events: Event) -> LiveMessage:
    """Feed events, looking after each as delivery does."""
    for event in events:
        live.feed(event, 2.0)
        live.pages(2.0)
    return live


def used(call: str, *, ok: bool = True, result: str = "noon") -> tuple[Event, Event]:
    return ToolStarted(call, "clock", {}), ToolEvent(call, "clock", {}, result, ok, 0.2)


@pytest.mark.parametrize("thought", [100, 1500, 8000])
def test_fifty_steps_with_thinking_leave_the_answer_on_a_page(thought: int) -> None:
    """Thinking that work followed is shortened; the answer is no file."""
    live = message(TELEGRAM)
    for step in range(50):
        thinking = ThinkingDelta("wonder " * (thought // 7))
        played(live, thinking, ThinkingEnd(), *used(f"c{step}"))
    played(live, TextDelta("Noon."), end("Noon."))
    pages, apart = live.settled()
    assert apart is None
    assert len(pages) <= 6
    assert pages[-1].document is None
    assert prose(pages) == ["Noon."]


def test_newest_thinking_is_longer_than_what_work_followed() -> None:
    first = (ThinkingDelta("a" * 5000), ThinkingEnd(), *used("c1"))
    live = played(message(TELEGRAM), *first, ThinkingDelta("b" * 5000), ThinkingEnd())
    folds = [block for block in live.pages(2)[0].blocks if isinstance(block, Fold)]
    assert [len(fold.text) for fold in folds] == [202, 1502]


def test_short_answer_after_a_log_without_end_is_a_message_of_its_own() -> None:
    """What fills the pages is the log, so the answer needs no file."""
    live = played(message(300), TextDelta("word " * 2000), *used("c1"))
    played(live, TextDelta("Noon."), end("Noon."))
    log, apart = live.settled()
    assert len(log) == MOST_PAGES
    assert all(page.document is None for page in log)
    assert lines(log[-1])[-2:] == [
        "What was done after this is too long to be shown.",
        "The answer is below.",
    ]
    assert apart is not None
    assert prose(apart) == ["Noon."]


@pytest.mark.parametrize("notify_after", [1.0, NEVER])
def test_long_answer_that_comes_in_one_piece_is_given_whole(notify_after: float) -> None:
    text = "word " * 4000
    live = played(message(300, notify_after), *used("c1"), end(text))
    log, apart = live.settled()
    last = (apart or log)[-1]
    assert last.document is not None
    assert last.document.text == text
    assert len(apart or log) == MOST_PAGES


def test_stop_beyond_the_last_page_closes_its_tools() -> None:
    running = ToolStarted("c1", "clock", {})
    live = played(
        message(300), TextDelta("word " * 650), running, StreamStopped("", (), ("clock",))
    )
    pages, _ = live.settled()
    assert len(pages) == MOST_PAGES
    assert not any("⏳" in words(page) for page in pages)
    assert pages[-1].document is None
    assert lines(pages[-1])[-1] == "⏹ Stopped."


def test_bottom_that_grows_still_fits_below_a_full_turn() -> None:
    """The status may grow when no further page may be begun."""
    live, paper = message(700), Paper(700)
    played(live, TextDelta("word " * 4000), Waiting("The host does not answer. " * 50))
    assert all(paper.fits(page) for page in live.pages(2))


@pytest.mark.parametrize("full", ["", "other "], ids=["as streamed", "another text"])
@pytest.mark.parametrize("notify_after", [1.0, NEVER])
def test_text_frozen_with_a_line_after_it_is_shown_once(full: str, notify_after: float) -> None:
    """A text that went wholly onto a frozen page counts as shown there."""
    first, second = "alpha beta. " * 18, "omega. " * 20
    live = played(message(300, notify_after), TextDelta(first), Notice("n " * 60))
    played(live, TextDelta(second))
    assert len(live.pages(2)) > 1
    text = full * 20 or first + second
    played(live, end(text))
    log, apart = live.settled()
    assert "".join(prose((*log, *(apart or ())))) == text


def test_thinking_is_not_frozen_while_it_runs() -> None:
    live = played(message(900), TextDelta("word " * 150))
    for _ in range(60):
        played(live, ThinkingDelta("I wonder. "))
    assert not any("💭 Thinking" in words(page) for page in live.pages(2)[:-1])
    assert "I wonder." in words(live.pages(2)[-1])


def test_running_tool_is_shown_once_beside_the_fold() -> None:
    waiting = ToolStarted("slow", "build", {})
    later = [event for n in range(20) for event in used(f"c{n}")]
    page = played(message(TELEGRAM), waiting, *later).pages(2)[0]
    assert words(page).count("build") == 1
    fold = page.blocks[0]
    assert isinstance(fold, Fold)
    assert fold.title == "🔧 14 tools before"


def test_long_notice_is_shortened_rather_than_lost() -> None:
    page = played(message(TELEGRAM), Notice("note " * 2000), TextDelta("Noon.")).pages(2)[-1]
    assert lines(page)[0].startswith("note note")
    assert len(lines(page)[0]) <= 500


def test_secret_of_several_lines_is_redacted_whole() -> None:
    options = LiveOptions(True, redact=lambda text: text.replace("KEY A\nKEY B", "***"))
    live = LiveMessage(TurnId(7), Paper(1000), 0.0, options)
    page = played(live, *used("c1", ok=False, result="KEY A\nKEY B")).pages(2)[0]
    assert "KEY A" not in words(page)


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        ("length", True),
        ("iterations", False),
        ("context", False),
        ("repeating", False),
        ("", False),
    ],
)
def test_only_the_length_is_said_in_a_line(limit: str, said: bool) -> None:
    """The agent says the other limits in the answer itself."""
    ending: StreamEnd = end("So far.", limit=limit)
    (page,) = played(message(1000), TextDelta("So far."), ending).pages(2)
    assert ("Cut off here" in words(page)) is said


def test_blank_answer_that_took_long_is_not_apart() -> None:
    live = played(message(1000, 1.0), *used("c1"), TextDelta("\n"), end("\n"))
    pages, apart = live.settled()
    assert apart is None
    assert "The model gave no answer." in lines(pages[-1])


def test_fold_larger_than_a_page_takes_no_word_of_the_answer() -> None:
    live = played(message(800), ThinkingDelta("I wonder. " * 300), ThinkingEnd())
    text = "word " * 400
    played(live, TextDelta(text), end(text))
    pages, _ = live.settled()
    assert "".join(prose(pages)) == text
    assert all(Paper(800).fits(page) for page in pages)


def test_other_end_of_a_text_keeps_the_frozen_beginning() -> None:
    """What is frozen and true is not laid out again."""
    live = played(message(300), TextDelta("word " * 100))
    frozen = live.pages(2)[:-1]
    assert frozen
    text = "word " * 100 + "The end."
    live.feed(end(text), 3.0)
    pages, _ = live.settled()
    assert all(old is new for old, new in zip(frozen, pages, strict=False))
    assert "".join(prose(pages)) == text


def test_other_end_of_a_text_is_made_good_where_its_frozen_part_differs() -> None:
    live = played(message(300), TextDelta("word " * 100))
    text = "wort " * 100
    live.feed(end(text), 3.0)
    assert "".join(prose(live.settled()[0])) == text


def test_tool_that_ran_on_the_last_page_is_closed_there() -> None:
    """The last page that may be is filled anew when the turn ends."""
    live = message(700)
    first = "word " * 1400
    played(live, TextDelta(first))
    while len(live.pages(2)) < MOST_PAGES:
        played(live, TextDelta("word " * 40))
    played(live, ToolStarted("c1", "clock", {}))
    played(live, *(ToolStarted(f"d{n}", "clock", {"zone": "x" * 60}) for n in range(40)))
    assert "⏳" in words(live.pages(2)[-1])
    live.feed(StreamStopped(""), 3.0)
    assert not any("⏳" in words(page) for page in live.settled()[0])


def test_closed_fence_is_not_opened_on_a_later_page() -> None:
    text = "```python\nprint()\n```\n" + "word " * 300
    live = played(message(300), TextDelta(text), end(text))
    assert "".join(prose(live.settled()[0])) == text


def test_last_page_that_may_be_tears_no_word() -> None:
    """What is left of it below a log is too little for a text: the file has all of it."""
    for filling in range(0, 440, 4):
        live = message(700)
        while len(live.pages(2)) < MOST_PAGES:
            played(live, TextDelta("word " * 60))
        played(live, Notice("n" * filling), *used("c1"), TextDelta("wonderful " * 500))
        for text in prose(live.pages(2)):
            assert set(text.split()) <= {"word", "wonderful"}
