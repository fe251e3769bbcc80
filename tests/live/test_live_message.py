"""What the live message shows, case by case."""

from collections.abc import Sequence

import pytest
from live.paper import Paper, end, is_balanced, lines, prose, words

from navi_bot.events import (
    ContextCompressed,
    Event,
    ModelStarted,
    Notice,
    PlanReady,
    ProfileSwitched,
    Queued,
    Steered,
    StreamFailed,
    StreamStopped,
    TextDelta,
    ThinkingDelta,
    ThinkingEnd,
    Todo,
    TodoChanged,
    ToolEvent,
    ToolStarted,
    TurnThinking,
    Waiting,
)
from navi_bot.live import LiveMessage, LiveOptions
from navi_bot.live.pager import MOST_PAGES
from navi_bot.messages import Button, Fold, Line, Page, Prose, TurnId

OPTIONS = LiveOptions(show_thinking=True)


def message(room: int = 1000, options: LiveOptions = OPTIONS) -> LiveMessage:
    return LiveMessage(TurnId(7), Paper(room), 0.0, options)


def fed(events: Sequence[Event], live: LiveMessage | None = None, now: float = 2.0) -> LiveMessage:
    live = live or message()
    for event in events:
        live.feed(event, now)
    return live


def used(call: str, name: str = "clock", *, ok: bool = True, **arguments: object) -> list[Event]:
    result = "noon" if ok else "No such zone: Mars.\nTraceback: secret"
    return [
        ToolStarted(call, name, arguments),
        ToolEvent(call, name, arguments, result, ok, 0.21),
    ]


# The first show ----------------------------------------------------------------


def test_nothing_is_shown_before_the_first_word_or_the_first_show() -> None:
    live = message()
    live.feed(ModelStarted(1, 40, "tiny"), 0.1)
    assert live.pages(1.4) == ()
    assert live.wakes_at(0.2) == 1.5
    assert len(live.pages(1.5)) == 1


def test_the_first_word_is_shown_at_once() -> None:
    live = fed([TextDelta("Hel")], now=0.2)
    assert prose(live.pages(0.2)) == ["Hel"]


def test_blank_text_is_no_first_word() -> None:
    assert fed([TextDelta("\n\n")], now=0.2).pages(0.2) == ()


def test_a_quick_answer_appears_as_final() -> None:
    live = fed([end("Noon.")], now=0.3)
    (page,) = live.pages(0.3)
    assert live.final
    assert prose([page]) == ["Noon."]
    assert page.buttons == ()


# Lines ------------------------------------------------------------------------


def test_text_and_tools_stand_in_the_order_in_which_they_happened() -> None:
    live = fed([TextDelta("I look."), *used("a"), TextDelta("Noon."), end("Noon.")])
    (page,) = live.pages(2)
    assert page.blocks[:3] == (
        Prose("I look."),
        Line("✅ clock · 0.2 s"),
        Prose("Noon."),
    )


def test_a_running_tool_has_a_mark_of_the_same_length() -> None:
    """⏳ → ✅ or ❌: the line does not jump."""
    running = fed([ToolStarted("a", "clock", {"zone": "UTC"})]).pages(2)[0]
    assert lines(running)[0] == "⏳ clock · zone=UTC"
    done = fed(used("a", zone="UTC")).pages(2)[0]
    failed = fed(used("a", ok=False, zone="Mars")).pages(2)[0]
    assert lines(done)[0] == "✅ clock · zone=UTC · 0.2 s"
    assert lines(failed)[0] == "❌ clock · zone=Mars · 0.2 s · No such zone: Mars."
    marks = {lines(page)[0][0] for page in (running, done, failed)}
    assert {len(mark.encode("utf-16-le")) for mark in marks} == {2}


def test_arguments_are_shortened_to_one_line_and_redacted() -> None:
    options = LiveOptions(True, redact=lambda text: text.replace("hunter2", "***"))
    call = ToolStarted("a", "shell", {"command": "login hunter2\n" + "x" * 500, "n": [1, 2]})
    (line, _) = lines(fed([call], message(options=options)).pages(2)[0])
    assert "hunter2" not in line
    assert "login ***" in line
    assert "\n" not in line
    assert len(line) < 110


