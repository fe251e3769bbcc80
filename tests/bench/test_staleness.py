"""Staleness: the age of the oldest token that is not visible."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.staleness import Shown, samples, tokens_in, word


def test_words_are_counted_by_the_last_of_them() -> None:
    text = "".join(word(number) for number in range(12))
    assert tokens_in(text) == 12
    assert tokens_in(text.strip() + "\n\nw3 of the footer 4 s") == 4
    assert tokens_in("⏳ nothing yet") == 0


def test_a_token_ages_until_it_is_shown() -> None:
    """Three tokens, one edit for all of them after 0.25 s."""
    found = samples([0.0, 0.1, 0.2], [Shown(0.25, 3)], until=9.0)
    assert found == pytest.approx([0.0, 0.05, 0.1, 0.15, 0.2, 0.0])


def test_after_an_edit_the_next_token_is_the_oldest() -> None:
    """Shown at once, then a token of 0.1 s waits for the edit at 0.3 s."""
    found = samples([0.0, 0.1], [Shown(0.0, 1), Shown(0.3, 2)], until=9.0)
    assert found == pytest.approx([0.0, 0.0, 0.0, 0.05, 0.1, 0.15, 0.0])


def test_what_is_never_shown_ages_to_the_end() -> None:
    found = samples([0.0, 0.05], [Shown(0.05, 1)], until=1.0)
    assert max(found) == pytest.approx(0.95)
    assert len(found) == 21


def test_a_message_that_shows_less_again_takes_nothing_back() -> None:
    """A page that is cut shows fewer tokens itself; what was seen was seen."""
    found = samples([0.0, 0.1, 0.2], [Shown(0.1, 2), Shown(0.15, 1), Shown(0.2, 3)], until=9.0)
    assert max(found) == pytest.approx(0.05)


@given(st.integers(0, 10**6))
def test_staleness_is_never_more_than_the_longest_wait(seed: int) -> None:
    """With an edit that shows everything every `gap`, no token is older than that."""
    seeded = random.Random(seed)
    generated = [0.02 * number for number in range(seeded.randint(1, 60))]
    gap = seeded.uniform(0.01, 1.0)
    edits = [gap * number for number in range(1, int(generated[-1] / gap) + 2)]
    shown = [Shown(at, sum(time <= at for time in generated)) for at in edits]
    found = samples(generated, shown, until=generated[-1] + 2 * gap)
    assert max(found) <= gap + 1e-9
    assert min(found) >= 0.0
