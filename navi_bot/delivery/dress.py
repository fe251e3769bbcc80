"""How a page is put to be accepted: labelled as a repeat, or cut.

Pure. A page that was measured with `RoomForLabel` fits with its label too.
"""

from dataclasses import dataclass, replace

from navi_bot.messages import Block, Fold, Line, Page, Prose
from navi_bot.ports.platform import Surface
from navi_bot.texts.delivery import CUT, REPEAT

KEPT = 0.75
"""The share of the text that each further cut keeps."""


def is_blank(page: Page) -> bool:
    """Whether a reader would see nothing; platforms refuse such a page."""
    return page.document is None and not any(_text(block).strip() for block in page.blocks)


def labelled(page: Page) -> Page:
    """Put the line on top that says that the page may be there twice."""
    return replace(page, blocks=(Line(REPEAT(), "dim"), *page.blocks))


def cut(page: Page, times: int) -> Page:
    """Keep the first 0.75 ** times of the text and say that it was cut."""
    left = int(sum(len(_text(block)) for block in page.blocks) * KEPT**times)
    blocks: list[Block] = []
    for block in page.blocks:
        if left <= 0:
            break
        blocks.append(_first(block, left))
        left -= len(_text(block))
    return replace(page, blocks=(*blocks, Line(CUT(), "dim")))


@dataclass(frozen=True, slots=True)
class RoomForLabel:
    """A surface that keeps the label's line free on every page.

    For platforms that are not idempotent: there a page may have to be sent
    again with the label on top, and must fit then as well.
    """

    surface: Surface

    def fits(self, page: Page) -> bool:
        return self.surface.fits(labelled(page))


def _text(block: Block) -> str:
    match block:
        case Prose(markdown):
            return markdown
        case Line(text):
            return text
        case Fold(title, text):
            return title + text


def _first(block: Block, length: int) -> Block:
    match block:
        case Prose(markdown):
            return Prose(markdown[:length])
        case Line(text, style):
            return Line(text[:length], style)
        case Fold(title, text):
            return Fold(title, text[: max(0, length - len(title))])