def test_what_a_failed_tool_said_is_redacted() -> None:
    options = LiveOptions(True, redact=lambda text: text.replace("hunter2", "***"))
    failed = ToolEvent("a", "shell", {}, "wrong password hunter2", False, 1.0)
    assert "hunter2" not in words(fed([failed], message(options=options)).pages(2)[0])


def test_an_ended_call_that_was_never_announced_has_its_line() -> None:
    page = fed([ToolEvent("a", "clock", {}, "noon", True, 0.1)]).pages(2)[0]
    assert lines(page)[0] == "✅ clock · 0.1 s"


def test_a_sub_agents_tools_are_indented() -> None:
    page = fed([ToolStarted("a", "search", {}, is_subagent=True)]).pages(2)[0]
    assert lines(page)[0] == "  ↳ ⏳ search"


def test_many_tools_in_a_row_fold_but_for_the_newest() -> None:
    events: list[Event] = [event for n in range(20) for event in used(f"c{n}", f"tool{n}")]
    page = fed(events).pages(2)[0]
    assert isinstance(page.blocks[0], Fold)
    assert page.blocks[0].title == "🔧 14 tools before"
    assert "tool13" in page.blocks[0].text
    assert [line.split()[1] for line in lines(page)[:6]] == [f"tool{n}" for n in range(14, 20)]


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (ProfileSwitched("developer", "Developer"), "🎭 Profile: Developer"),
        (Steered("and in  Tokyo?\n"), "↪ Taken in: and in Tokyo?"),
        (Notice("The model is gone."), "The model is gone."),
        (ContextCompressed(9000, 2000, "…"), "🗜 Older messages condensed: 9000 → 2000 tokens"),
        (TurnThinking("I wonder", is_subagent=True), "  💭 I wonder"),
    ],
)
def test_what_happens_besides_has_a_line(event: Event, expected: str) -> None:
    assert lines(fed([event]).pages(2)[0])[0] == expected


# Thinking -----------------------------------------------------------------------


def test_thinking_is_shown_while_it_runs_and_folded_after() -> None:
    live = message()
    live.feed(ThinkingDelta("Let me "), 1.0)
    live.feed(ThinkingDelta("see."), 2.0)
    assert live.pages(2)[0].blocks[0] == Fold("💭 Thinking", "Let me see.")
    live.feed(ThinkingEnd(), 4.0)
    live.feed(TextDelta("Noon."), 4.0)
    assert live.pages(4)[0].blocks[0] == Fold("💭 Thought for 3 s", "Let me see.")


def test_only_the_newest_thinking_is_shown() -> None:
    live = fed([ThinkingDelta(f"thought{n} ") for n in range(1000)])
    fold = live.pages(2)[0].blocks[0]
    assert isinstance(fold, Fold)
    assert fold.text.startswith("… ")
    assert fold.text.endswith("thought999")
    assert len(fold.text) < 700


def test_hidden_thinking_leaves_the_status_alone() -> None:
    live = fed([ThinkingDelta("secret")], message(options=LiveOptions(show_thinking=False)))
    assert live.pages(2)[0].blocks == (Line("💭 Thinking", "dim"),)


# Plan, status, button -----------------------------------------------------------


def test_the_checklist_is_one_slot_below_the_work() -> None:
    first = TodoChanged((Todo("look", "active"), Todo("answer", "open")))
    then = TodoChanged((Todo("look", "done"), Todo("answer", "failed")))
    live = fed([first, *used("a"), then])
    assert lines(live.pages(2)[0]) == ["✅ clock · 0.2 s", "☑ look", "☒ answer", "Working"]


def test_a_long_checklist_shows_where_the_work_is() -> None:
    items = tuple(Todo(f"item {n}", "done" if n < 20 else "open") for n in range(40))
    shown = lines(fed([TodoChanged(items)]).pages(2)[0])
    assert len(shown) == 13
    assert "☐ item 20" in shown


