"""Links out of tables; pure.

A table is shown as one stretch of code, which holds no links: they are put
below it, so that they can still be followed.
"""

import re
from collections.abc import Iterable, Iterator

_DELIMITER = re.compile(r"^[ \t>]*(?=.*\|)\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$")
_LINK = re.compile(r"!?\[[^\[\]]+\]\((?:[^()\s]|\([^()\s]*\))+(?:\s+\"[^\"]*\")?\)")


def links_below(lines: Iterable[str]) -> Iterator[str]:
    """Yield lines of Markdown, each table followed by the links of its cells."""
    before, links, in_table = "", list[str](), False
    for line in lines:
        if in_table and not line.strip(" \t>"):
            yield from _listed(links)
            in_table = False
        elif not in_table and "|" in before and _DELIMITER.match(line):
            links, in_table = _LINK.findall(before), True
        if in_table:
            links += _LINK.findall(line)
        before = line
        yield line
    if in_table:
        yield from _listed(links)


def _listed(links: list[str]) -> Iterator[str]:
    if links:
        yield ""
        yield " · ".join(dict.fromkeys(links))
