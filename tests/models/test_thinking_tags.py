"""Thinking between tags is taken out of the text, wherever the stream is cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from navi_bot.models.thinking_tags import Split, ThinkingTags

CASES = [
    ("no tags", "plain text", "plain text", ""),
    ("empty", "", "", ""),
    ("a thought before the text", "<think>hm</think>\n\nyes", "yes", "hm"),
    ("after blanks", "\n <think>hm</think>yes", "yes", "hm"),
    ("other names", "<thought>a</thought><thinking>b</thinking>c", "c", "ab"),
    ("a thought that never ends", "<think>hm", "", "hm"),
    ("half a closing tag at the end", "<think>hm</thi", "", "hm</thi"),
    ("half an opening tag at the end", "<thin", "<thin", ""),
    ("almost a tag", "<thinner> text", "<thinner> text", ""),
    ("a text about tags", "Write <think> and </think>.", "Write <think> and </think>.", ""),
    ("a closing tag that was left", "</think>\nyes", "yes", ""),
    ("another tag inside", "<think>a </thought> b</think>c", "c", "a </thought> b"),
    ("less-than signs", "1 < 2 <think>", "1 < 2 <think>", ""),
    ("blanks at the beginning", "  indented", "  indented", ""),
    ("nothing but a thought", "<think>hm</think>\n", "", "hm"),
]


def split(text: str, size: int) -> Split:
    tags = ThinkingTags()
    pieces = [tags.feed(text[at : at + size]) for at in range(0, len(text), size)]
    pieces.append(tags.close())
    return Split("".join(p.text for p in pieces), "".join(p.thinking for p in pieces))


@pytest.mark.parametrize("size", [1, 2, 3, 5, 100])
@pytest.mark.parametrize(
    ("text", "said", "thought"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_thinking_is_told_from_text(text: str, said: str, thought: str, size: int) -> None:
    """Tags count where an answer begins or right after a thought; nothing else is touched."""
    assert split(text, size) == (said, thought)


@given(
    st.lists(
        st.sampled_from(["<think>", "</think>", "<thought>", "<", "th", "ink>", " ", "a", "\n"]),
        max_size=12,
    ),
    st.integers(min_value=1, max_value=9),
)
def test_the_cutting_does_not_matter(parts: list[str], size: int) -> None:
    """A stream cut anywhere gives what the whole text gives."""
    text = "".join(parts)
    assert split(text, size) == split(text, len(text) or 1)


def test_text_that_is_no_tag_is_not_held_back() -> None:
    """The first visible words go out at once."""
    tags = ThinkingTags()
    assert tags.feed("Hello").text == "Hello"
    assert tags.feed(" <").text == " <"


def test_thinking_streams_before_its_end() -> None:
    """Only what may be the closing tag is held back."""
    tags = ThinkingTags()
    assert tags.feed("<think>one two </").thinking == "one two "
    assert tags.feed("three").thinking == "</three"