def test_the_plan_stands_above_the_answer_at_the_end() -> None:
    live = fed([PlanReady("1. look"), *used("a"), TextDelta("Noon."), end("Noon.")])
    kinds = [type(block).__name__ for block in live.pages(2)[0].blocks]
    assert kinds == ["Line", "Fold", "Prose", "Line"]


@pytest.mark.parametrize(
    ("events", "status"),
    [
        ([Queued(2)], "Waiting for the model, place 2"),
        ([ModelStarted(1, 40, "tiny")], "Waiting for the first word"),
        ([ModelStarted(2, 40, "tiny")], "Step 2 of 40"),
        ([Waiting("The host does not answer.")], "The host does not answer."),
        ([ToolStarted("a", "clock", {})], "Working"),
    ],
)
def test_the_status_says_what_the_turn_does(events: list[Event], status: str) -> None:
    page = fed(events).pages(2)[0]
    assert page.blocks[-1] == Line(status, "dim")


def test_flowing_text_has_no_status_until_it_stalls() -> None:
    live = fed([TextDelta("Once upon a time")])
    assert live.pages(11.9)[0].blocks == (Prose("Once upon a time"),)
    assert live.wakes_at(2.0) == 12.0
    assert live.pages(12.0)[0].blocks[-1] == Line("Still at it · 10 s", "dim")


def test_the_seconds_move_in_growing_steps() -> None:
    """Every step is an edit, and edits are scarce."""
    live = fed([Queued(1)], now=0.0)
    times: list[float] = []
    now = 2.0
    while now < 120:
        before = live.pages(now)
        wakes = live.wakes_at(now)
        assert wakes is not None
        assert live.pages(wakes - 0.01) == before, "nothing changes before it says so"
        assert live.pages(wakes) != before
        times.append(wakes)
        now = wakes
    assert times == [5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60, 75, 90, 105, 120]


def test_a_wait_ends_with_the_next_event() -> None:
    live = fed([Waiting("The host does not answer.")])
    live.feed(TextDelta("Noon."), 3.0)
    assert live.pages(3)[0].blocks == (Prose("Noon."),)


def test_the_stop_button_is_on_the_last_page_alone() -> None:
    live = fed([TextDelta("word " * 100)], message(300))
    pages = live.pages(2)
    assert len(pages) > 1
    assert [page.buttons for page in pages[:-1]] == [()] * (len(pages) - 1)
    assert pages[-1].buttons == ((Button("⏹ Stop", "stop:7", "danger"),),)


# Endings ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "footer"),
    [
        ({}, "⏱ 12.3 s · ctx 10 %"),
        ({"tool_call_count": 4, "token_count": 1234}, "⏱ 12.3 s · 🔧 4 · 1.2k tok · ctx 10 %"),
        ({"token_count": 999, "max_context_tokens": 0}, "⏱ 12.3 s · 999 tok"),
    ],
)
def test_the_footer_leaves_out_what_is_nothing(changes: dict[str, object], footer: str) -> None:
    (page,) = fed([end("Noon.", **changes)]).pages(2)
    assert page.blocks[-1] == Line(footer, "dim")


@pytest.mark.parametrize(
    ("limit", "data"),
    [
        ("iterations", "continue:7"),
        ("time", "continue:7"),
        ("same_call", "continue:7"),
        ("calls", "continue:7"),
        ("length", "continue:7"),
        ("context", "new:"),
        ("repeating", "retry:7"),
    ],
)
def test_what_was_cut_off_has_a_way_on(limit: str, data: str) -> None:
    (page,) = fed([end("So far.", limit=limit)]).pages(2)
    assert [button.data for row in page.buttons for button in row] == [data]


