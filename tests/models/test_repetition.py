"""A model that repeats itself is noticed; one that only resembles itself is not."""

import random

import pytest

from navi_bot.models.repetition import RepetitionDetector


def fed(text: str, size: int) -> int | None:
    """Feed a text in pieces; return the characters it took, None when never noticed."""
    detector = RepetitionDetector()
    for at in range(0, len(text), size):
        if detector.feed(text[at : at + size]):
            return at + size
    return None


PASSAGE = "and so the model goes on and on without an end in sight, saying it all again. "


@pytest.mark.parametrize("size", [1, 5, 17, 400])
@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("one word", "na " * 40),
        ("a line", "- nothing to see here\n" * 30),
        ("a passage", PASSAGE * 20),
        ("without blanks", "没有什么可以看的我们继续说下去。" * 40),
        ("without an end", "0123456789abcdef" * 200),
        ("after a good beginning", "A good answer begins well. " + PASSAGE * 20),
    ],
)
def test_a_repetition_is_noticed(what: str, text: str, size: int) -> None:
    """The same eight words twelve times in the tail."""
    assert fed(text, size) is not None


def test_it_is_noticed_in_time() -> None:
    """Twelve times a passage of 16 words, and no more."""
    taken = fed(PASSAGE * 100, 7)
    assert taken is not None
    assert taken < len(PASSAGE) * 14


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("eleven times", "one two three four five six seven eight. " * 11),
        ("a table", "".join(f"| {n} | {n * n} | ok |\n" for n in range(400))),
        ("a list", "".join(f"- item number {n} costs {n * 3} euro\n" for n in range(300))),
        ("code", "".join(f"    self.value_{n} = value_{n}\n" for n in range(300))),
    ],
)
def test_alike_is_not_equal(what: str, text: str) -> None:
    """Lists, tables and code repeat their shape, not their words."""
    assert fed(text, 9) is None


def test_the_tail_forgets() -> None:
    """Eleven equal passages, spread over a long text, are no repetition."""
    rng = random.Random(3)
    text = "".join(
        PASSAGE + " ".join(str(rng.random()) for _ in range(200)) + " " for _ in range(30)
    )
    assert fed(text, 11) is None


def test_it_stays_noticed() -> None:
    """From the moment it repeats the answer is True."""
    detector = RepetitionDetector()
    assert detector.feed("na " * 40)
    assert detector.feed("something new")
