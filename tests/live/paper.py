"""A surface of so many characters, and what can be read off pages."""

import re
from collections.abc import Sequence

from navi_bot.events import StreamEnd
from navi_bot.messages import Block, Fold, Line, Page, Prose

FENCE = re.compile(r"^[ \t>]*(?:- )?(`{3,}|~{3,})", re.MULTILINE)


class Paper:
    """Implements the Surface port; counts what it was asked to measure."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.asked = 0
        self.characters = 0

    def fits(self, page: Page) -> bool:
        size = sum(length(block) + 1 for block in page.blocks)
        self.asked += 1
        self.characters += size
        return size <= self.room


def length(block: Block) -> int:
    match block:
        case Prose(markdown):
            return len(markdown)
        case Line(text):
            return len(text)
        case Fold(title, text):
            return len(title) + len(text) + 1


def prose(pages: Sequence[Page]) -> list[str]:
    return [block.markdown for page in pages for block in page.blocks if isinstance(block, Prose)]


def lines(page: Page) -> list[str]:
    return [block.text for block in page.blocks if isinstance(block, Line)]


def words(page: Page) -> str:
    """Return everything that a page shows, block by block."""
    return "\n".join(
        f"{block.title}: {block.text}"
        if isinstance(block, Fold)
        else block.markdown
        if isinstance(block, Prose)
        else block.text
        for block in page.blocks
    )


def is_balanced(markdown: str) -> bool:
    """Whether every fence that is opened is closed (of texts that nest none)."""
    return len(FENCE.findall(markdown)) % 2 == 0


def end(text: str, **changes: object) -> StreamEnd:
    values: dict[str, object] = {
        "full_content": text,
        "context_tokens": 100,
        "max_context_tokens": 1000,
        "elapsed_seconds": 12.34,
        "tool_call_count": 0,
        "token_count": 0,
    }
    return StreamEnd(**{**values, **changes})  # type: ignore[arg-type]  # by name