@pytest.mark.parametrize(
    ("ending", "data"),
    [
        (StreamFailed("Broke."), ["retry:7"]),
        (StreamFailed("Broke.", "half", goes_on=True), ["continue:7"]),
        (StreamFailed("Refused.", retryable=False), []),
        (
            StreamFailed("No model.", models=("a", "b:7b", "x" * 60, "c", "d")),
            ["use:7:a", "use:7:b:7b", "use:7:c", "retry:7"],
        ),
    ],
    ids=["again", "go on", "neither", "another model"],
)
def test_what_failed_has_a_way_on(ending: StreamFailed, data: list[str]) -> None:
    """Going on where something is kept; other models where theirs is missing, if one holds it."""
    (page,) = fed([ending]).pages(2)
    assert [button.data for row in page.buttons for button in row] == data


def test_a_stopped_turn_keeps_its_text_and_closes_its_tools() -> None:
    live = fed([TextDelta("Half"), ToolStarted("a", "clock", {}), StreamStopped("Half")])
    (page,) = live.pages(2)
    assert words(page) == "Half\n⏹ clock\n⏹ Stopped."
    assert page.buttons == ()


def test_a_stopped_turn_names_what_cannot_be_undone() -> None:
    ending = StreamStopped("Half", finished=("mail", "mail"), lasting=("mail", "mail", "terminal"))
    (page,) = fed([TextDelta("Half"), ending]).pages(2)
    assert words(page) == "Half\n⏹ Stopped. Cannot be undone: mail (2), terminal."


def test_a_failed_turn_says_why_and_can_be_tried_again() -> None:
    (page,) = fed([TextDelta("Half"), StreamFailed("The host is gone.")]).pages(2)
    assert words(page) == "Half\n⚠️ The host is gone."
    assert [button.data for row in page.buttons for button in row] == ["retry:7"]
    assert fed([StreamFailed("No.", retryable=False)]).pages(2)[0].buttons == ()


def test_the_final_text_counts_not_what_was_streamed() -> None:
    """After an interruption the beginning was streamed twice; the room shows it once."""
    events: list[Event] = [TextDelta("It is "), Notice("— interrupted"), TextDelta("It is noon.")]
    (page,) = fed([*events, end("It is noon.")]).pages(2)
    assert prose([page]) == ["It is noon."]


def test_the_final_text_counts_on_frozen_pages_too() -> None:
    live = fed([TextDelta("wrong " * 100)], message(300))
    live.pages(2)
    live.feed(end("right " * 100), 3)
    pages = live.pages(3)
    assert "".join(prose(pages)) == "right " * 100


def test_an_answer_that_was_never_streamed_is_shown() -> None:
    assert prose(fed([*used("a"), end("Noon.")]).pages(2)) == ["Noon."]


def test_no_answer_is_said_in_words() -> None:
    (page,) = fed([*used("a"), end(" ")]).pages(2)
    assert lines(page)[1] == "The model gave no answer."


def test_nothing_changes_after_the_end() -> None:
    live = fed([end("Noon.")])
    pages = live.pages(2)
    live.feed(TextDelta("more"), 3)
    live.feed(StreamFailed("late"), 3)
    assert live.pages(99) is pages
    assert live.wakes_at(99) is None
    assert live.settled() == (pages, None)


# An answer that took long ------------------------------------------------------------


def test_an_answer_that_took_long_is_a_message_of_its_own() -> None:
    """Edits do not notify; no text is shown in both."""
    live = fed([*used("a"), TextDelta("Noon.")])
    live.feed(end("Noon.", tool_call_count=1), 31)
    log, answer = live.settled()
    assert words(log[0]) == "✅ clock · 0.2 s\nThe answer is below."
    assert answer == (Page((Prose("Noon."), Line("⏱ 12.3 s · 🔧 1 · ctx 10 %", "dim"))),)
    assert live.pages(31) == log


def test_the_buttons_go_with_the_answer() -> None:
    live = fed([TextDelta("So far.")])
    live.feed(end("So far.", limit="length"), 31)
    log, answer = live.settled()
    assert answer is not None
    assert log[-1].buttons == ()
    assert answer[-1].buttons[0][0].data == "continue:7"


