"""Pages as lines of a terminal."""

import pytest

from adapters.console.markup import FOLD_LINES, answer_text, fragments, visible
from navi_bot.messages import Button, Fold, Line, Page, Prose


def shown(page: Page) -> str:
    return "".join(text for _style, text in fragments(page))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("\x1b[2Jgone", "\\x1b[2Jgone"),
        ("\x9b31mred", "\\x9b31mred"),
        ("back\rspace\x08", "back\\x0dspace\\x08"),
        ("žluť 🎉 مرحبا", "žluť 🎉 مرحبا"),
    ],
)
def test_no_text_can_drive_the_terminal(text: str, expected: str) -> None:
    """Control characters are spelled out, everything else stays."""
    assert visible(text) == expected


def test_every_kind_of_block_is_safe() -> None:
    escape = "\x1b]0;title\x07"
    page = Page((Prose(escape), Line(escape), Fold(escape, escape)), ((Button(escape, "stop:1"),),))
    assert "\x1b" not in shown(page)
    assert "\x07" not in shown(page)


def test_blocks_stand_below_each_other_and_buttons_below_all() -> None:
    page = Page((Line("a tool"), Prose("an answer")), ((Button("⏹ Stop", "stop:1"),),))
    assert shown(page) == "a tool\nan answer\n[⏹ Stop]\n"


def test_a_fold_shows_its_newest_lines() -> None:
    lines = [f"line {number}" for number in range(FOLD_LINES + 2)]
    text = shown(Page((Fold("Thinking", "\n".join(lines)),)))
    assert text.startswith("Thinking\n  │ …\n")
    assert "line 1\n" not in text
    assert lines[-1] in text


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        (
            Page((Line("✅ clock", "code"), Prose("It is noon."), Line("⏱ 2 s", "dim"))),
            "It is noon.",
        ),
        (Page((Prose("I look."), Line("✅ clock"), Prose("Noon."))), "Noon."),
        (Page((Line("The model is gone."), Line("⏱ 2 s", "dim"))), "The model is gone."),
        (Page((Prose("Half an"), Line("— broken off"))), "Half an\n— broken off"),
        (Page((Line("one"), Line("two", "bold"))), "one\ntwo"),
    ],
)
def test_the_answer_is_the_last_prose_and_what_is_said_of_it(page: Page, expected: str) -> None:
    assert answer_text(page) == expected
