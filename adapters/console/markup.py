"""Pages as lines of a terminal; pure.

Markdown stays as the model wrote it, which a terminal shows well enough; our
own lines are coloured. Escape sequences in anybody's text are made visible,
so that no message can drive the terminal.
"""

import re

from navi_bot.messages import Block, Fold, Line, Page, Prose

_STYLES = {"plain": "", "dim": "fg:ansibrightblack", "bold": "bold", "code": "fg:ansicyan"}

FOLD_LINES = 3
"""Lines of a folded text that are shown; the last ones, which are the newest."""

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")

Fragments = list[tuple[str, str]]
"""(style, text) pairs as prompt_toolkit takes them."""


def visible(text: str) -> str:
    """Return the text with control characters spelled out."""
    return _CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", text)


class ConsoleSurface:
    """A terminal scrolls: everything fits on one page."""

    def fits(self, page: Page) -> bool:
        """Answer yes; implements the Surface port."""
        return True


def fragments(page: Page) -> Fragments:
    """Return a page as styled text, each block on lines of its own."""
    shown: Fragments = []
    for block in page.blocks:
        shown += _block(block)
    labels = [f"[{button.label}]" for row in page.buttons for button in row]
    if labels:
        shown.append(("fg:ansibrightblack", "  ".join(visible(label) for label in labels) + "\n"))
    return shown


def _block(block: Block) -> Fragments:
    match block:
        case Prose(markdown):
            return [("", visible(markdown.strip("\n")) + "\n")]
        case Line(text, style):
            return [(_STYLES[style], visible(text) + "\n")]
        case Fold(title, text):
            lines = visible(text).strip().splitlines()
            cut = ["…"] if len(lines) > FOLD_LINES else []
            body = "\n".join(f"  │ {line}" for line in cut + lines[-FOLD_LINES:])
            return [("fg:ansibrightblack", f"{visible(title)}\n{body}\n")]


def answer_text(page: Page) -> str:
    """Return the words of a page that answer.

    They are the last prose and what our own lines add below it (why it broke
    off, say); without prose, our lines. Dim lines are about the work.
    """
    blocks = list(page.blocks)
    places = [place for place, block in enumerate(blocks) if isinstance(block, Prose)]
    kept: list[str] = []
    for block in blocks[places[-1] if places else 0 :]:
        match block:
            case Prose(markdown):
                kept.append(markdown.strip())
            case Line(text, style) if style != "dim":
                kept.append(text)
    return "\n".join(kept)
