"""A rendered message as lines of styled words that fit a width; pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from adapters.telegram.markup import Rendered, units

SIZE = 13.0
"""Pixels of the type."""

QUOTE_ROWS = 3
"""Rows of a collapsed quote, as Telegram shows it."""

QUOTES = ("blockquote", "expandable_blockquote")

_NARROW, _WIDE = frozenset("ijlft.,:;'|!()[]· "), frozenset("mwMW@%—")


@dataclass(frozen=True, slots=True)
class Run:
    """Neighbouring words of one look."""

    text: str
    styles: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a bubble."""

    runs: tuple[Run, ...]
    quoted: bool = False


def width_of(run: Run) -> float:
    """Return about how many pixels a run takes, rather too many: readers' fonts differ."""
    if "code" in run.styles:
        return 0.62 * SIZE * len(run.text)
    heavy = 1.07 if "bold" in run.styles else 1.0
    return heavy * SIZE * sum(_advance(sign) for sign in run.text)


def _advance(sign: str) -> float:
    if sign in _NARROW:
        return 0.33
    if ord(sign) > 0x2100:
        return 1.3
    if sign in _WIDE:
        return 0.92
    return 0.68 if sign.isupper() else 0.575


def rows_of(shown: Rendered, width: float) -> list[Row]:
    """Return the rows of a message; long quotes are cut as while they are collapsed."""
    rows: list[Row] = []
    for runs in _paragraphs(shown):
        quoted = any(style in QUOTES for run in runs for style in run.styles)
        wrapped = list(_wrapped(runs, width - (18 if quoted else 0)))
        if quoted and len(wrapped) > QUOTE_ROWS:
            *kept, last = wrapped[:QUOTE_ROWS]
            wrapped = [*kept, (*last, Run("…"))]
        rows += [Row(row, quoted) for row in wrapped]
    return rows


def _paragraphs(shown: Rendered) -> Iterator[tuple[Run, ...]]:
    """Yield the lines of a message as runs; offsets of entities count UTF-16 units."""
    place = 0
    for line in shown.text.split("\n"):
        runs: list[Run] = []
        for sign in line:
            styles = frozenset(
                one.type for one in shown.entities if one.offset <= place < one.offset + one.length
            )
            if runs and runs[-1].styles == styles:
                runs[-1] = Run(runs[-1].text + sign, styles)
            else:
                runs.append(Run(sign, styles))
            place += units(sign)
        place += 1
        yield tuple(runs)


def _wrapped(runs: tuple[Run, ...], width: float) -> Iterator[tuple[Run, ...]]:
    """Yield rows of whole words."""
    row: list[Run] = []
    used = 0.0
    for word in _words(runs):
        size = width_of(word)
        if row and used + width_of(Run(word.text.rstrip(), word.styles)) > width:
            yield tuple(row)
            row, used = [], 0.0
        row.append(word)
        used += size
    yield tuple(row)


def _words(runs: tuple[Run, ...]) -> Iterator[Run]:
    for run in runs:
        for word in re.findall(r"\S+\s*|\s+", run.text):
            yield Run(word, run.styles)
