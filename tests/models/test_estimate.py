"""A prompt's tokens are estimated from below by its size, and learnt from the host."""

import pytest

from navi_bot.messages import Message, ToolCall
from navi_bot.models.estimate import TokenEstimator
from navi_bot.ports.model import ToolSchema

TOOL = ToolSchema("clock", "tells the time", {"type": "object", "properties": {"z": {}}})
TEXT = (Message("system", "s" * 2000), Message("user", "u" * 2000))


def test_it_is_never_below_a_quarter_of_the_characters() -> None:
    """Whatever was learnt, the old rule is the floor: len // 4 and 500 an image."""
    estimator = TokenEstimator({"m": 9.0})
    pictured = (*TEXT, Message("user", "x" * 40, images=("a", "b")))
    assert estimator.tokens("m", TEXT, ()) >= 1000
    assert estimator.tokens("m", pictured, ()) >= 1010 + 1000


def test_every_part_of_a_prompt_counts() -> None:
    """Call arguments, tool schemas, every image, and the thinking of the running question."""
    estimator = TokenEstimator()
    plain = estimator.tokens("m", TEXT, ())
    call = Message("assistant", "", tool_calls=(ToolCall("1", "f", {"a": "y" * 400}),))
    assert estimator.tokens("m", (*TEXT, call), ()) >= plain + 100
    assert estimator.tokens("m", TEXT, (TOOL,)) > plain + 10
    thinking = Message("assistant", "", thinking="t" * 400)
    assert estimator.tokens("m", (*TEXT, thinking), ()) >= plain + 100
    later = (*TEXT, thinking, Message("user", ""))
    assert estimator.tokens("m", later, ()) < plain + 20, "templates drop old thinking"


def test_the_hosts_count_is_learnt_per_model() -> None:
    """A model of two characters a token is soon known; another is untouched."""
    estimator = TokenEstimator()
    before = estimator.tokens("m", TEXT, ())
    estimator.learn("m", TEXT, (), 2016)
    assert estimator.tokens("m", TEXT, ()) == pytest.approx(2016, rel=0.01)
    assert estimator.tokens("other", TEXT, ()) == before


def test_a_single_odd_count_moves_it_a_little() -> None:
    """Later measurements are mixed in."""
    estimator = TokenEstimator({"m": 2.0})
    estimator.learn("m", TEXT, (), 1010)
    assert 1.5 < 4032 / estimator.tokens("m", TEXT, ()) < 3.0


@pytest.mark.parametrize(
    ("what", "messages", "count"),
    [
        ("only what was not cached", TEXT, 300),
        ("a short prompt", (Message("user", "hi"),), 20),
        ("pictures", (*TEXT, Message("user", "", images=("a",))), 4000),
        ("nothing", TEXT, 0),
        ("nonsense", TEXT, 10**6),
    ],
)
def test_a_count_that_tells_nothing_is_not_learnt(
    what: str, messages: tuple[Message, ...], count: int
) -> None:
    """Counts of caches, tiny prompts and pictures are no measure of text."""
    estimator = TokenEstimator()
    estimator.learn("m", messages, (), count)
    assert estimator.take_changes() == {}


def test_what_is_learnt_can_be_stored_once() -> None:
    """Changes are handed over once, and only when they matter."""
    estimator = TokenEstimator()
    estimator.learn("m", TEXT, (), 2016)
    assert estimator.take_changes() == {"m": pytest.approx(2.0, rel=0.01)}
    estimator.learn("m", TEXT, (), 2017)
    assert estimator.take_changes() == {}


def test_what_is_known_is_kept_within_bounds() -> None:
    """A stored value cannot make every prompt fit, nor none."""
    estimator = TokenEstimator({"low": 0.001, "high": 1000.0})
    assert 1000 <= estimator.tokens("high", TEXT, ()) <= 1010
    assert estimator.tokens("low", TEXT, ()) <= 4100
