"""What is left of a turn when it has ended: its state, its counts, its posts. Pure."""

from collections.abc import Sequence
from dataclasses import replace

from navi_bot.events import (
    Ending,
    Event,
    ModelStarted,
    Queued,
    StreamEnd,
    StreamFailed,
    StreamStopped,
    ToolStarted,
)
from navi_bot.messages import Block, Head, Line, Page, Post, TurnId
from navi_bot.ports.records import Metrics, TurnState, turn_key
from navi_bot.texts import turn as texts


def state_of(ending: Ending) -> TurnState:
    match ending:
        case StreamEnd():
            return "done"
        case StreamStopped():
            return "stopped"
        case StreamFailed():
            return "failed"


def metrics_of(ending: Ending) -> Metrics | None:
    """Return the counts of a turn that was answered."""
    if not isinstance(ending, StreamEnd):
        return None
    return Metrics(
        context_tokens=ending.context_tokens,
        token_count=ending.token_count,
        tool_call_count=ending.tool_call_count,
        elapsed_seconds=ending.elapsed_seconds,
        model=ending.model,
    )


def posts_of(
    head: Head, turn: TurnId, pages: tuple[Page, ...], answer: tuple[Page, ...] | None
) -> tuple[Post, ...]:
    """Return what the room shall show for good: the live message, an answer, a file."""
    posts = _apart(head, pages)
    if answer is not None:
        posts += _apart(replace(head, key=turn_key(turn, "answer")), answer)
    return tuple(posts)


def _apart(head: Head, pages: tuple[Page, ...]) -> list[Post]:
    """Put a page's document into a post of its own: a file is a message."""
    posts = [Post(head, tuple(replace(page, document=None) for page in pages))]
    for page in pages:
        if page.document is not None:
            words = Line(page.document.name)
            file_head = replace(head, key=f"{head.key}:file")
            posts.append(Post(file_head, (Page((words,), document=page.document),)))
    return posts


class Unsaved:
    """A turn's end that is not stored yet, as a live source: its text, and that it is not."""

    final = False

    def __init__(self, posts: Sequence[Post]) -> None:
        """The answer stands in for the log where both are posts: only the log has a message."""
        shown = [post for post in posts if not any(page.document for page in post.pages)]
        *before, last = shown[-1].pages
        said = Line(texts.NOT_SAVED(), "dim")
        kept = last.blocks[:-1] if _is_footer(last.blocks[-1]) else last.blocks
        self._pages = (*before, Page((*kept, said)))

    def pages(self, now: float) -> Sequence[Page]:
        return self._pages

    def wakes_at(self, now: float) -> float | None:
        return None


def _is_footer(block: Block) -> bool:
    return isinstance(block, Line) and block.style == "dim"


def activity(event: Event) -> str:
    """Say in a few words what a turn does from this event on; "" for no change."""
    match event:
        case Queued(place):
            return texts.DOING_QUEUED(place=place)
        case ModelStarted(step, max_steps, model):
            return texts.DOING_STEP(step=step, steps=max_steps, model=model)
        case ToolStarted(_, tool_name):
            return texts.DOING_TOOL(tool=tool_name)
    return ""
