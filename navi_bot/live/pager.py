"""Pages of a turn: frozen ones, and the open one at the end.

Only the open page is ever rendered again. When it fits no more, as much as
makes a good page is frozen and the rest begins the next one; what is frozen
is never touched again, so that the work for a token does not grow with the
answer.
"""

from collections.abc import Sequence

from navi_bot.live.cutting import cut_point
from navi_bot.live.items import Item, TextItem, ThinkingItem, ToolItem, blocks
from navi_bot.messages import Block, Button, Fold, Line, Page, Prose
from navi_bot.ports.platform import Surface

Buttons = tuple[tuple[Button, ...], ...]

MOST_PAGES = 12
"""Messages of one answer; a longer one is given as a file."""

SMALLEST = 200
"""Characters of text that are worth being put below something else on a page."""


class Pager:
    """Lays items out; `items` only grow at their end."""

    def __init__(self, surface: Surface, items: list[Item]) -> None:
        self._surface = surface
        self._items = items
        self._first = 0
        self._frozen: list[Page] = []
        self.overflows = False
        """There is more than may be shown: the last page stays as it is."""
        self._last: tuple[Block, ...] = ()

    @property
    def open_items(self) -> Sequence[Item]:
        return self._items[self._first :]

    def reopen(self) -> None:
        """Lay the open items out again: they say something else now."""
        self.overflows = False

    def start_over(self) -> None:
        """Lay everything out again from the beginning: what was shown is not so any more."""
        for item in self._items:
            if isinstance(item, TextItem):
                item.restore()
        self._first, self._frozen, self.overflows = 0, [], False

    def pages(self, bottom: Sequence[Block], buttons: Buttons = ()) -> tuple[Page, ...]:
        """Return all pages, the last one with the bottom and the buttons."""
        while not self.overflows:
            page = self._page(blocks(self.open_items), bottom, buttons)
            if self._surface.fits(page):
                return (*self._frozen, page)
            if len(self._frozen) + 1 == MOST_PAGES:
                self.overflows = True
                self._last = self._filled(bottom)
                break
            if not self._freeze():
                return (*self._frozen, self._squeezed(bottom, buttons))
        if not self._surface.fits(self._page(self._last, bottom, buttons)):
            self._last = self._filled(bottom)
        return (*self._frozen, self._page(self._last, bottom, buttons))

    def _page(self, content: Sequence[Block], bottom: Sequence[Block], buttons: Buttons) -> Page:
        shown = tuple(block for block in (*content, *bottom) if not _is_empty(block))
        return Page(shown, buttons)

    def _freeze(self) -> bool:
        """Freeze as much of the open items as makes a page; False if nothing can be."""
        count = self._fitting()
        text = self._cuttable(count)
        length = 0
        if text is not None:
            length = self._cut(count, text)
        if not count and not length:
            return self._freeze_shrunk()
        whole = self._items[self._first : self._first + count]
        content = blocks(whole)
        for item in whole:
            if isinstance(item, TextItem):
                item.take(len(item.settle()))
        if text is not None and length:
            content.append(text.head(length))
            text.take(length)
        self._frozen.append(self._page(content, (), ()))
        self._first += count
        return True

    def _freeze_shrunk(self) -> bool:
        """Freeze what is larger than a page by itself, made smaller; False if it is at work."""
        item = self._items[self._first]
        if isinstance(item, TextItem) or _is_running(item):
            return False
        (block,) = blocks((item,))
        while not self._fits((block,)):
            smaller = _halved(block)
            if smaller == block:
                return False
            block = smaller
        self._frozen.append(Page((block,)))
        self._first += 1
        return True

    def _fitting(self) -> int:
        """Return how many of the open items make a page, those still at work left out."""
        items = self.open_items
        running = (n for n, item in enumerate(items) if _is_running(item))
        most = next(running, len(items))
        count = 0
        while count < most and self._fits(blocks(items[: count + 1])):
            count += 1
        if count == len(items) and isinstance(items[-1], TextItem):
            count -= 1  # a text that still comes stays open; it is cut where it may be
        return count

    def _cuttable(self, count: int) -> TextItem | None:
        """Return the text that begins where the fitting items end."""
        item = self._items[self._first + count] if count < len(self.open_items) else None
        return item if isinstance(item, TextItem) else None

    def _cut(self, count: int, text: TextItem) -> int:
        """Return how much of a text fills the page up; 0 if it should begin the next."""
        above = blocks(self.open_items[:count])
        room = self._longest(above, text)
        if count and room < min(SMALLEST, len(text.settle())):
            return 0
        length = cut_point(text.settle(), room)
        while length > 1 and not self._fits([*above, text.head(length)]):
            length = length * 3 // 4  # closing a fence took more than was free
        return length

    def _longest(self, above: list[Block], text: TextItem, below: Sequence[Block] = ()) -> int:
        """Return the length of the longest head of a text that fits between some blocks."""
        low, high = 0, len(text.settle())
        while low < high:
            middle = (low + high + 1) // 2
            if self._fits([*above, text.head(middle), *below]):
                low = middle
            else:
                high = middle - 1
        return low

    def _filled(self, bottom: Sequence[Block]) -> tuple[Block, ...]:
        """Return what the last page that is allowed shows: as much as fits for good."""
        reserve = (*bottom, Line("x" * 160), Line("x" * 80))
        items = self.open_items
        count = 0
        while count < len(items) and self._fits([*blocks(items[: count + 1]), *reserve]):
            count += 1
        content = blocks(items[:count])
        text = self._cuttable(count)
        if text is None:
            return tuple(content)
        room = self._longest(content, text, reserve)
        if content and room < min(SMALLEST, len(text.settle())):
            return tuple(content)
        length = cut_point(text.settle(), room)
        while length > 1 and not self._fits([*content, text.head(length), *reserve]):
            length = length * 3 // 4
        return (*content, text.head(length))

    def _squeezed(self, bottom: Sequence[Block], buttons: Buttons) -> Page:
        """Return a page for what neither fits nor can be cut: its newest blocks."""
        content = blocks(self.open_items)
        for dropped in range(1, len(content)):
            page = self._page(content[dropped:], bottom, buttons)
            if self._surface.fits(page):
                return page
        return self._page((), [*bottom[-1:], Line("…")], buttons)

    def _fits(self, content: Sequence[Block]) -> bool:
        return self._surface.fits(self._page(content, (), ()))


def _is_running(item: Item) -> bool:
    match item:
        case ToolItem(state=state):
            return state == "running"
        case ThinkingItem(ended=ended):
            return ended is None
    return False


def _is_empty(block: Block) -> bool:
    return isinstance(block, Prose) and not block.markdown.strip()


def _halved(block: Block) -> Block:
    """Return a block with half of its text: the end of a fold, else the beginning."""
    match block:
        case Fold(title, text):
            return Fold(title, text[len(text) - len(text) // 2 :])
        case Line(text, style):
            return Line(text[: max(1, len(text) // 2)], style)
    return block
