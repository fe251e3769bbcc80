"""The hash of a page's content: equal content, equal hash, in every process."""

import json
from hashlib import blake2b

from navi_bot.messages import Block, Fold, Line, Page, Prose


def page_hash(page: Page) -> str:
    """Return 32 hex digits over everything that a reader of the page can notice."""
    document = page.document
    content = [
        [_block(block) for block in page.blocks],
        [[[b.label, b.data, b.style, b.person] for b in row] for row in page.buttons],
        [document.name, document.text] if document is not None else None,
    ]
    # Escaped to ASCII, so that a lone surrogate from a model cannot fail here.
    return blake2b(json.dumps(content).encode("ascii"), digest_size=16).hexdigest()


def _block(block: Block) -> list[str]:
    match block:
        case Prose(markdown):
            return ["prose", markdown]
        case Line(text, style):
            return ["line", text, style]
        case Fold(title, text):
            return ["fold", title, text]
