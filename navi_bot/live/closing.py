"""The last page of a turn: its footer, its buttons, its final words. Pure."""

from collections import Counter
from collections.abc import Sequence

from navi_bot.events import Ending, StreamEnd, StreamFailed, StreamStopped
from navi_bot.live.items import BlockItem, TextItem, shorten
from navi_bot.live.pager import Buttons, Pager
from navi_bot.live.timeline import NOTICE, Timeline
from navi_bot.messages import Block, Button, Line, TurnId
from navi_bot.texts import live as texts

CONTINUED = ("iterations", "time", "same_call", "calls", "length")
"""Limits after which going on makes sense."""

DATA_LIMIT = 64
"""Bytes of a button's data (Telegram's limit)."""

MOST_MODELS = 3
"""Buttons with other models, where one is missing."""


def footer(end: StreamEnd) -> str:
    """Return time, tools, tokens and context share; what is nothing is left out."""
    parts = [texts.FOOTER_TIME(seconds=f"{end.elapsed_seconds:.1f}")]
    if end.tool_call_count:
        parts.append(texts.FOOTER_TOOLS(count=end.tool_call_count))
    if end.token_count:
        parts.append(texts.FOOTER_TOKENS(count=_thousands(end.token_count)))
    if end.max_context_tokens:
        share = round(100 * end.context_tokens / end.max_context_tokens)
        parts.append(texts.FOOTER_CONTEXT(share=share))
    return " · ".join(parts)


def _thousands(count: int) -> str:
    return f"{count / 1000:.1f}k" if count >= 1000 else str(count)


def bottom(ending: Ending) -> list[Block]:
    """Return the lines that stand below everything."""
    match ending:
        case StreamEnd(full_content):
            said: list[Block] = []
            if not full_content.strip():
                said.append(Line(texts.NO_ANSWER()))
            elif ending.limit == "length":  # the answer itself says the other limits
                said.append(Line(texts.CUT_OFF()))
            return [*said, Line(footer(ending), "dim")]
        case StreamStopped(lasting=lasting):
            words = texts.LASTING(names=listed(lasting)) if lasting else ""
            return [Line(f"{texts.STOPPED()} {words}".rstrip())]
        case StreamFailed(reason):
            return [Line(texts.FAILED(reason=shorten(reason, NOTICE)))]


def listed(names: Sequence[str]) -> str:
    """Return names with commas between, each once, with how often it is there."""
    counts = Counter(names)
    return ", ".join(f"{name} ({count})" if count > 1 else name for name, count in counts.items())


def buttons(ending: Ending, turn: TurnId) -> Buttons:
    """Return what a person may do now."""
    match ending:
        case StreamEnd(limit=limit) if limit in CONTINUED:
            return ((Button(texts.CONTINUE(), f"continue:{turn}"),),)
        case StreamEnd(limit="context"):
            return ((Button(texts.NEW(), "new:"),),)
        case StreamFailed(goes_on=True):
            return ((Button(texts.CONTINUE(), f"continue:{turn}"),),)
        case StreamFailed(retryable=True) | StreamEnd(limit="repeating"):
            return (*_others(ending, turn), (Button(texts.RETRY(), f"retry:{turn}"),))
    return ()


def _others(ending: Ending, turn: TurnId) -> Buttons:
    """Return a row with a button for each of the first models to use instead."""
    names = ending.models if isinstance(ending, StreamFailed) else ()
    rows = ((Button(texts.USE(model=name), f"use:{turn}:{name}"),) for name in names)
    return tuple(row for row in rows if len(row[0].data.encode()) <= DATA_LIMIT)[:MOST_MODELS]


def close(timeline: Timeline, pager: Pager, ending: Ending, now: float) -> None:
    """Make the items say what is final."""
    timeline.end_thinking(now)
    timeline.cancel_tools()
    pager.reopen()
    if not isinstance(ending, StreamEnd) or not ending.full_content.strip():
        return
    streamed = timeline.final_texts()
    if "".join(item.whole for item in streamed) == ending.full_content:
        return
    if len(streamed) == 1 and streamed[0].become(ending.full_content):
        return
    if any(item.gone for item in streamed):
        pager.start_over()
    timeline.drop(streamed)
    timeline.items.append(TextItem(ending.full_content))


def put_above_answer(timeline: Timeline, blocks: Sequence[Block]) -> bool:
    """Put what the turn meant to do above its answer; False if a frozen page has that place."""
    answer = timeline.final_texts()
    if not answer or answer[0].gone:
        return False
    place = next(n for n, item in enumerate(timeline.items) if item is answer[0])
    timeline.items[place:place] = [BlockItem(block) for block in blocks]
    return True
