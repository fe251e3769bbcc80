"""A model that repeats itself is noticed; one that only resembles itself is not."""

import base64
import json
import random
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from navi_bot.models.repetition import LONGEST_PERIOD, RepetitionDetector


def fed(text: str, size: int) -> int | None:
    """Feed a text in pieces; return the characters it took, None when never noticed."""
    detector = RepetitionDetector()
    for at in range(0, len(text), size):
        if detector.feed(text[at : at + size]):
            return at + size
    return None


PASSAGE = "and so the model goes on and on without an end in sight, saying it all again. "
RULED = f"A heading\n{'-' * 60}\nWhat follows is said once more, and then again.\n"


@pytest.mark.parametrize("size", [1, 5, 17, 400])
@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("one word", "na " * 400),
        ("a line", "- nothing to see here\n" * 80),
        ("a passage", PASSAGE * 20),
        ("a passage with a rule in it", RULED * 60),
        ("a long passage", " ".join(f"word{n}" for n in range(200)) * 8),
        ("without blanks", "没有什么可以看的我们继续说下去。" * 80),
        ("nothing but newlines", "That is all.\n" + "\n" * 1200),
        ("figures without an end", "0, " * 2000),
        ("without any blank", "0123456789abcdef" * 400),
        ("a row of a table", "| the same | row again |\n" * 250),
        ("after a good beginning", "A good answer begins well. " + PASSAGE * 20),
        ("after code", "```python\nprint(1)\n```\n" + PASSAGE * 20),
    ],
)
def test_a_repetition_is_noticed(what: str, text: str, size: int) -> None:
    """Whatever it is that comes again and again, and however the stream is cut."""
    assert fed(text, size) is not None


def test_it_is_noticed_in_time() -> None:
    """A thousand characters in prose, the passage itself and what it takes to know it."""
    taken = fed(PASSAGE * 100, 7)
    assert taken is not None
    assert taken < 1000 + 2 * len(PASSAGE)


def zeros(size: int) -> str:
    return f"```python\nm = {json.dumps([[0] * size] * size)}\n```\n"


INSERT = "INSERT INTO readings (room, sensor, value, unit) VALUES"
CHORUS = "O the wind and the rain and the long way home,\nand the lamp in the window burning.\n"
VERSES = ("I left in the spring", "I wrote in the summer", "I stayed through the fall")
STANZA = "".join(f"{verse},\n{CHORUS}" for verse in VERSES)
LONG = "".join(f"{n} is a word of its own. " for n in range(1000))[:LONGEST_PERIOD]
TAGS = "".join(" " * (2 * n) + "</div>\n" for n in range(30, 0, -1))


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("a sentence said often", "one two three four five six seven eight. " * 20),
        ("a table", "".join(f"| {n} | {n * n} | ok |\n" for n in range(400))),
        ("a table of equal rows", "| day | hours |\n|---|---|\n" + "| free | none at all |\n" * 90),
        ("a list", "".join(f"- item number {n} costs {n * 3} euro\n" for n in range(300))),
        ("code", "".join(f"    self.value_{n} = value_{n}\n" for n in range(300))),
        ("statements", "".join(f"{INSERT} ({n}, 'k', 2.5, 'C');\n" for n in range(200))),
        ("zeros", zeros(32)),
        ("a list of numbers", ", ".join(["0", "1"] * 500)),
        ("a JSON list", f"```json\n{json.dumps([{'id': 0, 'name': '', 'on': True}] * 90)}\n```"),
        ("closing tags", f"```html\n{TAGS}```\n"),
        ("encoded nothing", base64.b64encode(bytes(2500)).decode()),
        ("encoded noise", base64.b64encode(random.Random(1).randbytes(4000)).decode()),
        ("a ruled page", "\n".join(f"{'=' * 72}\nChapter {n}\n{'=' * 72}" for n in range(60))),
        ("dots", "".join(f"Chapter {n} {'.' * 60} {n * 7}\n" for n in range(60))),
        ("a poem with a refrain", STANZA * 3),
        ("a song that ends with its chorus", "".join(VERSES) + CHORUS * 5),
        ("a counting song", "".join(f"{n} bottles on the wall.\n" for n in range(99, 0, -1))),
        ("a stanza sung five times", STANZA * 5),
        ("a long text twice", LONG * 2),
        ("wordy code", f"```python\n{'    assert result is not None' * 60}\n```"),
        ("a drawing", ("+" + "-" * 30 + "+\n" + ("|" + " " * 30 + "|\n") * 20) * 2),
    ],
)  # fmt: skip
def test_alike_is_not_equal(what: str, text: str) -> None:
    """Lists, tables, code and songs repeat their shape, or their words a few times."""
    assert fed(text, 9) is None


def test_other_words_between_begin_the_count_anew() -> None:
    """Equal passages, spread over a long text, are no repetition."""
    rng = random.Random(3)
    text = "".join(PASSAGE * 5 + f"And then {rng.random()} came. " for _ in range(60))
    assert fed(text, 11) is None


def test_it_stays_noticed() -> None:
    """From the moment it repeats the answer is True."""
    detector = RepetitionDetector()
    assert detector.feed("na " * 400)
    assert detector.feed("something new")


def test_a_long_answer_takes_no_more_memory_than_a_short_one() -> None:
    rng = random.Random(5)
    detector = RepetitionDetector()
    tracemalloc.start()
    detector.feed(" ".join(str(rng.random()) for _ in range(3000)))
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert used < 1_000_000


words = st.lists(st.text(st.characters(categories=["Ll", "Lu", "Lo"]), min_size=1, max_size=12),
                 min_size=3, max_size=120)  # fmt: skip


@given(words, st.text(max_size=300), st.integers(1, 90))
def test_any_passage_without_end_is_noticed(said: list[str], before: str, size: int) -> None:
    """Whatever stood before it: six passages, or a thousand characters, and one to know it."""
    passage = " ".join(said) + ". "
    enough = max(4000, 6 * len(passage)) + 2 * len(passage) + 64
    text = before + passage * (enough // len(passage) + 2)
    taken = fed(text, size)
    assert taken is not None
    assert taken <= len(before) + enough + size + len(passage)


@given(st.integers(0, 10**6), st.integers(1, 90))
def test_nothing_new_is_a_repetition(seed: int, size: int) -> None:
    """Words drawn at random from a small vocabulary never are."""
    rng = random.Random(seed)
    vocabulary = ["the", "a", "of", "so", "light", "water", "and", "went", "home", "."]
    assert fed(" ".join(rng.choices(vocabulary, k=900)), size) is None
