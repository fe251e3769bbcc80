"""How pages are labelled, cut, measured and told apart."""

import pytest
from delivery.one_post import page

from navi_bot.delivery.dress import RoomForLabel, cut, labelled
from navi_bot.messages import Document, Fold, Line, Page, Prose
from navi_bot.pagehash import page_hash
from navi_bot.texts.delivery import CUT


def test_cut_page_says_so() -> None:
    content = Page((Prose("x" * 50), Fold("log", "y" * 50), Line("end")))
    short = cut(content, 2)
    assert short.blocks[-1] == Line(CUT(), "dim")
    assert len(getattr(short.blocks[0], "markdown", "")) == 50
    assert sum(len(getattr(b, "text", "")) for b in short.blocks) < 50
    assert cut(content, 50).blocks == (Line(CUT(), "dim"),)


def test_page_measured_with_room_for_the_label_fits_with_it() -> None:
    class Short:
        def fits(self, page: Page) -> bool:
            return sum(len(str(getattr(b, "text", "") or b)) for b in page.blocks) <= 60

    assert Short().fits(page("x" * 30))
    assert not RoomForLabel(Short()).fits(page("x" * 30))
    assert Short().fits(labelled(page("x"))) is RoomForLabel(Short()).fits(page("x"))


@pytest.mark.parametrize(
    "other",
    [
        Page((Line("text"),)),
        Page((Prose("text"), Prose(""))),
        page("text", stop=True),
        Page((Prose("text"),), document=Document("a", "b")),
        Page((Fold("text", ""),)),
    ],
)
def test_hash_tells_pages_apart(other: Page) -> None:
    """Everything that a reader can notice counts; equal content is equal."""
    assert page_hash(other) != page_hash(page("text"))
    assert page_hash(page("text")) == page_hash(page("text"))