def test_an_answer_that_is_frozen_in_part_stays_where_it_is() -> None:
    text = "word " * 100
    live = fed([TextDelta(text)], message(300))
    live.pages(2)
    live.feed(end(text), 31)
    pages, answer = live.settled()
    assert answer is None
    assert "".join(prose(pages)) == text


@pytest.mark.parametrize("ending", [StreamStopped("Half"), StreamFailed("Gone.")])
def test_only_an_answer_notifies(ending: Event) -> None:
    live = fed([TextDelta("Half")])
    live.feed(ending, 31)
    assert live.settled()[1] is None


# Pages -----------------------------------------------------------------------------


def test_frozen_pages_are_the_same_objects() -> None:
    live = message(300)
    frozen: tuple[Page, ...] = ()
    for number in range(200):
        live.feed(TextDelta(f"word{number} "), 2)
        pages = live.pages(2)
        assert all(old is new for old, new in zip(frozen, pages[:-1], strict=False))
        frozen = pages[:-1]
    assert len(frozen) > 3


def test_a_page_ends_where_something_ends() -> None:
    paragraphs = "\n\n".join("A sentence of words. " * 4 for _ in range(10))
    live = fed([TextDelta(paragraphs)], message(300))
    for text in prose(live.pages(2)[:-1]):
        assert text.endswith("\n\n")
    sentences = fed([TextDelta("A sentence of words. " * 40)], message(300))
    for text in prose(sentences.pages(2)[:-1]):
        assert text.endswith(". ")
    signs = fed([TextDelta("x" * 1000)], message(300))
    assert "".join(prose(signs.pages(2))) == "x" * 1000


@pytest.mark.parametrize("sign", ["👩‍👩‍👧‍👦", "🇺🇦", "é", "👍🏽", "❤️"])
def test_no_sign_is_torn(sign: str) -> None:
    pages = fed([TextDelta(sign * 300)], message(207)).pages(2)
    assert len(pages) > 1
    for text in prose(pages):
        assert text == sign * (len(text) // len(sign))


@pytest.mark.parametrize(
    ("opening", "closing"),
    [("```python", "```"), ("~~~~", "~~~~"), ("- ```", "  ```"), ("> ```sh", "> ```")],
)
def test_a_cut_fence_is_closed_and_opened_again(opening: str, closing: str) -> None:
    indent = opening[: len(opening) - len(opening.lstrip(" >"))]
    code = [f"{indent}line {n}" for n in range(100)]
    text = "\n".join([opening, *code, closing, "", "after"])
    pages = fed([TextDelta(text), end(text)], message(300)).pages(2)
    assert len(pages) >= 3
    shown = prose(pages)
    assert all(is_balanced(text) for text in shown)
    kept = [line for text in shown for line in text.split("\n") if "line " in line]
    assert kept == code


def test_an_answer_without_end_is_given_as_a_file() -> None:
    text = "".join(f"word{n} " for n in range(2000))
    live = message(300)
    for start in range(0, len(text), 50):
        live.feed(TextDelta(text[start : start + 50]), 2)
        assert len(live.pages(2)) <= MOST_PAGES
    assert "more than fits" in words(live.pages(2)[-1])
    live.feed(end(text), 3)
    pages = live.pages(3)
    assert len(pages) == MOST_PAGES
    assert pages[-1].document is not None
    assert pages[-1].document.text == text
    assert all(page.document is None for page in pages[:-1])
    assert text.startswith("".join(prose(pages)))
    assert Paper(300).fits(pages[-1])
    assert "in the file below" in words(pages[-1])


def test_the_work_for_a_word_does_not_grow_with_the_answer() -> None:
    """Characters measured per word, at the beginning and far into an answer."""
    paper = Paper(4000)
    live = LiveMessage(TurnId(1), paper, 0.0, OPTIONS)
    costs: list[float] = []
    for _ in range(8):
        before = paper.characters
        for _ in range(800):
            live.feed(TextDelta("words "), 2)
            live.pages(2)
        costs.append((paper.characters - before) / 800)
    assert max(costs[1:]) < 1.5 * costs[0] + 4000
    assert max(costs) < 3 * 4000
